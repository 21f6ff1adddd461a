"""Families: connected components of all pairs above an identity, found without aligning all of them.

A pair inside a component that is already joined cannot change it, so only pairs between components are
aligned, nearest ones first: what is left is little even in a family of thousands.
"""

import hashlib
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
from jaxtyping import Bool, Int, Int64

from protrek_hm.deadline import Progress
from protrek_hm.homology.candidates import Shard, last_partners, near_enough, shards
from protrek_hm.homology.config import HomologyConfig
from protrek_hm.homology.homologs import Search, fingerprint, in_parts, shared_search
from protrek_hm.homology.identity import Proteins
from protrek_hm.homology.verify import identities

_PIECE = 2_000  # pairs between two looks at what is joined already


def find_families(
    sequences: Sequence[str],
    config: HomologyConfig | None = None,
    *,
    known: Int[np.ndarray, "edges 2"] | None = None,
    work_dir: Path | None = None,
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
        Thresholds and threads; without it identity 0.5, coverage 0.8. A cluster that `workers.using` names takes the
        place of threads.
    known
        Pairs of indexes known to be linked, such as those of `find_homologs` at a higher identity: saves
        work.
    work_dir
        Where finished shards are kept, so that an interrupted run on the same input continues; never emptied.
    progress
        Called as `progress(stage, done, total)`, counting proteins.

    Examples
    --------
    >>> find_families(["MKTAYIAKQR", "WWWWWPPPPP", "MKTAYAKQR"]).tolist()
    [0, 1, 0]
    """
    config = replace(config or HomologyConfig(min_identity=0.5), max_identity=1.0)
    proteins = Proteins.of(sequences)
    last = last_partners(proteins, config)
    families = UnionFind(len(sequences))
    if known is not None:
        families.join(np.argsort(proteins.order)[known])
    kept = None if work_dir is None else work_dir / _name(sequences, config, known)
    done = 0

    def piece(shard: Shard) -> _Piece:
        return shard.ranks, families.labels[shard.ranks.start : int(last[shard.ranks.stop - 1])].copy()

    for group in shards(proteins, config, last):
        search = shared_search(proteins, config, last, group)
        with closing(in_parts(_join_shard, group, piece, kept, shared=search)) as parts:
            for shard, part in zip(group, parts, strict=True):
                families.join(part.to_numpy())
                done += len(shard.ranks)
                if progress is not None:
                    progress("families", done, len(sequences))
    return numbered(families.labels[np.argsort(proteins.order)])


_Piece = tuple[range, Int64[np.ndarray, " reach"]]
"""A shard, and the families so far of the proteins from its first on, as far as its pairs reach."""


def _join_shard(search: Search, piece: _Piece) -> pl.DataFrame:
    """Return linked pairs of a shard that join all of its proteins that are to be joined, and are not yet."""
    ranks, labels = piece
    proteins, config = search.proteins, search.config
    names, node = np.unique(labels, return_inverse=True)
    families = UnionFind(len(names))

    def nodes(pairs: Int64[np.ndarray, "pairs 2"]) -> Int64[np.ndarray, "pairs 2"]:
        return np.asarray(node[pairs - ranks.start])

    pairs = Shard(ranks, search.index, config).pairs(search.last)
    pairs, distance = near_enough(proteins, pairs[families.are_apart(nodes(pairs))], config)
    order = np.argsort(distance, kind="stable")
    found = [np.empty((0, 2), dtype=np.int64)]
    for start in range(0, len(order), _PIECE):
        chosen = order[start : start + _PIECE]
        chosen = chosen[families.are_apart(nodes(pairs[chosen]))]
        linked = pairs[chosen][config.wants(*identities(proteins, pairs[chosen], distance[chosen]))]
        families.join(nodes(linked))
        found.append(linked)
    return pl.DataFrame(np.concatenate(found), schema={"a": pl.Int64, "b": pl.Int64})


def _name(sequences: Sequence[str], config: HomologyConfig, known: Int[np.ndarray, "edges 2"] | None) -> str:
    """Name the folder of finished shards: what is found there completes what was known."""
    edges = np.empty((0, 2), dtype=np.int64) if known is None else known.astype(np.int64)
    digest = hashlib.blake2b(np.ascontiguousarray(edges).tobytes(), digest_size=8).hexdigest()
    return f"joined-{fingerprint(sequences, config)}-{digest}"


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
