"""Picture 1: accuracy of each model by measure, with intervals, chance and the best baseline."""

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from protrek_hm.evaluate.measures import EVERY_MEASURE, Measure
from protrek_hm.evaluate.plots.colours import model_colour
from protrek_hm.evaluate.run import Evaluation
from protrek_hm.figures.style import GREY, STYLE, new_figure


@rc_context(STYLE)
def plot_accuracy(evaluation: Evaluation) -> Figure:
    """Draw bars with intervals by measure and model, chance as dashed lines, the best baseline as a mark."""
    shown = [each for each in EVERY_MEASURE if each.headline and each.key in evaluation.models[0].estimates]
    figure = new_figure(max(5.0, 1.55 * len(shown) + 0.4 * len(evaluation.models)), 3.6)
    axes = figure.subplots()
    names = [model.name for model in evaluation.models]
    width = 0.72 / len(evaluation.models)
    for position, model in enumerate(evaluation.models):
        centres = np.arange(len(shown)) + (position - (len(evaluation.models) - 1) / 2) * width
        estimates = [model.estimates[measure.key] for measure in shown]
        colour = model_colour(position, of=len(evaluation.models))
        axes.bar(centres, [100 * each.value for each in estimates], 0.92 * width, color=colour, label=model.name)
        for centre, each in zip(centres, estimates, strict=True):
            top = each.value
            if each.low is not None and each.high is not None:
                axes.vlines(centre, 100 * each.low, 100 * each.high, color="black", linewidth=1.1)
                top = each.high
            axes.annotate(
                f"{100 * each.value:.1f}",
                (centre, 100 * top),
                (0, 2),
                textcoords="offset points",
                ha="center",
            )
    _draw_rivals(axes, evaluation, shown)
    axes.set_xticks(range(len(shown)), [_label(measure, evaluation) for measure in shown])
    axes.tick_params(axis="x", length=0)
    axes.set_ylim(0, 108)
    axes.set_yticks(range(0, 101, 20))
    axes.set_ylabel("accuracy (%), 95 % interval")
    axes.set_xlim(-0.55, len(shown) - 0.35)
    handles, labels = axes.get_legend_handles_labels()
    bars_first = sorted(range(len(labels)), key=lambda at: labels[at] not in names)
    figure.legend(
        [handles[at] for at in bars_first],
        [labels[at] for at in bars_first],
        loc="outside upper left",
        ncols=5,
    )
    return figure


def _draw_rivals(axes: Axes, evaluation: Evaluation, shown: list[Measure]) -> None:
    for place, measure in enumerate(shown):
        ends = ([place - 0.44, place + 0.42], [100 * measure.chance] * 2)
        axes.plot(*ends, "--", color=GREY, linewidth=1.0, label="_nolegend_" if place else "chance")
    for place, measure in enumerate(shown):
        known = [each.estimates[measure.key].value for each in evaluation.baselines if measure.key in each.estimates]
        if known:
            label = "_nolegend_" if place else "best baseline"
            axes.plot(place + 0.44, 100 * max(known), "D", color=GREY, markersize=4.5, clip_on=False, label=label)


def _label(measure: Measure, evaluation: Evaluation) -> str:
    estimate = evaluation.models[0].estimates[measure.key]
    kind, _, what = measure.title.partition(", ")
    return f"{kind}\n{what}\nn = {estimate.n}, {estimate.groups} groups"
