"""A merge on disk and on the terminal: the model, `merge.json`, and of a sweep its table and its frontier."""

from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from rich.console import Console
from rich.table import Table

from protrek_hm.evaluate.table import new_table, percent
from protrek_hm.figures.style import AFTER, BEFORE, GREY, POSITIVE, STYLE, new_figure, save_figure, spared
from protrek_hm.figures.terminal import PlainConsole
from protrek_hm.files import new_folder, write_json
from protrek_hm.merge.sweeping import Point, SweepResult
from protrek_hm.model.protrek import ProTrek


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


FORMAT_VERSION = 1


def write_merge(
    model: ProTrek,
    folder: Path,
    *,
    alpha: float,
    sources: Mapping[str, Any],
    result: SweepResult | None = None,
    force: bool = False,
) -> None:
    """Write `model/`, `merge.json` and, with the `result` of a sweep, `frontier.png` and `.pdf` into `folder`.

    Parameters
    ----------
    model
        The merged model.
    alpha
        Where it lies between base and tuned, in [0, 1].
    sources
        What it was made from, for `merge.json`.
    result
        The sweep that chose `alpha`.
    force
        Whether a merge that is there is replaced.

    Raises
    ------
    OutputExistsError, ProtectedOutputError, OutputError
        If `folder` holds something and `force` is false; if it holds something else than a merge; if it cannot be
        written.
    """
    with new_folder(folder, force=force) as new:
        model.save_pretrained(str(new / "model"))
        record = {"format_version": FORMAT_VERSION, "alpha": alpha, "fingerprint": model.fingerprint(), **sources}
        write_json(new / "merge.json", record | ({} if result is None else {"sweep": describe(result)}))
        if result is not None:
            with spared(new / "frontier.png"):
                draw_frontier(result, new / "frontier.png")


def describe(result: SweepResult) -> dict[str, Any]:
    """Return a sweep as it stands in `merge.json`: the rule, its settings, every point, the gain of the choice."""
    return {
        "rule": result.config.rule,
        "measure": "accuracy on the validation cases, mean of text → protein and protein → text; ties count half",
        "settings": asdict(result.config),
        "chosen": result.chosen.alpha,
        "gain": {"hard": result.hard_gain.as_dict(), "easy": result.easy_gain.as_dict()},
        "points": [
            {"alpha": point.alpha, "hard": point.hard.as_dict(), "easy": point.easy.as_dict()}
            for point in result.points
        ],
    }


_line = partial(percent, between=" ")


def print_sweep(result: SweepResult, console: Console | None = None) -> None:
    """Print a row per α, the chosen one marked, to stdout if no console is given."""
    console = console or PlainConsole()
    console.print(sweep_table(result))
    console.print(
        f"chosen: α = {result.chosen.alpha:g} ({result.config.rule}); "
        f"against the base: hard {_line(result.hard_gain, sign='+')}, easy {_line(result.easy_gain, sign='+')}",
        highlight=False,
        soft_wrap=True,
    )


def sweep_table(result: SweepResult) -> Table:
    """Return a row per α: hard and easy accuracy with intervals, n in the head."""
    caption = "Accuracy in % [95 % interval by bootstrap over groups] on the validation triplets."
    kinds = (("hard", result.chosen.hard), ("easy", result.chosen.easy))
    heads = [f"{name}, n = {estimate.n}, {estimate.groups} groups" for name, estimate in kinds]
    table = new_table(caption, ["α", *heads, ""])
    for point in result.points:
        is_chosen = point is result.chosen
        mark, style = ("◀ chosen", "bold") if is_chosen else ("", None)
        table.add_row(f"{point.alpha:g}", _line(point.hard), _line(point.easy), mark, style=style)
    return table
