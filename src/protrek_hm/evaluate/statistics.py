"""Intervals of means, and exact tests of differences.

Twins of one family rise and fall together, so a hundred pairs of one family are far from a hundred
observations. The bootstrap draws whole groups, with replacement, and takes the mean over all cases of the draw.
"""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from scipy.stats import binomtest, norm, t

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Estimate:
    """A mean with its interval.

    Attributes
    ----------
    value
        The mean over all cases.
    low, high
        The 95 % interval; None where there is a single group, which says nothing about others.
    n, groups
        Cases behind the mean, and the independent groups that they form.
    ties
        Cases that were neither right nor wrong, and counted as broken at random.
    """

    value: float
    low: float | None
    high: float | None
    n: int
    groups: int
    ties: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as they stand in `report.json`."""
        interval = None if self.low is None else [self.low, self.high]
        return {"value": self.value, "interval": interval, "n": self.n, "groups": self.groups, "ties": self.ties}


def mean_with_interval(
    values: Float[np.ndarray, " cases"],
    groups: Int[np.ndarray, " cases"],
    *,
    seed: int,
    bounds: tuple[float, float] = (0.0, 1.0),
    resamples: int = 2000,
) -> Estimate | None:
    """Return the mean with its 95 % interval by bootstrap over `groups`; None where no value is known.

    The interval is the percentile interval, its levels widened for small numbers of groups as in Hesterberg
    (2015, "What teachers should know about the bootstrap", expanded percentile interval). Where all groups
    agree the bootstrap sees no spread; then the interval reaches as far as unseen groups could lie (Clopper
    and Pearson's for all right).

    Parameters
    ----------
    values
        One number per case within `bounds`; NaN = not known, left out.
    groups
        Which cases belong together, any numbers.
    seed
        Fixes the draws.
    bounds
        The range that a value can have: (0, 1) for accuracies, (-1, 1) for differences of two.
    resamples
        How many draws.

    Examples
    --------
    >>> e = mean_with_interval(np.array([1.0, 1.0, 0.0, 0.5]), np.array([7, 7, 8, 9]), seed=0)
    >>> e.value, e.n, e.groups, e.ties, e.low < e.value < e.high
    (0.625, 4, 3, 1, True)
    >>> e = mean_with_interval(np.ones(20), np.arange(20), seed=0)  # 0.025 ** (1 / 20)
    >>> round(e.low, 3), e.high
    (0.832, 1.0)
    """
    known = ~np.isnan(values)
    values, groups = values[known], groups[known]
    if not len(values):
        return None
    _, group_of = np.unique(groups, return_inverse=True)
    sizes = np.bincount(group_of)
    sums = np.bincount(group_of, weights=values)
    value = float(values.mean())
    low, high = None, None
    if len(sizes) > 1 and np.ptp(sums / sizes) < 1e-12:
        low, high = _interval_of_agreement(value, len(sizes), bounds)
    elif len(sizes) > 1:
        low, high = np.quantile(_resampled_means(sums, sizes, resamples, seed), _levels(len(sizes))).tolist()
    return Estimate(value, low, high, len(values), len(sizes), _ties(values, bounds))


def mean_over_pairs(
    values: Float[np.ndarray, " cases"],
    one: Int[np.ndarray, " cases"],
    other: Int[np.ndarray, " cases"],
    *,
    seed: int,
    bounds: tuple[float, float] = (0.0, 1.0),
    resamples: int = 2000,
) -> Estimate | None:
    """Return the mean over pairs with its 95 % interval by bootstrap over their members; None where none is known.

    For pairs within few families: the interval is about further members of these families, not about other
    families. Members are drawn with replacement, and a pair counts as often as both of its members come together
    (the pigeonhole bootstrap; Owen, 2007, "The pigeonhole bootstrap"), so that a protein that stands in many pairs
    is one observation. It is cautious: its variance is never below the true one, on average.

    Parameters
    ----------
    values, seed, bounds, resamples
        As for `mean_with_interval`.
    one, other
        The two members of each case, any numbers.

    Returns
    -------
    The estimate; its `groups` are the distinct members.

    Examples
    --------
    >>> e = mean_over_pairs(np.array([1.0, 0.0, 1.0]), np.array([5, 6, 7]), np.array([6, 7, 5]), seed=0)
    >>> round(e.value, 4), e.n, e.groups, e.low < e.value < e.high
    (0.6667, 3, 3, True)
    """
    known = ~np.isnan(values)
    values = values[known]
    if not len(values):
        return None
    names, member = np.unique(np.concatenate([one[known], other[known]]), return_inverse=True)
    left, right = np.split(member, 2)
    value = float(values.mean())
    if np.ptp(values) < 1e-12:
        low, high = _interval_of_agreement(value, len(names), bounds)
    else:
        rng = np.random.default_rng(seed)
        means = []
        for _ in range(resamples):
            drawn = rng.multinomial(len(names), np.full(len(names), 1 / len(names)))
            weights = drawn[left] * drawn[right]
            if weights.any():
                means.append(float(weights @ values / weights.sum()))
        low, high = np.quantile(means, _levels(len(names))).tolist()
    return Estimate(value, low, high, len(values), len(names), _ties(values, bounds))


def mean_over_strata(
    values: Float[np.ndarray, " values"],
    groups: Int[np.ndarray, " values"],
    strata: Int[np.ndarray, " values"],
    *,
    seed: int,
    bounds: tuple[float, float] = (0.0, 1.0),
    resamples: int = 2000,
) -> Estimate | None:
    """Return the mean over strata of each stratum's mean, with its 95 % interval by bootstrap over groups.

    A stratum counts the same however many values it has. Groups are drawn whole, with what they have in any stratum; a
    draw that holds nothing of a stratum is a mean over the others. With one stratum it is `mean_with_interval`.

    Parameters
    ----------
    values, groups, seed, bounds, resamples
        As for `mean_with_interval`.
    strata
        The stratum of each value, any numbers.

    Examples
    --------
    >>> e = mean_over_strata(np.array([1.0, 0.0, 0.0, 1.0]), np.arange(4), np.array([7, 7, 7, 8]), seed=0)
    >>> round(e.value, 4), e.groups, e.low < e.value < e.high  # (1/3 + 1) / 2
    (0.6667, 4, True)
    """
    known = ~np.isnan(values)
    values, groups, strata = values[known], groups[known], strata[known]
    if not len(values):
        return None
    names, group_of = np.unique(groups, return_inverse=True)
    kinds, stratum_of = np.unique(strata, return_inverse=True)
    sums, sizes = np.zeros((2, len(names), len(kinds)))
    np.add.at(sums, (group_of, stratum_of), values)
    np.add.at(sizes, (group_of, stratum_of), 1.0)
    value = float((sums.sum(axis=0) / sizes.sum(axis=0)).mean())
    low, high = None, None
    if len(names) > 1:
        drawn = np.random.default_rng(seed).multinomial(len(names), np.full(len(names), 1 / len(names)), size=resamples)
        totals, counts = drawn @ sums, drawn @ sizes
        means = np.where(counts > 0, totals / np.maximum(counts, 1.0), 0.0).sum(axis=1) / (counts > 0).sum(axis=1)
        low, high = np.quantile(means, _levels(len(names))).tolist()
        agreed = [each for at in range(len(kinds)) for each in [values[stratum_of == at]] if np.ptp(each) < 1e-12]
        if len(agreed) == len(kinds):  # the bootstrap sees no spread
            present = (sizes > 0).sum(axis=0).tolist()
            both = [_interval_of_agreement(each[0], count, bounds) for each, count in zip(agreed, present, strict=True)]
            low, high = np.mean(both, axis=0).tolist()
    return Estimate(value, low, high, len(values), len(names), _ties(values, bounds))


def paired_difference(
    before: Float[np.ndarray, " cases"],
    after: Float[np.ndarray, " cases"],
    groups: Int[np.ndarray, " cases"],
    *,
    seed: int,
    resamples: int = 2000,
) -> Estimate | None:
    """Return the mean of `after - before` on the same cases with its 95 % interval by bootstrap.

    Examples
    --------
    >>> before, after = np.array([0.0, 1.0, 0.0, 0.0]), np.array([1.0, 1.0, 1.0, 0.0])
    >>> paired_difference(before, after, np.arange(4), seed=0).value
    0.5
    """
    return mean_with_interval(after - before, groups, seed=seed, bounds=(-1.0, 1.0), resamples=resamples)


def statistics_with_intervals(
    statistics: Callable[[Int[np.ndarray, " drawn"]], dict[str, float]],
    groups: Int[np.ndarray, " cases"],
    *,
    seed: int,
    bounds: tuple[float, float] = (0.0, 1.0),
    resamples: int = 500,
) -> dict[str, Estimate]:
    """Return statistics other than means (areas, F1) with 95 % intervals by bootstrap over `groups`.

    Parameters
    ----------
    statistics
        From the numbers of the cases drawn, which may repeat, to any statistics by name.
    groups
        Which cases belong together.
    seed
        Fixes the draws.
    bounds
        The range of the statistics.
    resamples
        How many draws.

    Examples
    --------
    >>> values = np.array([1.0, 2.0, 3.0, 6.0])
    >>> found = statistics_with_intervals(lambda at: {"median": float(np.median(values[at]))}, np.arange(4), seed=0)
    >>> found["median"].value, found["median"].groups, found["median"].low < 2.5 < found["median"].high
    (2.5, 4, True)
    """
    _, group_of = np.unique(groups, return_inverse=True)
    members = np.split(np.argsort(group_of, kind="stable"), np.cumsum(np.bincount(group_of))[:-1])
    values = statistics(np.arange(len(groups)))
    if len(members) < 2:
        return {name: Estimate(value, None, None, len(groups), len(members)) for name, value in values.items()}
    rng = np.random.default_rng(seed)
    draws = [
        statistics(np.concatenate([members[group] for group in rng.integers(0, len(members), len(members))]))
        for _ in range(resamples)
    ]
    estimates = {}
    for name, value in values.items():
        drawn = np.array([draw[name] for draw in draws])
        if np.ptp(drawn) < 1e-12:
            low, high = _interval_of_agreement(value, len(members), bounds)
        else:
            low, high = np.quantile(drawn, _levels(len(members))).tolist()
        estimates[name] = Estimate(value, min(low, value), max(high, value), len(groups), len(members))
    return estimates


def _ties(values: Float[np.ndarray, " cases"], bounds: tuple[float, float]) -> int:
    """Count the cases that are neither right nor wrong; differences have none."""
    return int(((values > 0) & (values < 1)).sum()) if bounds == (0.0, 1.0) else 0


def _levels(groups: int) -> tuple[float, float]:
    """Widen the quantile levels: bootstrap spread is short by sqrt((n - 1) / n), and t has longer tails."""
    quantile = t.ppf((1 - CONFIDENCE) / 2, groups - 1)
    level = float(norm.cdf(math.sqrt(groups / (groups - 1)) * quantile))
    return level, 1 - level


def _interval_of_agreement(value: float, groups: int, bounds: tuple[float, float]) -> tuple[float, float]:
    """Return how far off the mean could be if the largest plausible share of groups lay at a bound."""
    unseen = 1 - ((1 - CONFIDENCE) / 2) ** (1 / groups)
    return value - unseen * (value - bounds[0]), value + unseen * (bounds[1] - value)


def _resampled_means(
    sums: Float[np.ndarray, " groups"], sizes: Int[np.ndarray, " groups"], resamples: int, seed: int
) -> Float[np.ndarray, " resamples"]:
    """Draw as many groups as there are, with replacement, and average over the cases drawn; repeatedly."""
    rng = np.random.default_rng(seed)
    even = np.full(len(sizes), 1 / len(sizes))
    at_once = max(1, 4_000_000 // len(sizes))  # bounds the memory
    parts = []
    for start in range(0, resamples, at_once):
        drawn = rng.multinomial(len(sizes), even, size=min(at_once, resamples - start))
        parts.append((drawn @ sums) / (drawn @ sizes))
    return np.concatenate(parts)


_ROUNDING = 1e-9  # of means; those of two models differ by more, or not at all


@dataclass(frozen=True)
class SignTest:
    """How often the second of two won and lost against the first, and how likely that is by chance.

    Attributes
    ----------
    wins, losses, draws
        Cases in which the second did better, worse, the same.
    p
        Exact two-sided probability of a split at least as uneven if winning and losing were equally likely.
    """

    wins: int
    losses: int
    draws: int
    p: float


@dataclass(frozen=True)
class Significance:
    """McNemar's exact test over cases, which takes them as independent, and the same over groups, which are."""

    cases: SignTest
    groups: SignTest

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as they stand in `report.json`."""
        return asdict(self)


@dataclass(frozen=True)
class SeedSummary:
    """One measure over several runs that differ in their seed alone.

    Attributes
    ----------
    mean, deviation
        Mean over the runs and their standard deviation (n - 1).
    low, high
        95 % interval of the mean by Student's t over runs: what another seed would change, not other cases.
    values
        Each run's value.
    """

    mean: float
    deviation: float
    low: float
    high: float
    values: tuple[float, ...]


def sign_test(before: Float[np.ndarray, " cases"], after: Float[np.ndarray, " cases"]) -> SignTest:
    """Compare two models case by case; for right and wrong answers this is McNemar's exact test.

    Cases with NaN on either side are left out.

    Examples
    --------
    >>> sign_test(np.array([0.0, 0.0, 0.0, 1.0, 1.0]), np.array([1.0, 1.0, 1.0, 1.0, 1.0]))
    SignTest(wins=3, losses=0, draws=2, p=0.25)
    """
    change = np.where(np.abs(after - before) <= _ROUNDING, 0.0, np.sign(after - before))
    wins, losses = int((change > 0).sum()), int((change < 0).sum())
    p = float(binomtest(wins, wins + losses).pvalue) if wins + losses else 1.0
    return SignTest(wins, losses, int((change == 0).sum()), p)


def significance(
    before: Float[np.ndarray, " cases"], after: Float[np.ndarray, " cases"], groups: Int[np.ndarray, " cases"]
) -> Significance:
    """Test two models on the same cases, over cases and over the means of independent groups.

    Examples
    --------
    >>> both = significance(np.zeros(6), np.ones(6), np.array([0, 0, 0, 1, 1, 1]))
    >>> both.cases.p, both.groups.p  # 2 × 0.5 ** 6, 2 × 0.5 ** 2
    (0.03125, 0.5)
    """
    known = ~np.isnan(after - before)
    first, second = before[known], after[known]
    _, group_of = np.unique(groups[known], return_inverse=True)
    sizes = np.maximum(np.bincount(group_of), 1)
    means = (np.bincount(group_of, values) / sizes for values in (first, second))
    return Significance(sign_test(first, second), sign_test(*means))


def summarise_seeds(values: Float[np.ndarray, " runs"]) -> SeedSummary:
    """Return mean, deviation and interval of one measure over runs with different seeds.

    Raises
    ------
    ValueError
        If there are fewer than two runs.

    Examples
    --------
    >>> summary = summarise_seeds(np.array([0.8, 0.9, 1.0]))
    >>> round(summary.mean, 3), round(summary.deviation, 3), round(summary.high - summary.mean, 3)  # 4.303 × 0.1 ÷ √3
    (0.9, 0.1, 0.248)
    """
    if len(values) < 2:
        raise ValueError(f"seeds are compared over at least two runs, got {len(values)}")
    mean, deviation = float(values.mean()), float(values.std(ddof=1))
    reach = float(t.ppf((1 + CONFIDENCE) / 2, len(values) - 1)) * deviation / len(values) ** 0.5
    return SeedSummary(mean, deviation, mean - reach, mean + reach, tuple(values.tolist()))
