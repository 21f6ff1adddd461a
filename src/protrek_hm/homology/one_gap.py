"""The best alignment with a single gap, for pairs that differ in length: found by sums, proven by one score.

Of two sequences whose lengths differ by g, an alignment with one gap sets the shorter one's first p residues
below the longer one's first, its others below the longer one's last, and costs 11 + g − 1. The best p follows
from running sums. Let U be that score. With gap opening one cheaper (10), every alignment scores one more per
gap, so if the best score at 10 is no more than U + 1, an alignment with two gaps or more scores at most U − 1
at 11: the best one has one gap. Several p can be best (a gap within `AAA`); the identity is certain if all of
them have the same matches.
"""

import numpy as np
from jaxtyping import Bool, Int16, Int32, UInt8

from protrek_hm.homology.scoring import GAP_EXTEND, GAP_OPEN, SCORE


def best_with_one_gap(
    shorter: UInt8[np.ndarray, "pairs less"], longer: UInt8[np.ndarray, "pairs more"]
) -> tuple[Int32[np.ndarray, " pairs"], Int32[np.ndarray, " pairs"], Bool[np.ndarray, " pairs"]]:
    """Return score and matches of each pair's best one-gap alignment, and whether all such agree in matches.

    Parameters
    ----------
    shorter, longer
        Letter codes, one pair a row.

    Examples
    --------
    >>> from protrek_hm.homology.scoring import Proteins
    >>> pair = Proteins.of(["MKTAYAKQR", "MKTAYIAKQR"])
    >>> score, matches, agree = best_with_one_gap(pair.rows(np.array([0])), pair.rows(np.array([1])))
    >>> score.tolist(), matches.tolist(), agree.tolist()
    ([34], [9], [True])
    """
    less, more = shorter.shape[1], longer.shape[1]
    gap = more - less
    front, back = longer[:, :less], longer[:, gap:]
    score = _by_gap_position(SCORE[shorter, front], SCORE[shorter, back]) - GAP_OPEN - (gap - 1) * GAP_EXTEND
    matches = _by_gap_position(shorter == front, shorter == back)
    best = score.max(axis=1)
    among_best = score == best[:, None]
    most = np.where(among_best, matches, -1).max(axis=1)
    fewest = np.where(among_best, matches, less + 1).min(axis=1)
    return best, most, most == fewest


def _by_gap_position(
    front: Int16[np.ndarray, "pairs less"] | Bool[np.ndarray, "pairs less"],
    back: Int16[np.ndarray, "pairs less"] | Bool[np.ndarray, "pairs less"],
) -> Int32[np.ndarray, "pairs positions"]:
    """Return Σ front[:p] + Σ back[p:] for p from 0 to the length."""
    pairs, length = front.shape
    sums = np.empty((pairs, length + 1), dtype=np.int32)
    sums[:, 0] = back.sum(axis=1)
    change = np.subtract(front, back, dtype=np.int32)
    np.cumsum(change, axis=1, out=sums[:, 1:])
    sums[:, 1:] += sums[:, :1]
    return sums
