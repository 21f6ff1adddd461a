"""Retrieval over a whole pool: where do the right ones stand? Pure functions, in blocks of bounded memory.

A rank counts the wrong items that score higher, and half of those that score the same: an order broken at
random, on average. Several right items of one query do not stand in each other's way.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

BLOCK_NUMBERS = 16_000_000
"""Scores held at once: 64 MB of single precision, whatever the pool."""
DECIMALS = 6  # as `scores` rounds: what single precision tells apart
DEPTHS = (1, 5, 10)


@dataclass(frozen=True)
class Ranks:
    """Where the right items of each query stand.

    Attributes
    ----------
    first
        Rank of each query's best right item, from 1; with .5 where it ties with an odd number of wrong ones.
    average_precision, area
        Average precision and area under the ROC curve of each query, in [0, 1]; the area is NaN where every
        item is right.
    tied
        Whether the best right item ties with a wrong one.
    pool
        Items that were ranked.
    """

    first: Float[np.ndarray, " queries"]
    average_precision: Float[np.ndarray, " queries"]
    area: Float[np.ndarray, " queries"]
    tied: Int[np.ndarray, " queries"]
    pool: int


def rank_pool(
    queries: Float[np.ndarray, "queries dim"],
    pool: Float[np.ndarray, "items dim"],
    relevant: Int[np.ndarray, "pairs 2"],
    *,
    block_numbers: int = BLOCK_NUMBERS,
) -> Ranks:
    """Rank a pool by cosine for each query and say where its right items stand.

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
    >>> ranks.first.item(), ranks.average_precision.item(), ranks.area.item()  # (1/1 + 2/3) / 2, 1 of 2 below
    (1.0, 0.8333333333333333, 0.5)
    """
    count = len(queries)
    order = np.lexsort((relevant[:, 1], relevant[:, 0]))
    relevant = relevant[order]
    bounds = np.searchsorted(relevant[:, 0], np.arange(count + 1))
    if count and (np.diff(bounds) == 0).any():
        raise ValueError("every query needs at least one right item")
    first, precision, area = np.empty(count), np.empty(count), np.empty(count)
    tied = np.zeros(count, dtype=np.int64)
    items = np.ascontiguousarray(pool.T, dtype=np.float32)
    step = max(1, block_numbers // max(len(pool), 1))
    for start in range(0, count, step):
        scores = np.round(queries[start : start + step].astype(np.float32) @ items, DECIMALS)
        for row, every in enumerate(scores, start=start):
            right = relevant[bounds[row] : bounds[row + 1], 1]
            wanted = np.sort(every[right])[::-1]
            every[right] = np.inf  # sorted to the end, so that the rest are the wrong ones
            every.sort()
            wrong = every[: len(every) - len(right)]
            low, high = (np.searchsorted(wrong, wanted, side=side) for side in ("left", "right"))
            above = len(wrong) - (low + high) / 2  # wrong ones above, ties half
            place = np.arange(1, len(right) + 1)
            first[row] = 1 + above[0]
            precision[row] = (place / (place + above)).mean()
            area[row] = 1 - above.mean() / len(wrong) if len(wrong) else np.nan
            tied[row] = high[0] > low[0]
    return Ranks(first, precision, area, tied, len(pool))


def ranking_values(ranks: Ranks) -> Mapping[str, Float[np.ndarray, " queries"]]:
    """Return what each query is worth: hit among the first 1, 5, 10; 1 ÷ rank; average precision; rank; area.

    Examples
    --------
    >>> two = np.array([1.0, 4.0])
    >>> values = ranking_values(Ranks(two, two, two, np.array([0, 0]), pool=9))
    >>> values["recall@1"].tolist(), values["recall@5"].tolist(), values["mrr"].tolist()
    ([1.0, 0.0], [1.0, 1.0], [1.0, 0.25])
    """
    return {
        **{f"recall@{depth}": (ranks.first <= depth).astype(np.float64) for depth in DEPTHS},
        "mrr": 1 / ranks.first,
        "map": ranks.average_precision,
        "mean_rank": ranks.first,
        "auc": ranks.area,
    }


def chance_of(ranks: Ranks, relevant: Int[np.ndarray, "pairs 2"]) -> dict[str, float]:
    """Return what a random order gets on these queries: recall at each depth, and 0.5 for the area.

    Examples
    --------
    >>> one = np.array([1.0])
    >>> chance_of(Ranks(one, one, one, np.array([0]), pool=10), np.array([[0, 3]]))["recall@5"]
    0.5
    """
    right = np.bincount(relevant[:, 0], minlength=len(ranks.first)).astype(np.float64)
    chances = {}
    for depth in DEPTHS:
        missed = np.ones(len(right))
        for taken in range(min(depth, ranks.pool)):  # all of the first `depth` are wrong
            missed *= np.clip((ranks.pool - right - taken) / (ranks.pool - taken), 0, 1)
        chances[f"recall@{depth}"] = float(1 - missed.mean())
    return {**chances, "auc": 0.5}
