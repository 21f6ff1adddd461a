"""The proteins as the miner works on them: distinct sequences with one or several texts, and which are homologous."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from jaxtyping import Int

from protrek_hm.data.schema import require_polars
from protrek_hm.data.texts import EVIDENCE, UNTOLD, fold_text
from protrek_hm.deadline import Progress
from protrek_hm.errors import NothingFoundError
from protrek_hm.homology import HomologyConfig, connected_components, find_families, find_homologs
from protrek_hm.homology.homologs import VERSION, read_part, thin_out, write_part
from protrek_hm.mine.config import MineConfig


@dataclass(frozen=True)
class Corpus:
    """Distinct sequences in the order of the file, and their texts.

    entries: the rows that have a text, one for each distinct text of a sequence, with all columns of the
    input and `protein`, the number of the sequence. offsets: entries `offsets[p]` to `offsets[p + 1]` belong
    to protein p. rows, without_text: rows read, and rows left out because they have no text.
    """

    sequences: list[str]
    entries: pl.DataFrame
    offsets: Int[np.ndarray, " proteins_plus_1"]
    rows: int
    without_text: int

    def first_entries(self) -> Int[np.ndarray, " proteins"]:
        """Return each protein's first entry."""
        return self.offsets[:-1]


def build_corpus(proteins: pl.DataFrame) -> Corpus:
    """Join rows with the same sequence into one protein, texts that differ only in form into one.

    proteins: columns `id`, `sequence`, `text` (may be null), and any others.

    Raises
    ------
    NothingFoundError
        If fewer than two distinct sequences have a text: there is no pair to look at.

    Examples
    --------
    >>> table = pl.DataFrame(
    ...     {"id": list("abcd"), "sequence": ["MK", "MK", "MR", "MV"], "text": ["Red.", "red", "Blue.", None]}
    ... )
    >>> corpus = build_corpus(table)
    >>> corpus.sequences, corpus.entries["id"].to_list(), corpus.without_text
    (['MK', 'MR'], ['a', 'c'], 1)
    """
    require_polars("proteins", proteins)
    told = proteins.filter(pl.col("text").str.strip_chars().str.len_chars() > 0)
    if told.is_empty():
        raise NothingFoundError(
            f"{proteins.height:,} records, none with a text: give texts, or say which column holds them with "
            "--column text=NAME"
        )
    told = told.with_columns(folded=pl.Series([fold_text(text) for text in told["text"]], dtype=pl.String))
    if EVIDENCE in told.columns:  # of rows that become one, all that is known
        evidence = pl.col(EVIDENCE)
        joined = pl.when(evidence.is_not_null().any()).then(evidence.fill_null(UNTOLD).str.join("; "))
        told = told.with_columns(joined.over("sequence", "folded").alias(EVIDENCE))
    entries = told.unique(["sequence", "folded"], keep="first", maintain_order=True).drop("folded")
    order = entries.unique("sequence", keep="first", maintain_order=True).select("sequence")
    entries = (
        entries.join(order.with_row_index("protein"), on="sequence", how="left", maintain_order="left")
        .with_columns(pl.col("protein").cast(pl.Int64))
        .sort("protein", maintain_order=True)
    )
    if order.height < 2:
        raise NothingFoundError(
            f"{proteins.height} records hold {proteins['sequence'].n_unique()} distinct sequences, "
            f"{order.height} of them with a text; a twin takes two proteins with texts: give more"
        )
    counts = np.bincount(entries["protein"].to_numpy(), minlength=order.height)
    return Corpus(
        sequences=order["sequence"].to_list(),
        entries=entries,
        offsets=np.concatenate([[0], np.cumsum(counts)]),
        rows=proteins.height,
        without_text=proteins.height - told.height,
    )


def expand_pairs(
    corpus: Corpus, a: Int[np.ndarray, " pairs"], b: Int[np.ndarray, " pairs"]
) -> tuple[Int[np.ndarray, " wide"], Int[np.ndarray, " wide"], Int[np.ndarray, " wide"]]:
    """Return every combination of an entry of protein `a` with one of `b`: pair number, left and right entry.

    Sorted by pair, then left, then right.
    """
    counts = np.diff(corpus.offsets)
    many = counts[a] * counts[b]
    pair = np.repeat(np.arange(len(a)), many)
    place = np.arange(len(pair)) - np.repeat(np.cumsum(many) - many, many)
    left = corpus.offsets[a[pair]] + place // counts[b[pair]]
    right = corpus.offsets[b[pair]] + place % counts[b[pair]]
    return pair, left, right


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
        found: Families = find_families(
            self._sequences, settings, known=_ends(self.pairs), work_dir=self._work_dir, progress=self._progress
        )
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
