"""A sweep as a table for people."""

from rich import box
from rich.console import Console
from rich.table import Table

from protrek_hm.evaluate.statistics import Estimate
from protrek_hm.merge.sweeping import SweepResult


def print_sweep(result: SweepResult, console: Console | None = None) -> None:
    """Print a row per α, the chosen one marked, to stdout if no console is given."""
    console = console or Console()
    console.print(sweep_table(result))
    console.print(
        f"chosen: α = {result.chosen.alpha:g} ({result.config.rule}); "
        f"against the base: hard {percent(result.hard_gain, sign='+')}, easy {percent(result.easy_gain, sign='+')}",
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
        table.add_row(f"{point.alpha:g}", percent(point.hard), percent(point.easy), mark, style=style)
    return table


def percent(estimate: Estimate, *, sign: str = "") -> str:
    """Write an estimate in percent with its interval, in a line.

    Examples
    --------
    >>> percent(Estimate(value=0.9, low=0.8512, high=0.94, n=200, groups=31))
    '90.0 [85.1, 94.0]'
    >>> percent(Estimate(value=0.123, low=None, high=None, n=200, groups=1), sign="+")
    '+12.3 [no interval]'
    """
    interval = "no interval"
    if estimate.low is not None and estimate.high is not None:
        interval = f"{100 * estimate.low:.1f}, {100 * estimate.high:.1f}"
    return f"{100 * estimate.value:{sign}.1f} [{interval}]"
