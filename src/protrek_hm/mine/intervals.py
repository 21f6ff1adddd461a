"""A share with its 95 % interval."""

from dataclasses import dataclass

from scipy.stats import binomtest


@dataclass(frozen=True)
class Rate:
    """`count` of `total`, and the ends of Wilson's 95 % interval (1927), which is honest near 0 and 1, too.

    The interval takes pairs for independent; pairs of one family are not, so it is a lower bound of the
    uncertainty.

    Examples
    --------
    >>> rate = Rate(0, 100)
    >>> rate.share, tuple(round(end, 3) for end in rate.interval)
    (0.0, (0.0, 0.037))
    >>> str(Rate(5, 100))
    '5 of 100 = 5.0 % (2.2 to 11.2 %)'
    """

    count: int
    total: int

    @property
    def share(self) -> float:
        """The share, in [0, 1]; 0 of nothing."""
        return self.count / self.total if self.total else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Lower and upper end, in [0, 1]."""
        if not self.total:
            return 0.0, 1.0
        ends = binomtest(self.count, self.total).proportion_ci(method="wilson")
        return float(ends.low), float(ends.high)

    def __str__(self) -> str:
        low, high = self.interval
        shown = f"{100 * self.share:.1f} % ({100 * low:.1f} to {100 * high:.1f} %)"
        return f"{self.count:,} of {self.total:,} = {shown}"
