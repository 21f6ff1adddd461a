"""All pairs of proteins whose exact identity lies in a range: candidates, a bound, identities, in shards."""

import hashlib
import logging
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import polars as pl
from jaxtyping import Int64

from protrek_hm.deadline import Progress
from protrek_hm.files import is_whole, new_part
from protrek_hm.homology.candidates import SeedIndex, Shard, last_partners, mix, near_enough, shards
from protrek_hm.homology.config import HomologyConfig
from protrek_hm.homology.identity import Proteins
from protrek_hm.homology.verify import identities
from protrek_hm.workers import Needs, Shared, map_shards

_log = logging.getLogger(__name__)
Piece = TypeVar("Piece")

SCHEMA = {"a": pl.UInt32, "b": pl.UInt32, "identity": pl.Float64, "coverage": pl.Float64}
_PAIRS_AT_ONCE = 50_000
VERSION = b"4"
"""Changed whenever the same input could give other pairs: parts of earlier versions are not reused."""


def find_homologs(
    sequences: Sequence[str],
    config: HomologyConfig | None = None,
    *,
    work_dir: Path | None = None,
    progress: Progress | None = None,
) -> pl.DataFrame:
    """Return every pair with identity in [min_identity, max_identity] and coverage ≥ coverage.

    Parameters
    ----------
    sequences
        Distinct proteins, upper case, none empty.
    config
        Thresholds and threads; a cluster that `workers.using` names takes the place of threads.
    work_dir
        Where finished shards are kept, so that an interrupted run on the same input continues; never emptied.
    progress
        Called as `progress(stage, done, total)`, counting proteins.

    Returns
    -------
    pl.DataFrame
        Columns a, b (UInt32, a < b, indexes into `sequences`), identity, coverage (Float64), sorted by a, b.

    Examples
    --------
    >>> find_homologs(["MKTAYIAKQR", "MKTAYAKQR", "WWWWWPPPPP"]).rows()
    [(0, 1, 0.9, 0.9)]
    """
    config = config or HomologyConfig()
    proteins = Proteins.of(sequences)
    last = last_partners(proteins, config)
    kept = None if work_dir is None else work_dir / f"homology-{fingerprint(sequences, config)}"
    found, done = [], 0
    for group in shards(proteins, config, last):
        search = shared_search(proteins, config, last, group)
        with closing(in_parts(_solve, group, lambda shard: shard.ranks, kept, shared=search)) as parts:
            for shard, part in zip(group, parts, strict=True):
                found.append(part)
                done += len(shard.ranks)
                if progress is not None:
                    progress("pairs", done, len(sequences))
    pairs = pl.concat([pl.DataFrame(schema=SCHEMA), *found]).sort("a", "b")
    return pairs if config.max_pairs_per_protein is None else thin_out(pairs, config.max_pairs_per_protein)


def thin_out(pairs: pl.DataFrame, most: int) -> pl.DataFrame:
    """Return pairs so that no protein has more than `most`, sampled evenly; the number left out is logged.

    Each pair draws a number from its two indexes, and is kept if it is among the `most` lowest of both its
    proteins: close and distant pairs stand the same chance, and the same pairs are kept in every run.

    Examples
    --------
    >>> star = pl.DataFrame({"a": [0, 0, 0], "b": [1, 2, 3]})
    >>> len(thin_out(star, 2)), len(thin_out(star, 3))
    (2, 3)
    """
    a, b = (pairs[column].to_numpy().astype(np.uint64) for column in ("a", "b"))
    draw = mix(a << np.uint64(32) | b)
    kept = np.ones(len(pairs), dtype=bool)
    ends, pair = np.concatenate([a, b]), np.tile(np.arange(len(pairs)), 2)
    order = np.lexsort((pair, draw[pair], ends))
    place = np.arange(len(order)) - np.searchsorted(ends[order], ends[order])
    kept[pair[order[place >= most]]] = False
    if not kept.all():
        _log.warning("%d of %d pairs left out: more than %d a protein", np.sum(~kept), len(pairs), most)
    return pairs.filter(kept)


@dataclass(frozen=True)
class Search:
    """What all shards of one index read; last: see `last_partners`."""

    proteins: Proteins
    config: HomologyConfig
    index: SeedIndex | None
    last: Int64[np.ndarray, " n"]


def shared_search(
    proteins: Proteins, config: HomologyConfig, last: Int64[np.ndarray, " n"], group: Sequence[Shard]
) -> Shared[Search]:
    """Return what the shards of a group have in common, for `map_shards`."""
    index = group[0].index if group else None
    return Shared(_begin, (proteins, config, index), here=Search(proteins, config, index, last))


def _begin(proteins: Proteins, config: HomologyConfig, index: SeedIndex | None) -> Search:
    return Search(proteins, config, index, last_partners(proteins, config))


def _solve(search: Search, ranks: range) -> pl.DataFrame:
    """Return the wanted pairs of a shard."""
    proteins, config = search.proteins, search.config
    found = Shard(ranks, search.index, config).pairs(search.last)
    pieces = np.array_split(found, len(found) // _PAIRS_AT_ONCE + 1)
    near = [near_enough(proteins, piece, config) for piece in pieces]
    pairs, distance = (np.concatenate(parts) for parts in zip(*near, strict=True))
    identity, coverage = identities(proteins, pairs, distance)
    given = np.sort(proteins.order[pairs], axis=1)
    return pl.DataFrame(
        {"a": given[:, 0], "b": given[:, 1], "identity": identity, "coverage": coverage}, schema_overrides=SCHEMA
    ).filter(config.wants(identity, coverage))


def in_parts(
    work: Callable[[Search, Piece], pl.DataFrame],
    group: Sequence[Shard],
    piece: Callable[[Shard], Piece],
    folder: Path | None,
    *,
    shared: Shared[Search],
) -> Generator[pl.DataFrame, None, None]:
    """Yield the part of each shard of a group: that of `folder` if it is there, else what `work` finds, which is kept.

    piece: what is sent for a shard, asked for shortly before. Close it early, and work that has begun is cancelled.
    """
    paths = [None if folder is None else folder / f"{shard.ranks.start}.parquet" for shard in group]
    parts = [None if path is None else read_part(path) for path in paths]
    missing = (piece(shard) for shard, part in zip(group, parts, strict=True) if part is None)
    needs = Needs(at_once=shared.here.config.threads)
    with map_shards(work, missing, shared=shared, needs=needs) as made:
        for path, part in zip(paths, parts, strict=True):
            if part is None:
                part = next(made)
                if path is not None:
                    write_part(part, path)
            yield part


def write_part(frame: pl.DataFrame, path: Path) -> None:
    """Keep a finished part of a search, with its digest."""
    with new_part(path) as temporary:
        frame.write_parquet(temporary)


def read_part(path: Path) -> pl.DataFrame | None:
    """Return a part that `write_part` kept; None if there is none, or it is damaged and has to be made again.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "0.parquet"
    >>> write_part(pl.DataFrame({"a": [1]}), path)
    >>> read_part(path).rows()
    [(1,)]
    """
    if is_whole(path):
        return pl.read_parquet(path)
    if path.exists():
        _log.warning("%s is damaged and made again", path)
    return None


def fingerprint(sequences: Sequence[str], config: HomologyConfig) -> str:
    """Return a hash that only the same sequences and thresholds share."""
    digest = hashlib.blake2b(VERSION, digest_size=8)
    digest.update(repr((config.min_identity, config.max_identity, config.coverage)).encode())
    for sequence in sequences:
        digest.update(sequence.encode() + b"\n")
    return digest.hexdigest()
