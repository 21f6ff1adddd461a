"""What is more than luck: two models on the same cases, several seeds of one model."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from scipy.stats import binomtest, t

from protrek_hm.evaluate.statistics import CONFIDENCE

_ROUNDING = 1e-9  # of means; those of two models differ by more, or not at all


@dataclass(frozen=True)
class SignTest:
    """How often the second of two won and lost against the first, and how likely that is by luck.

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

    NaN on either side leaves the case out.

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
        If there are fewer than two runs: one run says nothing about seeds.

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
