"""Picture 3: texts, proteins and twins on a map, before and after."""

import numpy as np
from jaxtyping import Float, Int
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from protrek_hm.cosines import TOLERANCE, equal_ties
from protrek_hm.evaluate.measures import CaseSet
from protrek_hm.evaluate.metrics import margins
from protrek_hm.evaluate.model_result import ModelResult
from protrek_hm.evaluate.run import Evaluation
from protrek_hm.figures.style import GREY, NEGATIVE, POSITIVE, STYLE, new_figure

MOST_CASES = 200  # on the map; more make it slow and grey


@rc_context(STYLE)
def plot_projection(evaluation: Evaluation) -> Figure:
    """Draw a t-SNE map per model, with random twins on it, and for two models again with the most improved.

    Each map is laid out on its own (scikit-learn's TSNE, PCA start, seed fixed) from up to 200 random hard
    cases and the most improved ones; both rows show the same map. The mean of the texts and that of the
    proteins are moved onto each other first: they lie apart in any dual encoder, and the map would show
    nothing else.
    """
    hard = evaluation.sets["hard"]
    rng = np.random.default_rng(evaluation.config.seed)
    on_map = rng.permutation(len(hard.cases))[:MOST_CASES]
    chosen = {"random twins": hard.groups.one_of_each(on_map, evaluation.config.shown_twins)}
    if evaluation.differences:
        gain = margins(evaluation.models[1].scores["hard"]) - margins(evaluation.models[0].scores["hard"])
        improved = hard.groups.one_of_each(np.argsort(-equal_ties(gain), kind="stable"), evaluation.config.shown_twins)
        chosen["most improved twins (selected)"] = improved[gain[improved] > TOLERANCE]
    on_map = np.unique(np.concatenate([on_map, *chosen.values()]))

    figure = new_figure(3.4 * len(evaluation.models), 0.6 + 3.1 * len(chosen))
    grid = figure.subplots(len(chosen), len(evaluation.models), squeeze=False)
    for column, model in enumerate(evaluation.models):
        places = _map(model, hard, on_map, seed=evaluation.config.seed)
        for row, (title, cases) in enumerate(chosen.items()):
            _draw(grid[row, column], places, np.searchsorted(on_map, cases))
            grid[row, column].set_title(f"{model.name}: {title}", fontsize=9)
    handles, labels = grid[0, 0].get_legend_handles_labels()
    note = f"t-SNE of {len(on_map)} hard cases; each column is one map"
    figure.legend(handles, labels, loc="outside lower center", ncols=4, fontsize=8, title=note, title_fontsize=8)
    return figure


def _map(
    model: ModelResult, hard: CaseSet, on_map: Int[np.ndarray, " cases"], *, seed: int
) -> Float[np.ndarray, "cases 3 2"]:
    """Lay out the text, the protein and the twin of each case in the plane."""
    cases = hard.cases
    texts, text_of = np.unique(cases.text[on_map], return_inverse=True)
    proteins, protein_of = np.unique([cases.positive[on_map], cases.negative[on_map]], return_inverse=True)
    text_vectors, protein_vectors = model.embeddings.texts[texts], model.embeddings.sequences[proteins]
    points = np.concatenate([text_vectors - text_vectors.mean(axis=0), protein_vectors - protein_vectors.mean(axis=0)])
    # a hair of noise keeps the PCA start defined where points coincide
    points += np.random.default_rng(seed).normal(scale=1e-6, size=points.shape)
    perplexity = min(30.0, (len(points) - 1) / 3)
    with threadpool_limits(1):  # sums in one order: same bytes; and on a busy machine many times faster than by threads
        layout = TSNE(perplexity=perplexity, init="pca", random_state=seed).fit_transform(points)
    protein_of = len(texts) + protein_of.reshape(2, -1)
    return np.asarray(layout[np.stack([text_of, protein_of[0], protein_of[1]], axis=1)], dtype=np.float64)


def _draw(axes: Axes, places: Float[np.ndarray, "cases 3 2"], shown: Int[np.ndarray, " shown"]) -> None:
    axes.scatter(places[..., 0], places[..., 1], s=4, color="#DDDDDD", linewidths=0, label="all on this map")
    text, protein, twin = places[shown].transpose(1, 0, 2)
    for ends, colour, style in ((protein, POSITIVE, "-"), (twin, NEGATIVE, "--")):
        for start, end in zip(text, ends, strict=True):
            axes.plot(*zip(start, end, strict=True), color=colour, linestyle=style, linewidth=1.0, zorder=2)
    axes.scatter(text[:, 0], text[:, 1], s=45, marker="*", color="black", zorder=4, label="text")
    axes.scatter(protein[:, 0], protein[:, 1], s=26, color=POSITIVE, zorder=3, label="its protein")
    axes.scatter(
        twin[:, 0],
        twin[:, 1],
        s=26,
        facecolors="white",
        edgecolors=NEGATIVE,
        linewidth=1.3,
        zorder=3,
        label="the twin",
    )
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(True)
    axes.spines[:].set_color(GREY)
