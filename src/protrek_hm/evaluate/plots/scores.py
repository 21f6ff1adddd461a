"""Pictures of scores and embeddings: distributions, changes, calibration, t-SNE maps."""

import textwrap
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from protrek_hm.cosines import TOLERANCE, equal_ties
from protrek_hm.evaluate.measures import CaseSet
from protrek_hm.evaluate.metrics import auroc, margins, text_to_protein
from protrek_hm.evaluate.plots.accuracy import model_colour
from protrek_hm.evaluate.run import Evaluation, ModelResult
from protrek_hm.figures.style import GREY, NEGATIVE, POSITIVE, STYLE, new_figure

_WRONG = {"hard": "its twin", "easy": "another protein"}


@rc_context(STYLE)
def plot_distribution(evaluation: Evaluation) -> Figure:
    """Draw right and wrong scores, a row for hard and one for easy, a column per model, on one scale."""
    rows, columns = len(evaluation.sets), len(evaluation.models)
    figure = new_figure(max(4.2, 3.3 * columns), 0.5 + 2.1 * rows)
    grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey="row")
    every = np.concatenate([scores[:, 0].ravel() for model in evaluation.models for scores in model.scores.values()])
    reach = max(float(np.ptp(every)), 1e-3)
    bins = np.linspace(every.min() - 0.02 * reach, every.max() + 0.02 * reach, 50).tolist()
    for row, name in enumerate(evaluation.sets):
        for column, model in enumerate(evaluation.models):
            axes = grid[row, column]
            _draw_histograms(axes, model.scores[name], bins, wrong=_WRONG[name])
            if row == 0:
                axes.set_title(model.name)
            if row == rows - 1:
                axes.set_xlabel("score of text and protein (cosine)")
        grid[row, 0].set_ylabel(f"{name} cases (n = {len(model.scores[name])})")
        grid[row, 0].legend(loc="upper left", fontsize=8, handlelength=1.2)
        grid[row, 0].set_ylim(top=1.4 * grid[row, 0].get_ylim()[1])
    return figure


def _draw_histograms(axes: Axes, scores: Float[np.ndarray, "cases 2 2"], bins: list[float], *, wrong: str) -> None:
    for values, colour, label in (
        (scores[:, 0, 0], POSITIVE, "its protein"),
        (scores[:, 0, 1], NEGATIVE, wrong),
    ):
        axes.hist(values, bins, color=colour, alpha=0.35, label=label)
        axes.hist(values, bins, color=colour, histtype="step", linewidth=1.2)
        axes.axvline(float(values.mean()), ymax=1 / 1.4, color=colour, linestyle=":", linewidth=1.2)
    area = auroc(scores[:, 0, 0], scores[:, 0, 1])
    text = f"AUROC {area:.2f}\nmean margin {margins(scores).mean():+.3f}"
    axes.text(0.98, 0.97, text, transform=axes.transAxes, ha="right", va="top", fontsize=8)


_RIGHT_BOTH = "#56B4E9"


@rc_context(STYLE)
def plot_change(evaluation: Evaluation) -> Figure:
    """Draw each case's margin after over that before, for hard and easy, with the counts of all outcomes.

    A tie counts as wrong.

    Raises
    ------
    ValueError
        Unless there are exactly two models.
    """
    if len(evaluation.models) != 2:
        raise ValueError(f"a change needs exactly two models, got {len(evaluation.models)}")
    before, after = evaluation.models
    figure = new_figure(3.9 * len(evaluation.sets), 3.9)
    panels = figure.subplots(1, len(evaluation.sets), squeeze=False)[0]
    for axes, name in zip(panels, evaluation.sets, strict=True):
        x, y = margins(before.scores[name]), margins(after.scores[name])
        was, now = (text_to_protein(each.scores[name]) == 1 for each in (before, after))
        outcomes = (
            ("wrong → right", ~was & now, POSITIVE),
            ("right → wrong", was & ~now, NEGATIVE),
            ("right in both", was & now, _RIGHT_BOTH),
            ("wrong in both", ~was & ~now, GREY),
        )
        size, scale = (14, 1.0) if len(x) < 500 else (5, 1.7)
        for label, chosen, colour in outcomes:
            share = f"{label}: {int(chosen.sum())} ({100 * chosen.mean():.0f} %)"
            axes.scatter(x[chosen], y[chosen], s=size, color=colour, alpha=0.7, linewidths=0, label=share)
        axes.axhline(0, color="black", linewidth=0.7)
        axes.axvline(0, color="black", linewidth=0.7)
        ends = [min(x.min(), y.min(), 0.0), max(x.max(), y.max(), 0.0)]
        axes.plot(ends, ends, color=GREY, linestyle=":", linewidth=0.9, zorder=0, label="no change")
        axes.set_xlim(_padded(x))
        axes.set_ylim(_padded(y))
        axes.locator_params(nbins=5)
        axes.set_title(f"{name} (n = {len(x)})")
        axes.set_xlabel(f"margin, {before.name}")
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2, fontsize=8, markerscale=scale)
    panels[0].set_ylabel(f"margin, {after.name}")
    return figure


