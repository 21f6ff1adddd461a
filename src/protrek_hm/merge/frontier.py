"""The picture of a sweep: what each α wins on twins, and what it costs on random pairs."""

from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes

from protrek_hm.figures.style import AFTER, BEFORE, GREY, POSITIVE, STYLE, new_figure, save_figure
from protrek_hm.merge.sweeping import Point, SweepResult


@rc_context(STYLE)
def draw_frontier(result: SweepResult, path: Path) -> None:
    """Draw hard against easy accuracy from the base to the tuned model, as PNG and beside it as PDF."""
    easy, hard = ([100 * getattr(point, name).value for point in result.points] for name in ("easy", "hard"))
    lowest = easy[0] - 100 * result.config.easy_tolerance
    figure = new_figure(5.0, 3.8)
    axes = figure.add_subplot()
    axes.axvline(lowest, color=GREY, linestyle="--", linewidth=0.8, label="lowest easy accuracy allowed")
    axes.plot(easy, hard, color=GREY, linewidth=1.0, marker=".", zorder=2)
    marks: tuple[tuple[Point, str, dict[str, Any]], ...] = (
        (result.points[0], BEFORE, {"label": "base, α = 0"}),
        (result.points[-1], AFTER, {"label": "tuned, α = 1"}),
        (
            result.chosen,
            POSITIVE,
            {"label": f"chosen, α = {result.chosen.alpha:g}", "markersize": 12, "markerfacecolor": "none"},
        ),
    )
    for point, colour, look in marks:
        _draw_interval(axes, point, colour)
        place = (100 * point.easy.value, 100 * point.hard.value)
        axes.plot(*place, "o", color=colour, zorder=3, **look)
    for point, x, y in zip(result.points, easy, hard, strict=True):
        axes.annotate(
            f"{point.alpha:g}", (x, y), (-4, -9), textcoords="offset points", ha="right", fontsize=7, color=GREY
        )
    axes.set(
        title="From the base to the tuned model",
        xlabel=f"easy accuracy (%), 95 % interval, n = {result.chosen.easy.n}",
        ylabel=f"hard accuracy (%), 95 % interval, n = {result.chosen.hard.n}",
    )
    axes.margins(0.08)
    figure.legend(loc="outside lower center", ncols=2)
    save_figure(figure, path)


def _draw_interval(axes: Axes, point: Point, colour: str) -> None:
    easy, hard = 100 * point.easy.value, 100 * point.hard.value
    style: dict[str, Any] = {"color": colour, "linewidth": 0.8, "alpha": 0.5, "zorder": 1}
    if point.easy.low is not None and point.easy.high is not None:
        axes.hlines(hard, 100 * point.easy.low, 100 * point.easy.high, **style)
    if point.hard.low is not None and point.hard.high is not None:
        axes.vlines(easy, 100 * point.hard.low, 100 * point.hard.high, **style)
