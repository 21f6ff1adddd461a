"""A sweep as a table for people."""

from functools import partial

from rich import box
from rich.console import Console
from rich.table import Table

from protrek_hm.evaluate.table import percent
from protrek_hm.merge.sweeping import SweepResult

_line = partial(percent, between=" ")


def print_sweep(result: SweepResult, console: Console | None = None) -> None:
    """Print a row per α, the chosen one marked, to stdout if no console is given."""
    console = console or Console()
    console.print(sweep_table(result))
    console.print(
        f"chosen: α = {result.chosen.alpha:g} ({result.config.rule}); "
        f"against the base: hard {_line(result.hard_gain, sign='+')}, easy {_line(result.easy_gain, sign='+')}",
        highlight=False,
        soft_wrap=True,
    )


def sweep_table(result: SweepResult) -> Table:
    """Return a row per α: hard and easy accuracy with intervals, n in the head."""
    table = Table(box=box.SIMPLE_HEAD, caption_justify="left")
    table.caption = "Accuracy in % [95 % interval by bootstrap over groups] on the validation triplets."
    table.add_column("α", justify="right")
    for name, estimate in (("hard", result.chosen.hard), ("easy", result.chosen.easy)):
        table.add_column(f"{name}, n = {estimate.n}, {estimate.groups} groups", justify="right")
    table.add_column("")
    for point in result.points:
        is_chosen = point is result.chosen
        mark, style = ("◀ chosen", "bold") if is_chosen else ("", None)
        table.add_row(f"{point.alpha:g}", _line(point.hard), _line(point.easy), mark, style=style)
    return table
