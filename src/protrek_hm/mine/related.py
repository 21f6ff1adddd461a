"""Who looks alike, as far as the miner needs it: pairs in the range of twins, families below it when asked."""

import hashlib
from pathlib import Path

import numpy as np
import polars as pl
from jaxtyping import Int

from protrek_hm.deadline import Progress
from protrek_hm.homology import HomologyConfig, connected_components, find_families, find_homologs
from protrek_hm.homology.homologs import VERSION, read_part, thin_out, write_part
from protrek_hm.mine.config import MineConfig

Families = Int[np.ndarray, " proteins"]


class Related:
    """All pairs of `sequences` from `config.min_identity` on, and families at any identity.

    pairs: columns a, b, identity, coverage. work_dir: where finished parts are kept, so that an interrupted
    run continues.

    Examples
    --------
    >>> related = Related(["MKTAYIAKQR", "MKTAYIAKQW", "MKTAWWAKWW"], MineConfig(min_identity=0.9))
    >>> related.pairs.select("a", "b", "identity").rows()
    [(0, 1, 0.9)]
    >>> related.families(0.9).tolist(), related.families(0.7).tolist()
    ([0, 0, 1], [0, 0, 0])
    """

    def __init__(
        self,
        sequences: list[str],
        config: MineConfig,
        *,
        work_dir: Path | None = None,
        progress: Progress | None = None,
    ) -> None:
        self._sequences, self._config, self._work_dir, self._progress = sequences, config, work_dir, progress
        self._known: dict[float, Families] = {}
        self.pairs: pl.DataFrame = find_homologs(
            sequences, self._settings(config.min_identity), work_dir=work_dir, progress=progress
        )

    def twins(self) -> tuple[pl.DataFrame, int]:
        """Return the pairs in the range of identities, and how many `max_pairs_per_protein` left out."""
        inside = self.pairs.filter(pl.col("identity") <= self._config.max_identity)
        most = self._config.max_pairs_per_protein
        kept = inside if most is None else thin_out(inside, most)
        return kept, inside.height - kept.height

    def families(self, identity: float) -> Families:
        """Return the family of each protein, numbered from 0: chains of pairs from `identity` on, in [0.3, 1]."""
        if identity not in self._known:
            if identity >= self._config.min_identity:
                edges = self.pairs.filter(pl.col("identity") >= identity)
                self._known[identity] = connected_components(len(self._sequences), _ends(edges))
            else:
                self._known[identity] = self._search_families(identity)
        return self._known[identity]

    def _search_families(self, identity: float) -> Families:
        kept = None if self._work_dir is None else self._work_dir / f"families-{self._digest(identity)}.parquet"
        if kept is not None and (found_before := read_part(kept)) is not None:
            return found_before["family"].to_numpy()
        settings = self._settings(identity)
        found: Families = find_families(self._sequences, settings, known=_ends(self.pairs), progress=self._progress)
        if kept is not None:
            write_part(pl.DataFrame({"family": found}), kept)
        return found

    def _settings(self, identity: float) -> HomologyConfig:
        return HomologyConfig(
            min_identity=identity, max_identity=1.0, coverage=self._config.coverage, threads=self._config.threads
        )

    def _digest(self, identity: float) -> str:
        digest = hashlib.blake2b(VERSION + repr((identity, self._config.coverage)).encode(), digest_size=8)
        for sequence in self._sequences:
            digest.update(sequence.encode() + b"\n")
        return digest.hexdigest()


def _ends(pairs: pl.DataFrame) -> Int[np.ndarray, "pairs 2"]:
    return pairs.select("a", "b").to_numpy().astype(np.int64)
