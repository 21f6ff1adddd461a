"""Picture 5: where each model is good, by identity, differing residues, length and family size."""

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from protrek_hm.evaluate.plots.colours import model_colour
from protrek_hm.evaluate.run import Evaluation
from protrek_hm.evaluate.strata import BINS
from protrek_hm.figures.style import GREY, STYLE, new_figure

MEASURE = "hard_text_to_protein"
_MARKS = "os^vD"


@rc_context(STYLE)
def plot_strata(evaluation: Evaluation) -> Figure:
    """Draw hard accuracy (text → protein) with intervals in each bin, a panel a grouping, n below each bin."""
    figure = new_figure(7.6, 5.6)
    for axes, by in zip(figure.subplots(2, 2, sharey=True).ravel(), BINS, strict=True):
        _draw(axes, evaluation, by)
    figure.supylabel("hard accuracy, text → protein (%), 95 % interval", fontsize=9)
    axes = figure.axes[0]
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper left", ncols=6)
    return figure


def _draw(axes: Axes, evaluation: Evaluation, by: str) -> None:
    models = evaluation.models
    labels = [each.label for each in models[0].strata if each.by == by]
    for position, model in enumerate(models):
        found = [each.estimates[MEASURE] for each in model.strata if each.by == by]
        places = np.arange(len(found)) + 0.16 * (position - (len(models) - 1) / 2)
        colour = model_colour(position, of=len(models))
        for place, each in zip(places, found, strict=True):
            if each.low is not None and each.high is not None:
                axes.vlines(place, 100 * each.low, 100 * each.high, color=colour, linewidth=1.3)
        heights = [100 * each.value for each in found]
        axes.plot(places, heights, _MARKS[position % len(_MARKS)], color=colour, markersize=5.5, label=model.name)
    counts = [each.estimates[MEASURE].n for each in models[0].strata if each.by == by]
    axes.axhline(50, color=GREY, linestyle="--", linewidth=1.0, label="chance")
    ticks = [f"{label.replace(' %', '')}\nn = {n}" for label, n in zip(labels, counts, strict=True)]
    axes.set_xticks(range(len(labels)), ticks, fontsize=7)
    axes.set_xlim(-0.6, len(labels) - 0.4)
    axes.set_ylim(0, 104)
    axes.set_title(f"{by} (%)" if by == "identity" else by)
