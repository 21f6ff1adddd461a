"""Right and wrong pairs told apart by one threshold on the score: pure functions.

Unlike pairwise accuracy these compare scores of different texts with each other. A threshold is chosen on
validation cases and applied to test cases, never both on the same.
"""

from dataclasses import asdict, dataclass

import numpy as np
from jaxtyping import Float, Int

from protrek_hm.cosines import better_and_tied


@dataclass(frozen=True)
class ThresholdScores:
    """What a threshold does: share of accepted pairs that are right, of right pairs accepted, their harmonic mean.

    `threshold` is a score; pairs that reach it, or are tied with it, are accepted. All others in [0, 1].
    """

    threshold: float
    precision: float
    recall: float
    f1: float

    def as_dict(self) -> dict[str, float]:
        """Return the fields as they stand in `report.json`."""
        return asdict(self)


def auroc(positive: Float[np.ndarray, " p"], negative: Float[np.ndarray, " n"]) -> float:
    """Return the chance that a random positive scores above a random negative, ties half; in [0, 1].

    Raises
    ------
    ValueError
        If either side is empty.

    Examples
    --------
    >>> auroc(np.array([0.9, 0.4]), np.array([0.4, 0.1]))
    0.875
    """
    _need_both(positive, negative)
    better, tied = better_and_tied(np.sort(negative), positive)
    return float(1 - (better + tied / 2).mean() / len(negative))


def average_precision(positive: Float[np.ndarray, " p"], negative: Float[np.ndarray, " n"]) -> float:
    """Return the precision averaged over the steps of recall, as scikit-learn defines it; in [0, 1].

    Chance is the share of positives. The step at a positive takes in all that are tied with it.

    Raises
    ------
    ValueError
        If either side is empty.

    Examples
    --------
    >>> average_precision(np.array([0.9, 0.4]), np.array([0.5, 0.1]))  # (1/1 + 2/3) / 2
    0.8333333333333333
    """
    true, accepted = _reach(positive, positive, negative)
    return float((true / accepted).mean())


def best_threshold(positive: Float[np.ndarray, " p"], negative: Float[np.ndarray, " n"]) -> float:
    """Return the score from which on to accept for the highest F1; of several, the highest.

    Raises
    ------
    ValueError
        If either side is empty.

    Examples
    --------
    >>> best_threshold(np.array([0.9, 0.4]), np.array([0.3, 0.1]))
    0.4
    """
    scores = np.sort(positive)[::-1]
    true, accepted = _reach(scores, positive, negative)
    return float(scores[np.argmax(2 * true / (accepted + len(positive)))])


def threshold_scores(
    positive: Float[np.ndarray, " p"], negative: Float[np.ndarray, " n"], threshold: float
) -> ThresholdScores:
    """Return precision, recall and F1 of accepting scores of at least `threshold`; precision of nothing is 0.

    Examples
    --------
    >>> threshold_scores(np.array([0.9, 0.4]), np.array([0.5, 0.1]), 0.5)
    ThresholdScores(threshold=0.5, precision=0.5, recall=0.5, f1=0.5)
    """
    true, accepted = (int(each[0]) for each in _reach(np.array([threshold]), positive, negative))
    return ThresholdScores(
        threshold=threshold,
        precision=true / max(accepted, 1),
        recall=true / len(positive),
        f1=2 * true / (accepted + len(positive)),
    )


def _reach(
    thresholds: Float[np.ndarray, " t"], positive: Float[np.ndarray, " p"], negative: Float[np.ndarray, " n"]
) -> tuple[Int[np.ndarray, " t"], Int[np.ndarray, " t"]]:
    """Return of each threshold how many positives reach it, or are tied with it, and how many pairs do."""
    _need_both(positive, negative)
    right, wrong = (np.add(*better_and_tied(np.sort(each), thresholds)) for each in (positive, negative))
    return right, right + wrong


def _need_both(positive: Float[np.ndarray, " p"], negative: Float[np.ndarray, " n"]) -> None:
    if not len(positive) or not len(negative):
        raise ValueError("at least one positive and one negative score are needed")
