"""The nearest vectors by cosine, in bounded memory: of all vectors, or of those that were proposed for each query.

Of all: a blocked float32 product finds the candidates, with a margin that covers its rounding. Of proposed ones: FAISS
computes float32 products of single rows where they are, on all threads that are allowed; none is copied. Either way the
cosines of those that come near the k best, by more than rounding explains, are computed in float64, each by itself: no
score depends on the size of the batch, the place of a vector, or the way in which it was found.

An `Engine` decides which vectors are compared. `ExactEngine` compares all; another engine is a class with the same
method, made and opened in `engines`.
"""

from importlib import import_module
from typing import Any, NamedTuple, Protocol

import numpy as np
from jaxtyping import Bool, Float, Int

from protrek_hm.config import require
from protrek_hm.cosines import cosines_of_pairs
from protrek_hm.deadline import checkpoint
from protrek_hm.index.segments import Stack, Vectors

QUERY_BLOCK = 128
VECTOR_BLOCK = 16_384


class Nearest(NamedTuple):
    """Cosines and numbers of the nearest vectors, a row for each query; exact: whether none can be missing there."""

    cosines: Float[np.ndarray, "queries k"]
    found: Int[np.ndarray, "queries k"]
    exact: Bool[np.ndarray, " queries"]


class Engine(Protocol):
    """A way to find the nearest of a modality's vectors."""

    def nearest(
        self,
        queries: Float[np.ndarray, "queries dim"],
        vectors: Vectors,
        *,
        k: int,
        only: Int[np.ndarray, " some"] | None = None,
    ) -> Nearest:
        """Find the `k` nearest vectors as `nearest` does: cosines and order are its own, some may be missing."""
        ...


class ExactEngine:
    """Compares a query with every vector."""

    def nearest(
        self,
        queries: Float[np.ndarray, "queries dim"],
        vectors: Vectors,
        *,
        k: int,
        only: Int[np.ndarray, " some"] | None = None,
    ) -> Nearest:
        """Find the `k` nearest vectors; none is missing."""
        return Nearest(*nearest(queries, vectors, k=k, only=only), np.ones(len(queries), dtype=bool))


def nearest(
    queries: Float[np.ndarray, "queries dim"],
    vectors: Vectors,
    *,
    k: int,
    only: Int[np.ndarray, " some"] | None = None,
) -> tuple[Float[np.ndarray, "queries k"], Int[np.ndarray, "queries k"]]:
    """Find the `k` vectors of highest cosine for each query; all arrays hold float32 vectors of length 1.

    only: compare with these vectors alone; their numbers.

    Returns
    -------
    The cosines, in [-1, 1], highest first, and the indices of the vectors; equal cosines come in order of
    index, or as in `only`. There are min(k, vectors) columns.

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
    if not isinstance(vectors, np.ndarray | Stack):
        return vectors.nearest(queries, k=k, only=only)
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
    whole = bool((np.diff(chosen) == 1).all())
    return slice(int(chosen[0]), int(chosen[-1]) + 1) if whole else chosen


_FEW = 16  # queries for which a second thread is not worth waiting for, least of all on a busy machine


def nearest_proposed(
    queries: Float[np.ndarray, "queries dim"],
    vectors: Vectors,
    proposed: Int[np.ndarray, "queries count"],
    *,
    k: int,
) -> tuple[Float[np.ndarray, "queries k"], Int[np.ndarray, "queries k"]]:
    """Find the `k` nearest of each query's own proposals.

    proposed: numbers of vectors, each at most once for a query, in any order; -1 where there is none.

    Returns
    -------
    The cosines, in [-1, 1], highest first, and the numbers of the vectors; equal cosines come in order of number.
    Places that stay empty hold NaN and -1.

    Examples
    --------
    >>> vectors = np.array([[1, 0], [0, 1], [0.6, 0.8], [0, 1]], dtype=np.float32)
    >>> cosines, found = nearest_proposed(vectors[1:3], vectors, np.array([[3, 1, 2], [0, -1, -1]]), k=2)
    >>> cosines.round(6).tolist(), found.tolist()
    ([[1.0, 1.0], [0.6, nan]], [[1, 3], [0, -1]])
    """
    if not isinstance(vectors, np.ndarray | Stack):
        return vectors.nearest_proposed(queries, proposed, k=k)
    numbers = np.sort(proposed, axis=1)  # rows are read in the order in which they lie on disk
    rough = inner_products(queries, vectors, numbers)
    # twice the bound on a product's rounding error (unit vectors): of the candidate, and of the k-th best
    margin = vectors.shape[1] * np.finfo(np.float32).eps
    floor = np.full(len(queries), -np.inf, dtype=np.float32)
    if numbers.shape[1] > k:
        floor = np.partition(rough, -k, axis=1)[:, -k] - margin
    query, place = np.nonzero((rough >= floor[:, None]) & (numbers >= 0))
    number = numbers[query, place]
    cosine = cosines_of_pairs(queries, vectors, query, number)

    order = np.lexsort((number, -cosine, query))
    query = query[order]
    rank = np.arange(len(query)) - np.searchsorted(query, query)
    kept = rank < k
    cosines, found = np.full((len(queries), k), np.nan), np.full((len(queries), k), -1, dtype=np.int64)
    cosines[query[kept], rank[kept]] = cosine[order[kept]]
    found[query[kept], rank[kept]] = number[order[kept]]
    return cosines, found


def inner_products(
    queries: Float[np.ndarray, "queries dim"], vectors: np.ndarray | Stack, numbers: Int[np.ndarray, "queries count"]
) -> Float[np.ndarray, "queries count"]:
    """Multiply each query with the vectors of these numbers, float32; -inf where a number is -1.

    Each product is computed by itself: it does not depend on what else is asked.

    >>> inner_products(np.float32([[1, 2]]), np.float32([[1, 0], [0, 1]]), np.array([[1, -1, 0]])).tolist()
    [[2.0, -inf, 1.0]]
    """
    queries = np.ascontiguousarray(queries, dtype=np.float32)
    parts = vectors.parts if isinstance(vectors, Stack) else (vectors,)
    if len(parts) == 1:
        return _products(queries, parts[0], numbers)
    products = np.full(numbers.shape, -np.inf, dtype=np.float32)
    start = 0
    for part in parts:
        inside = (numbers >= start) & (numbers < start + len(part))
        np.copyto(products, _products(queries, part, np.where(inside, numbers - start, -1)), where=inside)
        start += len(part)
    return products


def _products(queries: np.ndarray, vectors: np.ndarray, numbers: np.ndarray) -> Float[np.ndarray, "queries count"]:
    faiss: Any = import_module("faiss")  # its own types do not know its Python side
    vectors, numbers = np.ascontiguousarray(vectors, dtype=np.float32), np.ascontiguousarray(numbers)
    products = np.empty(numbers.shape, dtype=np.float32)
    pointers = (faiss.swig_ptr(array) for array in (products, queries, vectors, numbers))
    threads = faiss.omp_get_max_threads()
    if len(queries) < _FEW:
        faiss.omp_set_num_threads(1)
    try:
        faiss.fvec_inner_products_by_idx(*pointers, queries.shape[1], *numbers.shape)
    finally:
        faiss.omp_set_num_threads(threads)
    return products
