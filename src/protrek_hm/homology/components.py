"""Connected components: what belongs together because a chain of pairs links it."""

import numpy as np
from jaxtyping import Int, Int64
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components as label_components


def connected_components(n: int, edges: Int[np.ndarray, "edges 2"]) -> Int[np.ndarray, " n"]:
    """Return the component of each of `n` nodes, numbered from 0 by each component's first node.

    Parameters
    ----------
    n
        Number of nodes, ≥ 0.
    edges
        Pairs of nodes, each in [0, n); direction, order and repeats do not matter.

    Raises
    ------
    ValueError
        If an edge names a node outside [0, n).

    Examples
    --------
    >>> connected_components(5, np.array([[3, 1], [1, 4]])).tolist()
    [0, 1, 2, 1, 1]
    """
    if edges.size and not 0 <= int(edges.min()) <= int(edges.max()) < n:
        raise ValueError(f"an edge names a node outside [0, {n})")
    ends = edges.reshape(-1, 2)
    graph = coo_array((np.ones(len(ends), dtype=np.int8), (ends[:, 0], ends[:, 1])), shape=(n, n))
    _, labels = label_components(graph.tocsr(), directed=False)
    return numbered(labels)


def numbered(labels: Int[np.ndarray, " n"]) -> Int64[np.ndarray, " n"]:
    """Return the same groups numbered from 0 in order of their first member.

    Examples
    --------
    >>> numbered(np.array([7, 3, 7, 9])).tolist()
    [0, 1, 0, 2]
    """
    _, first, of_node = np.unique(labels, return_index=True, return_inverse=True)
    return np.asarray(np.argsort(np.argsort(first))[of_node], dtype=np.int64)
