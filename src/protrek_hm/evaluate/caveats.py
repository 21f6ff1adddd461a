"""What a careful reader would object to, said before the reader does."""

from collections.abc import Mapping

import numpy as np

from protrek_hm.evaluate.cases import other_texts
from protrek_hm.evaluate.leaks import LeakCheck
from protrek_hm.evaluate.measures import EVERY_MEASURE, CaseSet, Measure, SetName
from protrek_hm.evaluate.statistics import Estimate

FEW_GROUPS = 10
MANY_TIES = 0.01


def find_caveats(
    sets: Mapping[SetName, CaseSet],
    models: Mapping[str, Mapping[str, Estimate]],
    baselines: Mapping[str, Mapping[str, Estimate]],
    leaks: LeakCheck,
) -> tuple[str, ...]:
    """List leaks, thin data, ties, and models that a baseline equals, one sentence each.

    Parameters
    ----------
    sets
        The hard and easy cases.
    models, baselines
        Estimates by measure, by name.
    leaks
        The outcome of the leak check.
    """
    found = [leaks.sentence()] if leaks.leaks else []
    for name, each in sets.items():
        groups, share = each.groups.count(), each.groups.largest_share()
        if groups < FEW_GROUPS:
            found.append(f"The {name} cases form only {groups} {each.groups.basis}: their intervals are rough.")
        elif share > 0.5:
            found.append(f"One of the {groups} {each.groups.basis} holds {share:.0%} of the {name} cases.")
        given = np.array([text is not None for text in other_texts(each.frame)])
        same = int((given & (each.cases.other_text < 0)).sum())
        if same:
            found.append(f"{same} of the {len(given)} {name} cases ask nothing: both proteins have one text.")
    for model, estimates in models.items():
        for measure in EVERY_MEASURE:
            if measure.key in estimates:
                found += _about_estimate(model, measure, estimates[measure.key], baselines)
    return tuple(found)


def _about_estimate(
    model: str, measure: Measure, estimate: Estimate, baselines: Mapping[str, Mapping[str, Estimate]]
) -> list[str]:
    found = []
    if estimate.ties > MANY_TIES * estimate.n:
        found.append(f"{model}, {measure.title}: {estimate.ties} of {estimate.n} cases are ties, counted as guessed.")
    rivals = {"chance": measure.chance}
    rivals.update({name: each[measure.key].value for name, each in baselines.items() if measure.key in each})
    best = max(rivals, key=lambda name: rivals[name])
    if estimate.low is not None and rivals[best] >= estimate.low:
        found.append(
            f"{model}, {measure.title}: {estimate.value:.1%}, within its interval no better than "
            f"{best!r} ({rivals[best]:.1%})."
        )
    return found
