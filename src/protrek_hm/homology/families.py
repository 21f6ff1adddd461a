"""Families: connected components of all pairs above an identity, found without aligning all of them.

A pair inside a component that is already joined cannot change it, so only pairs between components are
aligned, nearest ones first: what is left is little even in a family of thousands.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import numpy as np
from jaxtyping import Bool, Int, Int32, Int64

from protrek_hm.deadline import Progress
from protrek_hm.homology.candidates import last_partners, near_enough, shards
from protrek_hm.homology.config import HomologyConfig
from protrek_hm.homology.identity import Proteins
from protrek_hm.homology.verify import identities

_PIECE = 2_000  # pairs of a thread between two looks at what is joined already


def find_families(
    sequences: Sequence[str],
    config: HomologyConfig | None = None,
    *,
    known: Int[np.ndarray, "edges 2"] | None = None,
    progress: Progress | None = None,
) -> Int64[np.ndarray, " n"]:
    """Return the family of each protein, numbered from 0 by each family's first protein.

    Two proteins are in one family if a chain of pairs with identity ≥ min_identity and coverage ≥ coverage
    links them (max_identity plays no part).

    Parameters
    ----------
    sequences
        Distinct proteins, upper case, none empty.
    config
        Thresholds and threads; without it identity 0.5, coverage 0.8.
    known
        Pairs of indexes known to be linked, such as those of `find_homologs` at a higher identity: saves
        work.
    progress
        Called as `progress(stage, done, total)`, counting proteins.

    Examples
    --------
    >>> find_families(["MKTAYIAKQR", "WWWWWPPPPP", "MKTAYAKQR"]).tolist()
    [0, 1, 0]
    """
    config = replace(config or HomologyConfig(min_identity=0.5), max_identity=1.0)
    threads = config.threads or os.cpu_count() or 1
    proteins = Proteins.of(sequences)
    last = last_partners(proteins, config)
    families = UnionFind(len(sequences))
    if known is not None:
        families.join(np.argsort(proteins.order)[known])
    done = 0
    with ThreadPoolExecutor(threads) as pool:
        for shard in (shard for group in shards(proteins, config, last) for shard in group):
            pairs = shard.pairs(last)
            pieces = np.array_split(pairs[families.are_apart(pairs)], threads)
            near = list(pool.map(partial(near_enough, proteins, config=config), pieces))
            pairs, distance = (np.concatenate(parts) for parts in zip(*near, strict=True))
            order = np.argsort(distance, kind="stable")
            for start in range(0, len(order), _PIECE * threads):
                chosen = order[start : start + _PIECE * threads]
                chosen = chosen[families.are_apart(pairs[chosen])]
                parts = np.array_split(chosen, threads)
                linked = partial(_linked, proteins, config)
                for edges in pool.map(linked, [pairs[p] for p in parts], [distance[p] for p in parts]):
                    families.join(edges)
            done += len(shard.ranks)
            if progress is not None:
                progress("families", done, len(sequences))
    return numbered(families.labels[np.argsort(proteins.order)])


class UnionFind:
    """Components that are joined step by step; the smaller of two takes the label of the larger one.

    Examples
    --------
    >>> nodes = UnionFind(3)
    >>> nodes.join(np.array([[2, 1]]))
    >>> nodes.are_apart(np.array([[0, 1], [1, 2]])).tolist()
    [True, False]
    """

    def __init__(self, n: int) -> None:
        self.labels = np.arange(n)
        self._members = {node: [node] for node in range(n)}

    def are_apart(self, pairs: Int[np.ndarray, "pairs 2"]) -> Bool[np.ndarray, " pairs"]:
        """Tell which pairs are in different components."""
        return np.asarray(self.labels[pairs[:, 0]] != self.labels[pairs[:, 1]])

    def join(self, edges: Int[np.ndarray, "edges 2"]) -> None:
        """Join the two components of each edge."""
        for a, b in edges.tolist():
            big, small = int(self.labels[a]), int(self.labels[b])
            if big == small:
                continue
            if len(self._members[big]) < len(self._members[small]):
                big, small = small, big
            moved = self._members.pop(small)
            self._members[big].extend(moved)
            self.labels[moved] = big


def _linked(
    proteins: Proteins,
    config: HomologyConfig,
    pairs: Int64[np.ndarray, "pairs 2"],
    distance: Int32[np.ndarray, " pairs"],
) -> Int64[np.ndarray, "linked 2"]:
    """Return the pairs within the thresholds."""
    return np.asarray(pairs[config.wants(*identities(proteins, pairs, distance))])


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
    from scipy.sparse import coo_array  # not before it is needed: searches find families, and begin sooner without it
    from scipy.sparse.csgraph import connected_components as label_components

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