def _padded(values: Float[np.ndarray, " cases"]) -> tuple[float, float]:
    """Return limits that leave room around the values and show zero."""
    low, high = min(float(values.min()), 0.0), max(float(values.max()), 0.0)
    room = 0.06 * max(high - low, 1e-3)
    return low - room, high + room


@rc_context(STYLE)
def plot_reliability(evaluation: Evaluation) -> Figure:
    """Draw accuracy over certainty of each model's choices, a panel a set, the share of cases as bars below.

    Neighbouring bins are drawn as one point until it holds `FEWEST_CASES`; its number of cases stands beside it.
    """
    models, sets = evaluation.models, list(evaluation.sets)
    figure = new_figure(0.4 + 3.6 * len(sets), 4.4)
    grid = figure.subplots(2, len(sets), squeeze=False, sharex=True, height_ratios=(3, 1))
    for column, name in enumerate(sets):
        above, below = grid[0, column], grid[1, column]
        above.plot((50, 100), (50, 100), color=GREY, linestyle="--", linewidth=1.0, label="as it says")
        for position, model in enumerate(models):
            found = model.discrimination[name].calibration
            colour = model_colour(position, of=len(models))
            points = found.pooled(FEWEST_CASES)
            sure, right = ([100 * each for each in values] for values in list(zip(*points, strict=True))[1:])
            label = f"{model.name}: ECE {100 * found.error:.1f} %"
            above.plot(sure, right, "o-", color=colour, markersize=4.5, label=label)
            for place, (cases, *_) in zip(zip(sure, right, strict=True), points, strict=True):
                above.annotate(
                    str(cases),
                    place,
                    (-4, 4) if position % 2 else (5, -4),
                    textcoords="offset points",
                    ha="right" if position % 2 else "left",
                    va="bottom" if position % 2 else "top",
                    fontsize=6.5,
                    color=colour,
                )
            _draw_counts(below, found.counts, colour)
        above.set_title(f"{name} (n = {sum(models[0].discrimination[name].calibration.counts)})")
        above.set_ylim(-3, 103)
        above.legend(loc="lower right", fontsize=7.5)
        below.set_xlabel("stated certainty of the chosen protein (%)")
    grid[0, 0].set_ylabel("right (%)")
    grid[1, 0].set_ylabel("cases (%)")
    return figure


def _draw_counts(axes: Axes, counts: tuple[int, ...], colour: str) -> None:
    width = 50 / len(counts)
    shares = [100 * cases / sum(counts) for cases in counts]
    edges = [50 + number * width for number in range(len(counts) + 1)]
    axes.stairs(shares, edges, color=colour, fill=True, alpha=0.3)
    axes.stairs(shares, edges, color=colour)
    axes.set_xlim(49, 101)


_TITLE = 42  # characters of a map's width
MOST_CASES = 200  # on the map; more make it slow and grey
FEWEST_CASES = 20
"""Cases behind a point of the reliability diagram."""


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
            _draw_twins(grid[row, column], places, np.searchsorted(on_map, cases))
            heading = f"{model.name}: {title}"
            grid[row, column].set_title("\n".join(textwrap.wrap(heading, _TITLE, break_on_hyphens=False)), fontsize=9)
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


def _draw_twins(axes: Axes, places: Float[np.ndarray, "cases 3 2"], shown: Int[np.ndarray, " shown"]) -> None:
    axes.scatter(places[..., 0], places[..., 1], s=4, color="#DDDDDD", linewidths=0, label="all on this map")
    text, protein, twin = places[shown].transpose(1, 0, 2)
    looks: tuple[tuple[Float[np.ndarray, "shown 2"], dict[str, Any]], ...] = (
        (twin, {"color": NEGATIVE, "linestyle": "--", "alpha": 0.3}),  # faint: far twins would hide the map
        (protein, {"color": POSITIVE, "alpha": 0.8}),
    )
    for ends, look in looks:
        for start, end in zip(text, ends, strict=True):
            axes.plot(*zip(start, end, strict=True), linewidth=0.8, zorder=2, **look)
    axes.scatter(text[:, 0], text[:, 1], s=45, marker="*", color="black", zorder=4, label="text")
    axes.scatter(protein[:, 0], protein[:, 1], s=26, color=POSITIVE, zorder=3, label="its protein")
    hollow: dict[str, Any] = {"facecolors": "white", "edgecolors": NEGATIVE, "linewidth": 1.3}
    axes.scatter(twin[:, 0], twin[:, 1], s=26, zorder=3, label="the twin", **hollow)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(True)
    axes.spines[:].set_color(GREY)
