"""Cosines as they are compared and shown: each pair by itself in float64, and equal where their difference is noise.

A matrix product adds up in an order that depends on the processor, the threads and the place of a row. So it may say
which pairs to look at, never which of two is higher. Two scores are tied if they differ by at most `TOLERANCE`: by
their difference, since rounding to a grid would part two that lie on either side of a border. Tied is not transitive;
therefore every rank is seen from one score, the target's: those that exceed it by more than `TOLERANCE` stand
before it, those within `TOLERANCE` of it are tied with it, in an order as good as any other.
"""

from typing import Any, Protocol

import numpy as np
from jaxtyping import Float, Int

from protrek_hm.errors import DamagedVectorError

TOLERANCE = 1e-6
"""Scores that differ by no more are equal: single precision tells no more apart, nor does a model in other batches."""
_ROUNDING = 1e-3  # how far the product of two float32 vectors of length 1 may exceed 1, and more
PAIR_BLOCK = 128  # so few that they stay in the cache


class Rows(Protocol):
    """An array, or what gives some of its rows."""

    def __getitem__(self, which: Any, /) -> Any:
        """Return the rows of these numbers."""
        ...


def cosines_of_pairs(
    queries: Rows, vectors: Rows, query: Int[np.ndarray, " pairs"], index: Int[np.ndarray, " pairs"]
) -> Float[np.ndarray, " pairs"]:
    """Compute the cosine of each pair by itself, in float64, from unit vectors.

    Raises
    ------
    DamagedVectorError
        If a vector has not the length 1: the cosine would be above 1, or is no number.

    Examples
    --------
    >>> axes = np.eye(2, dtype=np.float32)
    >>> cosines_of_pairs(axes, axes, np.array([0, 0]), np.array([1, 0])).tolist()
    [0.0, 1.0]
    """
    cosines = np.empty(len(query), dtype=np.float64)
    for start in range(0, len(query), PAIR_BLOCK):
        block = slice(start, start + PAIR_BLOCK)
        left = queries[query[block]].astype(np.float64)
        right = vectors[index[block]].astype(np.float64)
        cosines[block] = np.einsum("ij,ij->i", left, right)
    bad = np.flatnonzero(~(np.abs(cosines) <= 1 + _ROUNDING))
    if len(bad):
        raise DamagedVectorError(float(cosines[bad[0]]))
    return np.clip(cosines, -1.0, 1.0)


def cosine_table(
    queries: Float[np.ndarray, "queries dim"], vectors: Float[np.ndarray, "vectors dim"]
) -> Float[np.ndarray, "queries vectors"]:
    """Compute the cosine of each query with each vector, as `cosines_of_pairs` does.

    >>> cosine_table(np.eye(2), np.array([[0.6, 0.8]])).tolist()
    [[0.6], [0.8]]
    """
    query, index = np.indices((len(queries), len(vectors))).reshape(2, -1)
    return cosines_of_pairs(queries, vectors, query, index).reshape(len(queries), len(vectors))


def preference(right: Float[np.ndarray, " pairs"], wrong: Float[np.ndarray, " pairs"]) -> Float[np.ndarray, " pairs"]:
    """Tell of each pair of scores whether the right one is higher: 1 yes, 0 no, 0.5 a tie, NaN unknown.

    >>> preference(np.array([0.3, 0.3, 0.3]), np.array([0.2, 0.3 + 1e-7, 0.4])).tolist()
    [1.0, 0.5, 0.0]
    """
    gap = right - wrong
    return np.asarray(0.5 * (1.0 + np.where(np.abs(gap) <= TOLERANCE, 0.0, np.sign(gap))))


def better_and_tied(
    ascending: Float[np.ndarray, " others"], targets: Float[np.ndarray, " targets"], *, slack: float = 0.0
) -> tuple[Int[np.ndarray, " targets"], Int[np.ndarray, " targets"]]:
    """Count the others that are better than each target, and those that are tied with it; they are sorted.

    slack: by how much more, or less, two may differ and be tied.

    >>> [each.tolist() for each in better_and_tied(np.array([0.1, 0.2, 0.2 + 1e-7, 0.3]), np.array([0.2, 0.5]))]
    [[1, 0], [2, 0]]
    """
    low = np.searchsorted(ascending, targets - TOLERANCE - slack, side="left")
    high = np.searchsorted(ascending, targets + TOLERANCE + slack, side="right")
    return len(ascending) - high, high - low


def equal_ties(scores: Float[np.ndarray, " scores"]) -> Float[np.ndarray, " scores"]:
    """Make tied scores equal, where they are sorted or written: from the highest on, each takes those tied with it.

    >>> equal_ties(np.array([0.2, 0.5 - 1e-7, 0.5, np.nan])).tolist()
    [0.2, 0.5, 0.5, nan]
    """
    order = np.argsort(-scores, kind="stable")  # NaN last
    falling = scores[order]
    start = 0
    while start < len(falling):
        stop = max(start + 1, int(np.searchsorted(-falling, TOLERANCE - falling[start], side="right")))
        falling[start:stop] = falling[start]
        start = stop
    found = np.empty_like(falling)
    found[order] = falling
    return found
