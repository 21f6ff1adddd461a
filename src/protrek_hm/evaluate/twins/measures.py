"""From the 2 × 2 scores of each case to the board's figures: both directions, all four right, false alarms.

A case asks both of its texts and both of its proteins. So whoever reads no text, or no protein, is right in exactly
half of the questions of each direction, and exchanging `a` and `b` changes nothing.
"""

from collections.abc import Callable, Mapping

import numpy as np
from jaxtyping import Bool, Float, Int

from protrek_hm.cosines import TOLERANCE
from protrek_hm.evaluate.metrics import group_score, margins, protein_to_text, text_to_protein
from protrek_hm.evaluate.statistics import Estimate, mean_over_strata

MEASURES = {
    "text_to_protein": "text → protein",
    "protein_to_text": "protein → text",
    "all_four": "all four right",
    "false_alarms": "false alarms",
}
LEARNED = {
    "unlearned": "cases flagged",
    "text_to_protein_learned": "text → protein, others",
    "protein_to_text_learned": "protein → text, others",
}
"""Share of cases with a protein that the model has not learned (`twins.learned`), and accuracy in the others."""
CHANCE = {"text_to_protein": 0.5, "protein_to_text": 0.5, "all_four": 1 / 6, "false_alarms": 1.0}
"""Of scores in random order that are no lower in controls."""
FEW_FAMILIES = 5
"""A set of fewer has no weight of its own in the mean over sets."""


def case_values(
    scores: Float[np.ndarray, "cases 2 2"],
    is_control: Bool[np.ndarray, " cases"],
    families: Int[np.ndarray, " cases"],
    parts: Int[np.ndarray, " cases"],
) -> dict[str, Float[np.ndarray, " cases"]]:
    """Return what each case is worth in each measure, in [0, 1]; NaN where it does not count.

    Parameters
    ----------
    scores
        Texts × proteins, the right ones on the diagonal.
    is_control, families
        Of each case.
    parts
        Which cases share a threshold of alarms: those of one split, set and kind.

    Examples
    --------
    >>> scores = np.array([[[0.9, 0.1], [0.2, 0.8]], [[0.4, 0.3], [0.3, 0.3]], [[0.0, 0.9], [0.1, 0.0]]])
    >>> one = np.array([1, 1, 1])
    >>> values = case_values(scores, np.array([False, True, True]), one, one)
    >>> values["text_to_protein"], values["false_alarms"]  # threshold 0.6
    (array([ 1., nan, nan]), array([nan, 0. , 0.5]))
    """
    real = np.where(is_control, np.nan, 1.0)
    return {
        "text_to_protein": real * _both(text_to_protein, scores),
        "protein_to_text": real * _both(protein_to_text, scores),
        "all_four": real * group_score(scores),
        "false_alarms": false_alarms(scores, is_control, families, parts),
    }


def learned_values(
    values: Mapping[str, Float[np.ndarray, " cases"]], flagged: Bool[np.ndarray, " cases"]
) -> dict[str, Float[np.ndarray, " cases"]]:
    """Return what each case is worth in the measures of `LEARNED`. flagged: cases with a protein that is not learned.

    >>> values = {"text_to_protein": np.array([1.0, 0.5]), "protein_to_text": np.array([1.0, np.nan])}
    >>> {name: each.tolist() for name, each in learned_values(values, np.array([True, False])).items()}
    {'unlearned': [1.0, 0.0], 'text_to_protein_learned': [nan, 0.5], 'protein_to_text_learned': [nan, nan]}
    """
    accuracies = ("text_to_protein", "protein_to_text")
    known = {f"{each}_learned": np.where(flagged, np.nan, values[each]) for each in accuracies}
    return {"unlearned": np.where(np.isnan(values["text_to_protein"]), np.nan, flagged), **known}


def _both(
    metric: Callable[[Float[np.ndarray, "cases 2 2"]], Float[np.ndarray, " cases"]],
    scores: Float[np.ndarray, "cases 2 2"],
) -> Float[np.ndarray, " cases"]:
    """Return the mean of a metric over the two sides of each case."""
    return np.asarray((metric(scores) + metric(scores[:, ::-1, ::-1])) / 2)


