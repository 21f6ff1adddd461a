"""Exact nearest neighbours by cosine, in bounded memory.

A blocked float32 product finds the candidates, with a margin that covers its rounding; their cosines are then
computed in float64, each by itself. So no score depends on the size of the batch or the place of a vector.
"""

import numpy as np
from jaxtyping import Float, Int

from protrek_hm.config import require
from protrek_hm.cosines import cosines_of_pairs
from protrek_hm.deadline import checkpoint
from protrek_hm.index.arrays import Vectors

QUERY_BLOCK = 128
VECTOR_BLOCK = 16_384


def nearest(
    queries: Float[np.ndarray, "queries dim"],
    vectors: Vectors,
    *,
    k: int,
    only: Int[np.ndarray, " some"] | None = None,
) -> tuple[Float[np.ndarray, "queries k"], Int[np.ndarray, "queries k"]]:
    """Find the `k` vectors of highest cosine for each query; all arrays hold float32 vectors of length 1.

    only: compare with these vectors alone; their numbers, ascending.

    Returns
    -------
    The cosines, in [-1, 1], highest first, and the indices of the vectors; equal cosines come in order of
    index. There are min(k, vectors) columns.

    Raises
    ------
    OptionError
        If k < 1.

    Examples
    --------
    >>> vectors = np.array([[1, 0], [0, 1], [0.6, 0.8], [0, 1]], dtype=np.float32)
    >>> cosines, found = nearest(np.array([[0, 1]], dtype=np.float32), vectors, k=3)
    >>> cosines.round(6).tolist(), found.tolist()
    ([[1.0, 1.0, 0.8]], [[1, 3, 2]])
    >>> nearest(np.array([[0, 1]], dtype=np.float32), vectors, k=1, only=np.array([0, 2, 3]))[1].tolist()
    [[3]]
    """
    require("k", k, "must be at least 1", holds=k >= 1)
    width = min(k, len(vectors) if only is None else len(only))
    cosines = np.empty((len(queries), width), dtype=np.float64)
    found = np.empty((len(queries), width), dtype=np.int64)
    for start in range(0, len(queries), QUERY_BLOCK):
        block = slice(start, start + QUERY_BLOCK)
        cosines[block], found[block] = _nearest_of_block(queries[block], vectors, k, only)
    return cosines, found if only is None else only[found]


def _nearest_of_block(
    queries: np.ndarray, vectors: Vectors, k: int, only: Int[np.ndarray, " some"] | None
) -> tuple[Float[np.ndarray, "queries k"], Int[np.ndarray, "queries k"]]:
    # twice the bound on a dot product's rounding error (unit vectors): of the candidate, and of the k-th best
    margin = vectors.shape[1] * np.finfo(np.float32).eps
    every_query = np.arange(len(queries))
    best = np.empty((len(queries), 0), dtype=np.float64)
    best_index = np.empty((len(queries), 0), dtype=np.int64)
    for start in range(0, len(vectors) if only is None else len(only), VECTOR_BLOCK):
        checkpoint()
        block = vectors[_some(only, slice(start, start + VECTOR_BLOCK))]
        rough = queries @ block.T
        floor = best[:, -1] if best.shape[1] == k else np.full(len(queries), -np.inf)
        candidates = ~(rough < (floor - margin)[:, None])  # so that what is no number comes to light
        if len(block) > k and np.count_nonzero(candidates) > 4 * k * len(queries):  # seldom after the first
            floor = np.maximum(floor, np.partition(rough, -k, axis=1)[:, -k])
            candidates = ~(rough < (floor - margin)[:, None])
        query, index = np.nonzero(candidates)

        query_all = np.concatenate([np.repeat(every_query, best.shape[1]), query])
        cosine_all = np.concatenate([best.ravel(), cosines_of_pairs(queries, block, query, index)])
        index_all = np.concatenate([best_index.ravel(), index + start])
        order = np.lexsort((index_all, -cosine_all, query_all))
        first = np.searchsorted(query_all[order], every_query)
        width = min(k, start + len(block))
        kept = order[first[:, None] + np.arange(width)]
        best, best_index = cosine_all[kept], index_all[kept]
    return best, best_index


def _some(only: Int[np.ndarray, " some"] | None, block: slice) -> "slice | Int[np.ndarray, ' n']":
    """Return a block of the chosen vectors, as a slice where they lie side by side: that needs no copy."""
    if only is None:
        return block
    chosen = only[block]
    whole = chosen[-1] - chosen[0] + 1 == len(chosen)
    return slice(int(chosen[0]), int(chosen[-1]) + 1) if whole else chosen
