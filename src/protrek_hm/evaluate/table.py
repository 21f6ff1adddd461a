"""The results for people: tables for the terminal, and the outcome in sentences."""

from collections.abc import Mapping, Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from protrek_hm.errors import in_percent
from protrek_hm.evaluate.compare import MeasureComparison
from protrek_hm.evaluate.measures import EVERY_MEASURE, MEASURES, Measure
from protrek_hm.evaluate.run import Evaluation
from protrek_hm.evaluate.statistics import Estimate, SeedSummary
from protrek_hm.figures.terminal import PlainConsole


def new_table(caption: str, heads: Sequence[str], *, tight: bool = False) -> Table:
    """Return an empty table for the terminal; columns with a head are right-aligned."""
    padding = (0, 1, 0, 0) if tight else (0, 1)
    table = Table(box=box.SIMPLE_HEAD, caption=caption, caption_justify="left", padding=padding)
    for head in heads:
        table.add_column(head, justify="right" if head else "left")
    return table


def result_table(evaluation: Evaluation) -> Table:
    """Return a row per model, the difference of two, the baselines; a column per measure, n in its head."""
    shown = [each for each in EVERY_MEASURE if each.headline and each.key in evaluation.models[0].estimates]
    caption = "Accuracy in % [95 % interval by bootstrap over groups]; ties count half."
    table = new_table(caption, ["", *(_head(measure, evaluation) for measure in shown)])
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
    """Print leak check, table, caveats and verdict, to stdout if no console is given."""
    console = console or PlainConsole()
    console.print(evaluation.leaks.sentence(), highlight=False)
    console.print(result_table(evaluation))
    for caveat in evaluation.caveats:
        if caveat != evaluation.leaks.sentence():
            console.print(f"! {caveat}", highlight=False)
    console.print(verdict(evaluation), highlight=False)


