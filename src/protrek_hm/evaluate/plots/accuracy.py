"""Pictures of what is right: accuracy by measure and by kind of twin, retrieval."""

from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter

from protrek_hm.evaluate.eval_set import BINS
from protrek_hm.evaluate.measures import EVERY_MEASURE, Measure
from protrek_hm.evaluate.ranking import recall_at
from protrek_hm.evaluate.run import Evaluation
from protrek_hm.evaluate.statistics import Estimate
from protrek_hm.figures.style import AFTER, BEFORE, GREY, STYLE, new_figure

_MODELS = (BEFORE, AFTER, "#CC79A7", "#56B4E9", "#F0E442")


def model_colour(position: int, *, of: int) -> str:
    """Return the colour of the model at `position` of `of`; a single one looks like "after".

    Examples
    --------
    >>> model_colour(0, of=2), model_colour(0, of=1), model_colour(7, of=8)
    ('#E69F00', '#0072B2', '#6E6E6E')
    """
    if of == 1:
        return AFTER
    return _MODELS[position] if position < len(_MODELS) else GREY


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
            _draw_interval(axes, centre, each, color="black", linewidth=1.1)
            top = 100 * (each.value if each.high is None else each.high)
            axes.annotate(f"{100 * each.value:.1f}", (centre, top), (0, 2), textcoords="offset points", ha="center")
    _draw_rivals(axes, evaluation, shown)
    axes.set_xticks(range(len(shown)), [_label(measure, evaluation) for measure in shown])
    axes.tick_params(axis="x", length=0)
    axes.set_ylim(0, 108)
    axes.set_yticks(range(0, 101, 20))
    axes.set_ylabel("accuracy (%), 95 % interval")
    axes.set_xlim(-0.55, len(shown) - 0.35)
    handles, labels = axes.get_legend_handles_labels()
    bars_first = sorted(range(len(labels)), key=lambda at: labels[at] not in names)
    ordered = ([each[at] for at in bars_first] for each in (handles, labels))
    figure.legend(*ordered, loc="outside upper left", ncols=5)
    return figure


def _draw_interval(axes: Axes, place: float, estimate: Estimate, **look: Any) -> None:
    """Draw the 95 % interval in percent as a line at `place`, if there is one."""
    if estimate.low is not None and estimate.high is not None:
        axes.vlines(place, 100 * estimate.low, 100 * estimate.high, **look)


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


_STRATA_OF = "hard_text_to_protein"
_MARKS = "os^vD"


@rc_context(STYLE)
def plot_strata(evaluation: Evaluation) -> Figure:
    """Draw hard accuracy (text → protein) with intervals in each bin, a panel a grouping, n below each bin.

    A grouping with one bin compares nothing: it is named in a line below instead.
    """
    labels = {by: [each.label for each in evaluation.models[0].strata if each.by == by] for by in BINS}
    drawn = [by for by in BINS if len(labels[by]) > 1] or list(BINS)[:1]
    rows = (len(drawn) + 1) // 2
    figure = new_figure(7.6, 1.0 + 2.3 * rows)
    grid = figure.subplots(rows, min(len(drawn), 2), sharey=True, squeeze=False).ravel()
    for axes in grid[len(drawn) :]:
        axes.remove()
    for axes, by in zip(grid, drawn, strict=False):
        _draw_strata(axes, evaluation, by)
    figure.supylabel("hard accuracy, text → protein (%), 95 % interval", fontsize=9)
    figure.legend(*grid[0].get_legend_handles_labels(), loc="outside upper left", ncols=6)
    alone = [f"{by} {labels[by][0]}" for by in BINS if by not in drawn]
    if alone:
        figure.supxlabel(f"the same for all cases: {'; '.join(alone)}", fontsize=8)
    return figure


def _draw_strata(axes: Axes, evaluation: Evaluation, by: str) -> None:
    models = evaluation.models
    labels = [each.label for each in models[0].strata if each.by == by]
    for position, model in enumerate(models):
        found = [each.estimates[_STRATA_OF] for each in model.strata if each.by == by]
        places = np.arange(len(found)) + 0.16 * (position - (len(models) - 1) / 2)
        colour = model_colour(position, of=len(models))
        for place, each in zip(places, found, strict=True):
            _draw_interval(axes, place, each, color=colour, linewidth=1.3)
        heights = [100 * each.value for each in found]
        axes.plot(places, heights, _MARKS[position % len(_MARKS)], color=colour, markersize=5.5, label=model.name)
    counts = [each.estimates[_STRATA_OF].n for each in models[0].strata if each.by == by]
    axes.axhline(50, color=GREY, linestyle="--", linewidth=1.0, label="chance")
    ticks = [f"{label.replace(' %', '')}\nn = {n}" for label, n in zip(labels, counts, strict=True)]
    axes.set_xticks(range(len(labels)), ticks, fontsize=7)
    axes.set_xlim(-0.6, len(labels) - 0.4)
    axes.set_ylim(0, 104)
    axes.set_title(f"{by} (%)" if by == "identity" else by)


@rc_context(STYLE)
def plot_retrieval(evaluation: Evaluation) -> Figure:
    """Draw the share of queries whose answer is among the first k, over k, a panel a direction."""
    models = evaluation.models
    keys = list(models[0].retrieval)
    figure = new_figure(0.5 + 3.4 * min(len(keys), 3), 0.4 + 3.0 * ((len(keys) + 2) // 3))
    grid = figure.subplots((len(keys) + 2) // 3, min(len(keys), 3), squeeze=False, sharey=True)
    for axes in grid.ravel()[len(keys) :]:
        axes.remove()
    for axes, key in zip(grid.ravel(), keys, strict=False):
        for position, model in enumerate(models):
            found = model.retrieval[key]
            depths = np.unique(np.geomspace(1, found.ranks.pool, 200).round())
            shares = [100 * recall_at(found.ranks, int(depth)).mean() for depth in depths]
            colour = model_colour(position, of=len(models))
            mrr = found.estimates["mrr"].value
            axes.step(depths, shares, where="post", color=colour, label=f"{model.name}: MRR {mrr:.3f}")
        axes.plot(
            depths, 100 * depths / found.ranks.pool, "--", color=GREY, linewidth=1.0, label="one answer, by chance"
        )
        axes.set_xscale("log")
        axes.xaxis.set(major_formatter=LogFormatter(), minor_formatter=LogFormatter())  # the default ones need math
        axes.set_xlim(1, max(found.ranks.pool, 2))
        axes.set_ylim(0, 103)
        axes.set_title(f"{found.title} (n = {len(found.ranks.better)})")
        axes.set_xlabel(f"first k of {found.ranks.pool}")
        axes.legend(loc="upper left" if mrr < 0.5 else "lower right", fontsize=7.5)
    grid[0, 0].set_ylabel("queries answered (%)")
    return figure
