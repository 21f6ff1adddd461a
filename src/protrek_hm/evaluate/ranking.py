"""Ranks of the right items in a whole pool: pure functions, in blocks of bounded memory.

Items tied with a right one (see `cosines`) stand in an order as good as any other. What a query is worth is
the mean over all these orders: recall, reciprocal rank and precision of each order, not of a mean rank (McSherry and
Najork, "Computing information retrieval performance measures efficiently in the presence of tied scores", ECIR 2008).
Of ten items that all score the same one is right: recall@5 is 0.5, the reciprocal rank (1 + 1/2 + … + 1/10) ÷ 10.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.special import digamma

from protrek_hm.cosines import better_and_tied, cosines_of_pairs

BLOCK_NUMBERS = 8_000_000
"""Scores held at once: 64 MB of double precision, whatever the pool."""
DEPTHS = (1, 5, 10)
_ROUGH = 1e-12  # bounds the difference of two ways to add up a cosine of unit vectors in double precision


@dataclass(frozen=True)
class Ranks:
    """Ranks of the right items of each query.

    Attributes
    ----------
    better, tied, alike
        Of each query's best right item: wrong items before it, wrong items tied with it, and right items tied with
        it, itself included. In a random order of the tied the first right one stands at 1 + `better`, or up to
        `tied` places below.
    average_precision, area
        Average precision and area under the ROC curve of each query, in [0, 1], means over the orders of the tied;
        the area is NaN where every item is right.
    pool
        Items that were ranked.
    """

    better: Int[np.ndarray, " queries"]
    tied: Int[np.ndarray, " queries"]
    alike: Int[np.ndarray, " queries"]
    average_precision: Float[np.ndarray, " queries"]
    area: Float[np.ndarray, " queries"]
    pool: int


def rank_pool(
    queries: Float[np.ndarray, "queries dim"],
    pool: Float[np.ndarray, "items dim"],
    relevant: Int[np.ndarray, "pairs 2"],
    *,
    block_numbers: int = BLOCK_NUMBERS,
) -> Ranks:
    """Rank a pool by cosine for each query, and return the ranks of its right items.

    Parameters
    ----------
    queries, pool
        Unit vectors.
    relevant
        Each (query, item) that belongs together, once; every query has at least one.
    block_numbers
        How many scores to hold at once.

    Raises
    ------
    ValueError
        If a query has no right item.

    Examples
    --------
    >>> pool = np.array([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]])
    >>> ranks = rank_pool(np.array([[1.0, 0.0]]), pool, np.array([[0, 0], [0, 2]]))
    >>> ranks.better.item(), ranks.average_precision.item(), ranks.area.item()  # (1/1 + 2/3) / 2, 1 of 2 below
    (0, 0.8333333333333333, 0.5)
    """
    count = len(queries)
    order = np.lexsort((relevant[:, 1], relevant[:, 0]))
    relevant = relevant[order]
    bounds = np.searchsorted(relevant[:, 0], np.arange(count + 1))
    if count and (np.diff(bounds) == 0).any():
        raise ValueError("every query needs at least one right item")
    queries, items = queries.astype(np.float64), np.ascontiguousarray(pool.T, dtype=np.float64)
    wanted = cosines_of_pairs(queries, pool, relevant[:, 0], relevant[:, 1])
    better, tied, alike = np.empty((3, count), dtype=np.int64)
    precision, area = np.empty(count), np.empty(count)
    step = max(1, block_numbers // max(len(pool), 1))
    for start in range(0, count, step):
        products = np.clip(queries[start : start + step] @ items, -1.0, 1.0)
        for row, rough in enumerate(products, start=start):
            own = slice(bounds[row], bounds[row + 1])
            right = np.sort(wanted[own])
            is_wrong = np.ones(len(pool), dtype=bool)
            is_wrong[relevant[own, 1]] = False
            wrong = np.sort(rough[is_wrong])
            if _is_close_call(wrong, right):
                (places,) = np.nonzero(is_wrong)
                wrong = np.sort(cosines_of_pairs(queries, pool, np.full(len(places), row), places))
            above, beside = better_and_tied(wrong, right)
            ahead, abreast = better_and_tied(right, right)
            better[row], tied[row], alike[row] = above[-1], beside[-1], abreast[-1]
            precision[row] = expected_precision(ahead, above, abreast, beside).mean()
            area[row] = 1 - (above + beside / 2).mean() / len(wrong) if len(wrong) else np.nan
    return Ranks(better, tied, alike, precision, area, len(pool))


def _is_close_call(wrong: Float[np.ndarray, " wrong"], right: Float[np.ndarray, " right"]) -> bool:
    """Tell whether what a matrix product rounds away could decide if two are tied; both are sorted."""
    least, most = (better_and_tied(wrong, right, slack=slack) for slack in (-_ROUGH, _ROUGH))
    return any(not np.array_equal(one, other) for one, other in zip(least, most, strict=True))


def expected_precision(
    right_above: Int[np.ndarray, " right"],
    wrong_above: Int[np.ndarray, " right"],
    right_tied: Int[np.ndarray, " right"],
    wrong_tied: Int[np.ndarray, " right"],
) -> Float[np.ndarray, " right"]:
    """Return the precision at the place of each right item, its mean over all orders of those tied with it.

    Its place among the t tied ones is as likely the first as the last, and of those before it a share of (r - 1) ÷
    (t - 1) is right, where r of the t are. right_tied: itself included.

    Examples
    --------
    >>> one, none = np.array([1]), np.array([0])
    >>> expected_precision(none, one, one, none)  # second of two
    array([0.5])
    >>> expected_precision(none, none, one, one)  # first or second of two
    array([0.75])
    """
    above, tied = right_above + wrong_above, right_tied + wrong_tied
    share = (right_tied - 1) / np.maximum(tied - 1, 1)
    # at place j: (right_above + 1 + share (j - 1)) ÷ (above + j), summed over j = 1 … tied
    harmonic = digamma(above + tied + 1) - digamma(above + 1)
    mean = share + (right_above + 1 - share * (above + 1)) * harmonic / tied
    return np.asarray(np.where(tied == 1, (right_above + 1) / (above + 1), mean))


def recall_at(ranks: Ranks, depth: int) -> Float[np.ndarray, " queries"]:
    """Return the chance that a right item is among the first `depth`, over all orders of the tied.

    Examples
    --------
    >>> ten = Ranks(*np.array([[0], [9], [1]]), average_precision=np.ones(1), area=np.ones(1), pool=10)
    >>> recall_at(ten, 5).item(), recall_at(ten, 10).item()
    (0.5, 1.0)
    """
    return 1 - _all_missed(ranks.tied, ranks.alike, depth - ranks.better)


def ranking_values(ranks: Ranks) -> Mapping[str, Float[np.ndarray, " queries"]]:
    """Return recall at 1, 5, 10, reciprocal rank, average precision, rank and area of each query.

    Each is the mean over all orders of the tied.

    Examples
    --------
    >>> ten = Ranks(*np.array([[0], [9], [1]]), average_precision=np.ones(1), area=np.ones(1), pool=10)
    >>> values = ranking_values(ten)
    >>> values["recall@5"].item(), round(values["mrr"].item(), 4), values["mean_rank"].item()
    (0.5, 0.2929, 5.5)
    """
    return {
        **{f"recall@{depth}": recall_at(ranks, depth) for depth in DEPTHS},
        "mrr": _reciprocal_rank(ranks),
        "map": ranks.average_precision,
        "mean_rank": 1 + ranks.better + ranks.tied / (ranks.alike + 1),
        "auc": ranks.area,
    }


def chance_of(ranks: Ranks, relevant: Int[np.ndarray, "pairs 2"]) -> dict[str, float]:
    """Return the values of a random order on these queries: recall at each depth, and 0.5 for the area.

    Examples
    --------
    >>> ten = Ranks(*np.array([[0], [9], [1]]), average_precision=np.ones(1), area=np.ones(1), pool=10)
    >>> chance_of(ten, np.array([[0, 3]]))["recall@5"]
    0.5
    """
    right = np.bincount(relevant[:, 0], minlength=len(ranks.better))
    taken = np.full(len(right), 0)
    missed = {depth: _all_missed(ranks.pool - right, right, taken + depth) for depth in DEPTHS}
    return {**{f"recall@{depth}": float(1 - each.mean()) for depth, each in missed.items()}, "auc": 0.5}


def _all_missed(
    wrong: Int[np.ndarray, " queries"], right: Int[np.ndarray, " queries"], taken: Int[np.ndarray, " queries"]
) -> Float[np.ndarray, " queries"]:
    """Return the chance that as many as `taken` of the wrong and right ones, drawn at random, are all wrong."""
    missed, left = np.ones(len(wrong)), wrong - np.maximum(taken, 0)
    for place in range(1, int(right.max(initial=0)) + 1):  # C(left + right, right) ÷ C(wrong + right, right)
        missed = np.where(place <= right, missed * np.maximum(left + place, 0) / (wrong + place), missed)
    return np.where(left < 0, 0.0, missed)


def _reciprocal_rank(ranks: Ranks) -> Float[np.ndarray, " queries"]:
    """Return 1 ÷ the rank of the first right item, its mean over all orders of the tied."""
    found = 1 / (1 + ranks.better)
    for row in np.flatnonzero(ranks.tied):
        below = np.arange(ranks.tied[row] + 1)  # wrong ones of the tied before it
        left = ranks.tied[row] - below
        # all before it are wrong, and it is right
        missed = np.cumprod(np.append(1.0, left[:-1] / (left[:-1] + ranks.alike[row])))
        found[row] = (missed * ranks.alike[row] / (left + ranks.alike[row]) / (1 + ranks.better[row] + below)).sum()
    return found
