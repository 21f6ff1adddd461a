"""The nearest among vectors that were proposed for each query: all compared, wherever they lie, none copied.

FAISS computes float32 products of single rows where they are, on all threads that are allowed. Those that come near the
k best, by more than rounding explains, are computed once more in float64: so scores and order are those of `nearest`.
"""

from importlib import import_module
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from protrek_hm.cosines import cosines_of_pairs
from protrek_hm.index.arrays import Stack, Vectors

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
    queries: Float[np.ndarray, "queries dim"], vectors: Vectors, numbers: Int[np.ndarray, "queries count"]
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
