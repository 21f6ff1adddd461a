"""The results as a table for people."""

from collections.abc import Mapping, Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from protrek_hm.evaluate.compare import MeasureComparison
from protrek_hm.evaluate.measures import EVERY_MEASURE, Measure
from protrek_hm.evaluate.run import Evaluation
from protrek_hm.evaluate.significance import SeedSummary
from protrek_hm.evaluate.statistics import Estimate


def result_table(evaluation: Evaluation) -> Table:
    """Return a row per model, the difference of two, the baselines; a column per measure, n in its head."""
    shown = [each for each in EVERY_MEASURE if each.headline and each.key in evaluation.models[0].estimates]
    table = Table(box=box.SIMPLE_HEAD, caption_justify="left")
    table.caption = "Accuracy in % [95 % interval by bootstrap over groups]; ties count half."
    table.add_column("")
    for measure in shown:
        table.add_column(_head(measure, evaluation), justify="right")
    for model in evaluation.models:
        table.add_row(model.name, *_cells(model.estimates, shown), style="bold")
    if evaluation.differences:
        before, after = (model.name for model in evaluation.models)
        table.add_row(f"{after} − {before}", *_cells(evaluation.differences, shown, sign="+"), end_section=True)
    table.add_section()
    table.add_row("chance", *(f"{100 * measure.chance:.1f}" for measure in shown))
    for baseline in evaluation.baselines:
        known = [baseline.estimates.get(measure.key) for measure in shown]
        table.add_row(baseline.name, *("–" if each is None else f"{100 * each.value:.1f}" for each in known))
    return table


def print_results(evaluation: Evaluation, console: Console | None = None) -> None:
    """Print leak check, table and caveats, to stdout if no console is given."""
    console = console or Console()
    console.print(evaluation.leaks.sentence(), highlight=False)
    console.print(result_table(evaluation))
    for caveat in evaluation.caveats:
        if caveat != evaluation.leaks.sentence():
            console.print(f"! {caveat}", highlight=False)


def percent(estimate: Estimate, *, sign: str = "", between: str = "\n") -> str:
    r"""Write an estimate in percent, and its interval on a second line, or behind what else stands `between`.

    Examples
    --------
    >>> percent(Estimate(value=0.9, low=0.8512, high=0.94, n=200, groups=31))
    '90.0\n[85.1, 94.0]'
    >>> percent(Estimate(value=0.123, low=None, high=None, n=200, groups=1), sign="+")
    '+12.3\n[no interval]'
    >>> percent(Estimate(value=0.9, low=0.8512, high=0.94, n=200, groups=31), between=" ")
    '90.0 [85.1, 94.0]'
    >>> percent(Estimate(value=0.123, low=None, high=None, n=200, groups=1), sign="+", between=" ")
    '+12.3 [no interval]'
    """
    interval = "no interval"
    if estimate.low is not None and estimate.high is not None:
        interval = f"{100 * estimate.low:.1f}, {100 * estimate.high:.1f}"
    return f"{100 * estimate.value:{sign}.1f}{between}[{interval}]"


def comparison_table(found: Sequence[MeasureComparison], names: Sequence[str]) -> Table:
    """Return a row for each measure: runs A and B (called by `names` in the caption), the difference, exact tests."""
    table = Table(box=box.SIMPLE_HEAD, caption_justify="left", padding=(0, 1, 0, 0))
    runs = "; ".join(f"{letter} = {name}" for letter, name in zip("AB", names, strict=True))
    table.caption = f"{runs}. In % [95 % interval over groups]; B won : lost, exact p (over cases: McNemar)."
    for head in ("", "A", "B", "B − A", "cases", "groups"):
        table.add_column(head, justify="right" if head else "left")
    for each in found:
        kind, _, what = each.title.partition(", ")
        tests = (each.significance.cases, each.significance.groups)
        table.add_row(
            f"{kind}, n = {each.difference.n}\n{what}",
            percent(each.first),
            percent(each.second),
            percent(each.difference, sign="+"),
            *(f"{test.wins} : {test.losses}\np = {test.p:.2g}" for test in tests),
        )
    return table


def seeds_table(found: Mapping[str, SeedSummary]) -> Table:
    """Return a row for each measure: mean over seeds, interval, deviation, how many runs."""
    titles = {measure.key: measure.title for measure in EVERY_MEASURE}
    table = Table(box=box.SIMPLE_HEAD, caption_justify="left")
    table.caption = "In %; the interval is of the mean over seeds (Student's t): other cases would add to it."
    for head in ("", "mean", "95 % interval", "deviation", "runs"):
        table.add_column(head, justify="right" if head else "left")
    for key, each in found.items():
        interval = f"[{100 * each.low:.1f}, {100 * each.high:.1f}]"
        cells = (f"{100 * each.mean:.1f}", interval, f"{100 * each.deviation:.1f}", str(len(each.values)))
        table.add_row(titles.get(key, key), *cells)
    return table


def _head(measure: Measure, evaluation: Evaluation) -> str:
    estimate = evaluation.models[0].estimates[measure.key]
    kind, _, what = measure.title.partition(", ")
    return f"{kind}\n{what}\nn = {estimate.n}\n{estimate.groups} groups"


def _cells(estimates: Mapping[str, Estimate], shown: list[Measure], *, sign: str = "") -> list[str]:
    return [percent(estimates[each.key], sign=sign) if each.key in estimates else "–" for each in shown]
