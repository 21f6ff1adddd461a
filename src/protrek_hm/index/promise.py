"""Which lists of vectors are worth a look: those that are likely to hold a neighbour of the query.

The centre of a list says where its vectors lie on average. A neighbour is not average: it is the best of its list, and
the best of a large or loose list lies farther from the centre than that of a small or close one.
"""

import numpy as np
from jaxtyping import Float, Int


def promise(
    cosines: Float[np.ndarray, "*queries lists"],
    closeness: Float[np.ndarray, " lists"],
    sizes: Int[np.ndarray, " lists"],
    *,
    scatter: float,
) -> Float[np.ndarray, "*queries lists"]:
    """Return the cosine that the best vector of each list is expected to have with each query.

    The mean of a list is its centre times `closeness`, so its vectors have that share of the centre's cosine on
    average. Around it they scatter by `scatter` times their distance from the mean, sqrt(1 - closeness²), and the
    greatest of n such numbers exceeds the average sqrt(2 ln n) times as far (n + 1, so that one vector scatters, too).

    Parameters
    ----------
    cosines
        Of each query with each list's centre, in [-1, 1].
    closeness
        Mean cosine of a list's vectors with its centre, in [0, 1].
    sizes
        Vectors in each list.
    scatter
        How much of a vector's distance from its list's mean points along a query, as a standard deviation, in [0, 1].
        If all directions were alike it would be 1 / sqrt(dimension).

    Examples
    --------
    A list of one vector, and seven loose ones, whose best is 0.6 · 0.1 · sqrt(2 ln 8) better than their average:

    >>> cosines, closeness = np.array([[0.5, 0.5]]), np.array([1.0, 0.8])
    >>> promise(cosines, closeness, np.array([1, 7]), scatter=0.1).round(4).tolist()
    [[0.5, 0.5224]]
    >>> promise(cosines, closeness, np.array([1, 7]), scatter=0.0).tolist()
    [[0.5, 0.4]]
    """
    best_of = np.sqrt(2 * np.log1p(sizes)) * np.sqrt(np.maximum(1 - closeness**2, 0))
    return np.asarray(cosines * closeness + (scatter * best_of).astype(cosines.dtype))


def ranked(
    worth: Float[np.ndarray, "queries lists"], floor: Float[np.ndarray, " queries"]
) -> Int[np.ndarray, "queries most"]:
    """List what each query finds worth at least `floor`, the best first; places that stay empty hold -1.

    >>> ranked(np.array([[1.0, 3.0, 2.0], [5.0, 1.0, 0.0]]), np.array([2.0, 4.0])).tolist()
    [[1, 2], [0, -1]]
    """
    query, number = np.nonzero(worth >= floor[:, None])
    order = np.lexsort((number, -worth[query, number], query))
    query, number = query[order], number[order]
    first = np.searchsorted(query, np.arange(len(worth) + 1))
    places = np.full((len(worth), int(np.diff(first).max(initial=1))), -1, dtype=np.int64)
    places[query, np.arange(len(query)) - first[query]] = number
    return places
