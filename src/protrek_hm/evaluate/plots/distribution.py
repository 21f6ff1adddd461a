"""Picture 2: how the scores of right and wrong proteins overlap, per model, for hard and easy cases."""

import numpy as np
from jaxtyping import Float
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from protrek_hm.evaluate.detection import auroc
from protrek_hm.evaluate.metrics import margins
from protrek_hm.evaluate.run import Evaluation
from protrek_hm.figures.style import NEGATIVE, POSITIVE, STYLE, new_figure

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
            _draw(axes, model.scores[name], bins, wrong=_WRONG[name])
            if row == 0:
                axes.set_title(model.name)
            if row == rows - 1:
                axes.set_xlabel("score of text and protein (cosine)")
        grid[row, 0].set_ylabel(f"{name} cases (n = {len(model.scores[name])})")
        grid[row, 0].legend(loc="upper left", fontsize=8, handlelength=1.2)
        grid[row, 0].set_ylim(top=1.4 * grid[row, 0].get_ylim()[1])
    return figure


def _draw(axes: Axes, scores: Float[np.ndarray, "cases 2 2"], bins: list[float], *, wrong: str) -> None:
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
