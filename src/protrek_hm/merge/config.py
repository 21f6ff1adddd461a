"""Settings of a sweep."""

from dataclasses import dataclass

from protrek_hm.config import require


@dataclass(frozen=True)
class SweepConfig:
    """Settings of a sweep over α.

    Attributes
    ----------
    points
        Values of α to try, at least 2. They lie evenly from 0 (the base) to 1 (the tuned model).
    easy_tolerance
        Loss of easy accuracy that is allowed, in [0, 1]. 0.003 are 0.3 points.
    batch_size
        Inputs per batch, at least 1.
    resamples
        Bootstrap draws per interval, at least 100.
    seed
        Seed of the intervals.

    Examples
    --------
    >>> SweepConfig(points=5).alphas
    (0.0, 0.25, 0.5, 0.75, 1.0)
    """

    points: int = 11
    easy_tolerance: float = 0.003
    batch_size: int = 32
    resamples: int = 2000
    seed: int = 42

    def __post_init__(self) -> None:
        require("points", self.points, "must be at least 2", holds=self.points >= 2)
        require("easy_tolerance", self.easy_tolerance, "must lie in [0, 1]", holds=0 <= self.easy_tolerance <= 1)
        require("batch_size", self.batch_size, "must be at least 1", holds=self.batch_size >= 1)
        require("resamples", self.resamples, "must be at least 100", holds=self.resamples >= 100)
        require("seed", self.seed, "must not be negative", holds=self.seed >= 0)

    @property
    def alphas(self) -> tuple[float, ...]:
        """The values of α to try, rising."""
        return tuple(step / (self.points - 1) for step in range(self.points))

    @property
    def rule(self) -> str:
        """How a point is chosen, in words."""
        points = f"{100 * self.easy_tolerance:g} points"
        return f"best hard accuracy whose easy accuracy is at least the base's minus {points}; of equals the easier"