def percent(estimate: Estimate, *, sign: str = "", between: str = "\n") -> str:
    r"""Format an estimate in percent, its interval on a second line or behind another separator `between`.

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


def short_percent(estimate: Estimate, *, between: str = " ") -> str:
    """Format an estimate in percent with its interval, if it has one.

    Examples
    --------
    >>> short_percent(Estimate(value=0.123, low=None, high=None, n=200, groups=1))
    '12.3'
    """
    return percent(estimate, between=between) if estimate.low is not None else f"{100 * estimate.value:.1f}"


def comparison_table(found: Sequence[MeasureComparison], names: Sequence[str]) -> Table:
    """Return a row for each measure: runs A and B (called by `names` in the caption), the difference, exact tests."""
    runs = "; ".join(f"{letter} = {name}" for letter, name in zip("AB", names, strict=True))
    caption = f"{runs}. In % [95 % interval over groups]; B won : lost, exact p (over cases: McNemar)."
    table = new_table(caption, ("", "A", "B", "B − A", "cases", "groups"), tight=True)
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
    caption = "In %; the interval is of the mean over seeds (Student's t): other cases would add to it."
    table = new_table(caption, ("", "mean", "95 % interval", "deviation", "runs"))
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


def summary(evaluation: Evaluation, *, key: str = "hard_text_to_protein") -> str:
    """Return the result of the last model in sentences: hard cases, the first model, the best baseline, easy cases."""
    last = evaluation.models[-1]
    found = last.estimates[key]
    said = (
        f"On {found.n} hard cases in {found.groups} {evaluation.sets['hard'].groups.basis}, {last.name} finds the "
        f"right protein for {_with_interval(found)} of the texts"
    )
    if evaluation.differences:
        change, first = evaluation.differences[key], evaluation.models[0]
        said += f", {first.name} for {in_percent(first.estimates[key].value)}: a difference of {_points(change)}"
    name, best = _best_rival(evaluation, key)
    said += f". The best baseline ({name}) gets {in_percent(best)}"
    if found.low is not None and best >= found.low:
        said += f", which is within {last.name}'s interval"
    easy = last.estimates.get("easy_text_to_protein")
    if easy is not None:
        said += f". On {easy.n} easy cases {last.name} gets {_with_interval(easy)}"
        change_of_easy = evaluation.differences.get("easy_text_to_protein")
        said += f" ({_points(change_of_easy)})" if change_of_easy is not None else ""
    return said + "."


def verdict(evaluation: Evaluation) -> str:
    """Return in plain words whether the last model tells twins apart better, and what that costs on easy cases.

    Two models are compared with each other, any other number with the best baseline. Nothing is claimed that
    an interval does not support.
    """
    key = "hard_text_to_protein"
    last, first = evaluation.models[-1], evaluation.models[0]
    name, best = _best_rival(evaluation, key)
    rival = f"the best baseline ({name}, {in_percent(best)})"
    found = last.estimates[key]
    rank = "better" if found.low is not None and found.low > best else "not shown to be better"
    if evaluation.differences:
        said = f"Twins are told apart {_compared(evaluation.differences[key], first.name)}, and {rank} than {rival}"
    else:
        said = f"{last.name} tells {_with_interval(found)} of the twins apart, {rank} than {rival}"
    costs = {
        words: _change(evaluation.differences[key])
        for key, words in {"easy_text_to_protein": "", "easy_protein_to_text": " of proteins that choose texts"}.items()
        if key in evaluation.differences
    }
    said += "".join(f"; easy accuracy{words} is {cost}" for words, cost in costs.items())
    leaked = evaluation.leaks.leaks and not evaluation.leaks.foretold
    return f"{said}.{' The test shares proteins or texts with training: this proves nothing.' if leaked else ''}"


def _compared(difference: Estimate, first: str) -> str:
    """Return how the second of two models compares with the first, as far as the interval of the difference tells."""
    if _excludes_zero(difference):
        how = "better" if difference.value > 0 else "worse"
        return f"{how} than by {first}, by {100 * abs(difference.value):.1f} points{_interval(difference)}"
    unsure = "may be chance" if difference.low is not None else "has no interval: one group"
    return f"about as well as by {first} (the difference of {_points(difference)} {unsure})"


def _change(difference: Estimate) -> str:
    """Return by how much an accuracy has changed, and whether that may be chance."""
    if f"{100 * difference.value:.1f}" in ("0.0", "-0.0"):
        return "unchanged"
    size = f"{100 * abs(difference.value):.1f} points {'lower' if difference.value < 0 else 'higher'}"
    return f"{size}, {'beyond' if _excludes_zero(difference) else 'within'} the interval{_interval(difference)}"


def _excludes_zero(difference: Estimate) -> bool:
    return difference.low is not None and difference.high is not None and not difference.low <= 0 <= difference.high


def _interval(difference: Estimate) -> str:
    if difference.low is None or difference.high is None:
        return ""
    return f" [{100 * difference.low:.1f}, {100 * difference.high:.1f}]"


def _best_rival(evaluation: Evaluation, key: str) -> tuple[str, float]:
    rivals = {"chance": next(measure.chance for measure in MEASURES if measure.key == key)}
    rivals.update({each.name: each.estimates[key].value for each in evaluation.baselines if key in each.estimates})
    return max(rivals.items(), key=lambda rival: rival[1])


def _with_interval(estimate: Estimate) -> str:
    if estimate.low is None or estimate.high is None:
        return f"{in_percent(estimate.value)} (no interval: one group)"
    return f"{in_percent(estimate.value)} (95 % interval {100 * estimate.low:.1f}–{100 * estimate.high:.1f})"


def _points(difference: Estimate) -> str:
    said = f"{100 * difference.value:+.1f} points"
    if difference.low is None or difference.high is None:
        return said
    return f"{said} [{100 * difference.low:+.1f}, {100 * difference.high:+.1f}]"
