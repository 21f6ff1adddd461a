"""Pure functions from scores to numbers: the value of a case, areas and thresholds, calibration.

A case is a twin pair seen from one side. Its scores are a 2 × 2 table, texts × proteins: `[[s(text A, protein
A), s(text A, protein B)], [s(text B, protein A), s(text B, protein B)]]`, so the right ones stand on the
diagonal. Where text B is unknown, or the same as text A, the lower row is NaN, and so is what needs it. Scores that
differ by at most `TOLERANCE` are tied.

Areas and thresholds compare the scores of different texts with each other, which pairwise accuracy does not. A
threshold is chosen on validation cases and applied to test cases, never both on the same.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from protrek_hm.cosines import TOLERANCE, better_and_tied, preference


def text_to_protein(scores: Float[np.ndarray, "cases 2 2"]) -> Float[np.ndarray, " cases"]:
    """Tell whether text A prefers its protein to the twin: 1 right, 0 wrong, 0.5 a tie.

    Examples
    --------
    >>> text_to_protein(np.array([[[0.9, 0.1], [0, 0]], [[0.2, 0.3], [0, 0]], [[0.5, 0.5], [0, 0]]]))
    array([1. , 0. , 0.5])
    """
    return preference(scores[:, 0, 0], scores[:, 0, 1])


def protein_to_text(scores: Float[np.ndarray, "cases 2 2"]) -> Float[np.ndarray, " cases"]:
    """Tell whether protein A prefers its text to the twin's: 1 right, 0 wrong, 0.5 a tie, NaN unknown.

    Examples
    --------
    >>> protein_to_text(np.array([[[0.9, 0.1], [0.2, 0]], [[0.2, 0.3], [np.nan, np.nan]]]))
    array([ 1., nan])
    """
    return preference(scores[:, 0, 0], scores[:, 1, 0])


def group_score(scores: Float[np.ndarray, "cases 2 2"]) -> Float[np.ndarray, " cases"]:
    """Tell whether both texts and both proteins choose right: both right scores exceed both wrong ones.

    Four scores in random order pass with probability 1/6. Ties count as broken at random: where the lowest right
    score ties with the highest wrong one, `a` right scores with the latter, and `b` wrong ones with the former, the
    value is 1 / C(a + b, a).

    Source: the group score of Winoground (Thrush et al., 2022).

    Examples
    --------
    >>> group_score(np.array([[[0.9, 0.1], [0.2, 0.8]], [[0.9, 0.1], [0.85, 0.8]], [[0.5, 0.1], [0.5, 0.9]]]))
    array([1. , 0. , 0.5])
    """
    right = np.sort(scores[:, [0, 1], [0, 1]], axis=1)
    wrong = np.sort(scores[:, [0, 1], [1, 0]], axis=1)
    lowest_right, highest_wrong = right[:, 0], wrong[:, 1]
    tied_right = (np.abs(right - highest_wrong[:, None]) <= TOLERANCE).sum(axis=1)
    tied_wrong = (np.abs(wrong - lowest_right[:, None]) <= TOLERANCE).sum(axis=1)
    # C(a + b, a) for a, b in {1, 2} is 2, 3, 3, 6
    tied = 1.0 / np.array([[1, 1, 1], [1, 2, 3], [1, 3, 6]])[tied_right, tied_wrong]
    chosen = preference(lowest_right, highest_wrong)
    worth = np.where(chosen == 0.5, tied, chosen)
    return np.asarray(np.where(np.isnan(scores).any(axis=(1, 2)), np.nan, worth))


def margins(scores: Float[np.ndarray, "cases 2 2"]) -> Float[np.ndarray, " cases"]:
    """Return by how much text A prefers its protein to the twin, a difference of cosines in [-2, 2].

    Examples
    --------
    >>> margins(np.array([[[0.75, 0.25], [0, 0]]]))
    array([0.5])
    """
    return np.asarray(scores[:, 0, 0] - scores[:, 0, 1])


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
    """Return the threshold with the highest F1; of several, the highest.

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
) -> dict[str, float]:
    """Return "precision", "recall" and "f1" of accepting scores of at least `threshold`, or tied with it.

    All are in [0, 1]; the precision of accepting nothing is 0.

    Raises
    ------
    ValueError
        If either side is empty.

    Examples
    --------
    >>> threshold_scores(np.array([0.9, 0.4]), np.array([0.5, 0.1]), 0.5)
    {'precision': 0.5, 'recall': 0.5, 'f1': 0.5}
    """
    true, accepted = (int(each[0]) for each in _reach(np.array([threshold]), positive, negative))
    return {
        "precision": true / max(accepted, 1),
        "recall": true / len(positive),
        "f1": 2 * true / (accepted + len(positive)),
    }


def _reach(
    thresholds: Float[np.ndarray, " t"], positive: Float[np.ndarray, " p"], negative: Float[np.ndarray, " n"]
) -> tuple[Int[np.ndarray, " t"], Int[np.ndarray, " t"]]:
    """Count the positives, and all pairs, that reach each threshold or are tied with it."""
    _need_both(positive, negative)
    right, wrong = (np.add(*better_and_tied(np.sort(each), thresholds)) for each in (positive, negative))
    return right, right + wrong


def _need_both(positive: Float[np.ndarray, " p"], negative: Float[np.ndarray, " n"]) -> None:
    if not len(positive) or not len(negative):
        raise ValueError("at least one positive and one negative score are needed")


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

    def pooled(self, least: int) -> list[tuple[int, float, float]]:
        """Return cases, mean certainty and accuracy of neighbouring bins joined until each holds `least` cases.

        A remainder at the end joins the last one.

        Examples
        --------
        >>> few = Reliability(0.1, counts=(2, 0, 2, 1), certainty=(0.5, np.nan, 0.75, 1.0), accuracy=(0, np.nan, 1, 1))
        >>> few.pooled(3)
        [(5, 0.7, 0.6)]
        """
        joined: list[list[float]] = []
        for cases, sure, right in zip(self.counts, self.certainty, self.accuracy, strict=True):
            if cases:
                if not joined or joined[-1][0] >= least:
                    joined.append([0.0, 0.0, 0.0])
                joined[-1] = [
                    one + other for one, other in zip(joined[-1], (cases, cases * sure, cases * right), strict=True)
                ]
        if len(joined) > 1 and joined[-1][0] < least:
            last = joined.pop()
            joined[-1] = [one + other for one, other in zip(joined[-1], last, strict=True)]
        return [(int(cases), sure / cases, right / cases) for cases, sure, right in joined]


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
