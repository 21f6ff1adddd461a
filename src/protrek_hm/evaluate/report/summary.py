"""The result in a sentence or three, as one would say it in an abstract."""

from protrek_hm.evaluate.measures import MEASURES
from protrek_hm.evaluate.run import Evaluation
from protrek_hm.evaluate.statistics import Estimate


def summary(evaluation: Evaluation, *, key: str = "hard_text_to_protein") -> str:
    """Say how the last model fares on hard cases, against the first, the best baseline, and on easy cases."""
    last = evaluation.models[-1]
    found = last.estimates[key]
    said = (
        f"On {found.n} hard cases in {found.groups} {evaluation.sets['hard'].groups.basis}, {last.name} finds the "
        f"right protein for {_with_interval(found)} of the texts"
    )
    if evaluation.differences:
        change, first = evaluation.differences[key], evaluation.models[0]
        said += f", {first.name} for {_percent(first.estimates[key].value)}: a difference of {_points(change)}"
    name, best = _best_rival(evaluation, key)
    said += f". The best baseline ({name}) gets {_percent(best)}"
    if found.low is not None and best >= found.low:
        said += f", which is within {last.name}'s interval"
    easy = last.estimates.get("easy_text_to_protein")
    if easy is not None:
        said += f". On {easy.n} easy cases {last.name} gets {_with_interval(easy)}"
        change_of_easy = evaluation.differences.get("easy_text_to_protein")
        said += f" ({_points(change_of_easy)})" if change_of_easy is not None else ""
    return said + "."


def _best_rival(evaluation: Evaluation, key: str) -> tuple[str, float]:
    rivals = {"chance": next(measure.chance for measure in MEASURES if measure.key == key)}
    rivals.update({each.name: each.estimates[key].value for each in evaluation.baselines if key in each.estimates})
    return max(rivals.items(), key=lambda rival: rival[1])


def _with_interval(estimate: Estimate) -> str:
    if estimate.low is None or estimate.high is None:
        return f"{_percent(estimate.value)} (no interval: one group)"
    return f"{_percent(estimate.value)} (95 % interval {100 * estimate.low:.1f}–{100 * estimate.high:.1f})"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _points(difference: Estimate) -> str:
    said = f"{100 * difference.value:+.1f} points"
    if difference.low is None or difference.high is None:
        return said
    return f"{said} [{100 * difference.low:+.1f}, {100 * difference.high:+.1f}]"
