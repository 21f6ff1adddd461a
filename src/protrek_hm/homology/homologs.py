"""All pairs of proteins whose exact identity lies in a range."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import polars as pl
from jaxtyping import Int
from rapidfuzz import process
from rapidfuzz.distance import Levenshtein

from protrek_hm.homology.config import HomologyConfig
from protrek_hm.homology.identity import identities

BLOCK = 500


class Progress(Protocol):
    """What a caller gives to be told how far the work is."""

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Take note that `done` of `total` steps of `stage` are over."""


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
        Distinct proteins, upper case.
    config
        Thresholds and threads.
    work_dir
        Where finished shards are kept, so that an interrupted run continues.
    progress
        Called as `progress(stage, done, total)`.

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
    threads = config.threads or os.cpu_count() or 1
    shards = []
    for start in range(0, len(sequences), BLOCK):
        pairs = _alike(sequences, start, 1 - _furthest(config), threads)
        identity, coverage = identities(sequences, pairs, threads=threads)
        shard = pl.DataFrame({"a": pairs[:, 0], "b": pairs[:, 1], "identity": identity, "coverage": coverage})
        shards.append(
            shard.filter(
                pl.col("identity").is_between(config.min_identity, config.max_identity),
                pl.col("coverage") >= config.coverage,
            )
        )
        if progress is not None:
            progress("pairs", min(start + BLOCK, len(sequences)), len(sequences))
    schema = {"a": pl.UInt32, "b": pl.UInt32, "identity": pl.Float64, "coverage": pl.Float64}
    return pl.concat([pl.DataFrame(schema=schema), *(shard.cast(schema) for shard in shards)])  # type: ignore[arg-type]


def _furthest(config: HomologyConfig) -> float:
    """Return the largest Levenshtein distance ÷ longer length that a wanted pair can have.

    With m identical columns of L and n aligned ones, m ≥ t·L, n ≥ m and L = la + lb − n give
    n ≥ t(la + lb)/(1 + t), so L ≤ (la + lb)/(1 + t). The alignment is one way to edit a into b, hence the
    distance is ≤ (1 − t)·L ≤ 2(1 − t)/(1 + t) of the longer length.
    """
    return 2 * (1 - config.min_identity) / (1 + config.min_identity)


def _alike(sequences: Sequence[str], start: int, least: float, threads: int) -> Int[np.ndarray, "pairs 2"]:
    likeness = process.cdist(
        sequences[start : start + BLOCK],
        sequences[start:],
        scorer=Levenshtein.normalized_similarity,
        score_cutoff=max(least - 1e-6, 0),
        workers=threads,
        dtype=np.float32,
    )
    a, b = np.nonzero((likeness >= least - 1e-6) & (likeness > 0))
    pairs = np.stack([a, b], axis=1)[a < b] + start
    return pairs