def false_alarms(
    scores: Float[np.ndarray, "cases 2 2"],
    is_control: Bool[np.ndarray, " cases"],
    families: Int[np.ndarray, " cases"],
    parts: Int[np.ndarray, " cases"],
) -> Float[np.ndarray, " cases"]:
    """Return the share of each control's questions that raise an alarm; NaN in cases that are no controls.

    An alarm is a margin between the two proteins of at least τ, in either direction. τ is the highest threshold at
    which half of the real questions of the part are answered rightly, families weighing alike: the median of the
    signed margins. So this is a false positive rate at a sensitivity of one half, and whoever is right in no more
    than half of the questions has τ ≤ 0 and 100 %: small margins alone look good nowhere.
    """
    sides = np.stack([margins(scores), margins(scores[:, ::-1, ::-1])], axis=1)
    found = np.full(len(scores), np.nan)
    for part in np.unique(parts[is_control]):
        real = (parts == part) & ~is_control
        control = (parts == part) & is_control
        if real.any():
            threshold = weighted_median(sides[real].ravel(), np.repeat(weights(families[real]), 2))
            found[control] = _share_of_alarms(sides[control], threshold)
    return found


def _share_of_alarms(sides: Float[np.ndarray, "controls 2"], threshold: float) -> Float[np.ndarray, " controls"]:
    alarm = np.where(np.isnan(sides), np.nan, np.abs(sides) >= threshold - TOLERANCE)  # NaN: one text for both
    return np.asarray(np.nanmean(alarm, axis=1))


def weights(families: Int[np.ndarray, " cases"]) -> Float[np.ndarray, " cases"]:
    """Return weights of the cases, 1 in all, by which every family weighs the same.

    >>> weights(np.array([7, 7, 9])).tolist()
    [0.25, 0.25, 0.5]
    """
    _, at, sizes = np.unique(families, return_inverse=True, return_counts=True)
    return np.asarray(1.0 / sizes[at] / len(sizes))


def weighted_median(values: Float[np.ndarray, " values"], weight: Float[np.ndarray, " values"]) -> float:
    """Return the highest of the values that at least half of the weight reaches or exceeds.

    >>> weighted_median(np.array([1.0, 2.0, 9.0]), np.array([1.0, 1.0, 1.0]))
    2.0
    """
    order = np.argsort(-values, kind="stable")
    reached = np.cumsum(weight[order])
    return float(values[order][np.searchsorted(reached, reached[-1] / 2 - 1e-9)])


def estimate(
    values: Float[np.ndarray, " cases"],
    families: Int[np.ndarray, " cases"],
    sets: Int[np.ndarray, " cases"],
    *,
    seed: int,
    resamples: int,
    bounds: tuple[float, float] = (0.0, 1.0),
) -> Estimate | None:
    """Return the mean over sets of the mean over a set's families of the mean over a family's cases.

    Sets of fewer than `FEW_FAMILIES` families count as one set, so that a handful of cases does not decide. The 95 %
    interval is a bootstrap over families, each drawn with its cases of all sets. None without a known value.

    Examples
    --------
    >>> worth, family = np.array([1.0, 1.0, 1.0, 0.0]), np.array([1, 1, 1, 2])
    >>> found = estimate(worth, family, np.ones(4, dtype=np.int64), seed=0, resamples=100)
    >>> found.value, found.n, found.groups
    (0.5, 4, 2)
    """
    known = ~np.isnan(values)
    if not known.any():
        return None
    pairs = np.stack([sets[known], families[known]], axis=1)
    distinct, at = np.unique(pairs, axis=0, return_inverse=True)
    at = at.ravel()
    means = np.bincount(at, weights=values[known]) / np.bincount(at)
    of_set, sizes = np.unique(distinct[:, 0], return_counts=True)
    distinct[np.isin(distinct[:, 0], of_set[sizes < FEW_FAMILIES]), 0] = -1
    found = mean_over_strata(means, distinct[:, 1], distinct[:, 0], seed=seed, bounds=bounds, resamples=resamples)
    assert found is not None
    return Estimate(found.value, found.low, found.high, int(known.sum()), found.groups)


def estimate_all(
    values: Mapping[str, Float[np.ndarray, " cases"]],
    families: Int[np.ndarray, " cases"],
    sets: Int[np.ndarray, " cases"],
    chosen: Bool[np.ndarray, " cases"],
    *,
    seed: int,
    resamples: int,
) -> dict[str, Estimate]:
    """Return each measure's estimate on the chosen cases; a measure without a single value is not in it."""
    found = {
        name: estimate(each[chosen], families[chosen], sets[chosen], seed=seed, resamples=resamples)
        for name, each in values.items()
    }
    return {name: each for name, each in found.items() if each is not None}
