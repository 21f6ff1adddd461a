"""Does a model's certainty mean what it says? Pure functions.

A contrastive model states a chance: between two proteins, exp(score ÷ temperature) of each, normalised. Of
the choices made with 90 % certainty 90 % should be right.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

BINS = 10


@dataclass(frozen=True)
class Reliability:
    """Choices sorted by certainty into bins of equal width between 0.5 and 1.

    Attributes
    ----------
    error
        Expected calibration error: mean gap between certainty and accuracy, weighted by cases; in [0, 1].
    counts
        Cases of each bin, from low to high certainty.
    certainty, accuracy
        Means of each bin; NaN where it is empty.
    """

    error: float
    counts: tuple[int, ...]
    certainty: tuple[float, ...]
    accuracy: tuple[float, ...]

    def as_dict(self) -> dict[str, object]:
        """Return the error and the filled bins as they stand in `report.json`."""
        rows = zip(self.counts, self.certainty, self.accuracy, strict=True)
        bins = [{"cases": n, "certainty": sure, "accuracy": right} for n, sure, right in rows if n]
        return {"ece": self.error, "bins": bins}


def choice_certainty(margin: Float[np.ndarray, " cases"], temperature: float) -> Float[np.ndarray, " cases"]:
    """Return how sure a model is of the protein it prefers, in [0.5, 1]: 1 / (1 + exp(-|margin| ÷ temperature)).

    Examples
    --------
    >>> choice_certainty(np.array([0.0, -0.07]), temperature=0.07).round(3)
    array([0.5  , 0.731])
    """
    return np.asarray(1.0 / (1.0 + np.exp(-np.abs(margin) / temperature)))


def reliability(
    certainty: Float[np.ndarray, " cases"], correct: Float[np.ndarray, " cases"], *, bins: int = BINS
) -> Reliability:
    """Compare certainty (in [0.5, 1]) with being right (1, 0, or 0.5 for a tie), bin by bin.

    Source: expected calibration error as Guo et al. (2017) define it.

    Raises
    ------
    ValueError
        If there is no case.

    Examples
    --------
    >>> result = reliability(np.array([0.9, 0.9, 0.6, 0.6]), np.array([1.0, 1.0, 1.0, 0.0]), bins=5)
    >>> round(result.error, 2), result.counts  # half of |0.9 - 1| and half of |0.6 - 0.5|
    (0.1, (2, 0, 0, 2, 0))
    """
    if not len(certainty):
        raise ValueError("calibration needs at least one case")
    place = np.clip(np.ceil((certainty - 0.5) * 2 * bins - 1e-9).astype(int) - 1, 0, bins - 1)
    counts = np.bincount(place, minlength=bins)
    filled = np.maximum(counts, 1)
    sure = np.where(counts, np.bincount(place, certainty, bins) / filled, np.nan)
    right = np.where(counts, np.bincount(place, correct, bins) / filled, np.nan)
    error = float(np.nansum(counts * np.abs(sure - right)) / len(certainty))
    return Reliability(error, tuple(counts.tolist()), tuple(sure.tolist()), tuple(right.tolist()))
