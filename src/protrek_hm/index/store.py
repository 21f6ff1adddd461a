"""An index, opened: its files stay on disk, and what is asked for is read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Bool, Float, Int

from protrek_hm.config import Modality, require
from protrek_hm.errors import OptionError
from protrek_hm.index.engines import engine_over, open_engine
from protrek_hm.index.fanout import Asked, LocalParts, ShardedLists, ShardedVectors, starts_of
from protrek_hm.index.layout import (
    CHEAP,
    MEANING,
    IndexInfo,
    Manifest,
    damaged_files,
    read_manifest,
    refuse_damaged,
    unchanged,
)
from protrek_hm.index.nearest import Engine, ExactEngine, Nearest
from protrek_hm.index.records import rows_of_ids, rows_where
from protrek_hm.index.relatives import Relatives
from protrek_hm.index.segments import Embeddings, kept_rows, open_rows, read_meaning, read_records, read_segments
from protrek_hm.index.words import Words

SAMPLE = 2_000
_BLOCK = 16_384
_LENGTH_ERROR = 1e-3


@dataclass(frozen=True)
class Index:
    """A table of proteins and, for each modality, its vectors.

    It stays what it was when it was opened, whatever others add or remove meanwhile. Row numbers are those of
    `records`.

    Examples
    --------
    >>> info = IndexInfo("m", None, "hash", 2, {"records": 3, "sequence": 2})
    >>> records = pl.DataFrame({"id": ["P1", "P2", "P3"], "sequence": ["MKV", "MA", "MKV"]})
    >>> held = Embeddings(np.array([[1, 0], [0.6, 0.8]], dtype=np.float32), np.array([0, 1, 0]))
    >>> index = Index(info, records, {"sequence": held})
    >>> cosines, rows = index.nearest(np.array([[0, 1]], dtype=np.float32), want="sequence", k=4, where="length < 9")
    >>> cosines.round(6).tolist(), rows.tolist()
    ([[0.8, 0.0, 0.0, nan]], [[1, 0, 2, -1]])
    >>> index.take(index.find(["P3"]))["sequence"].to_list(), index.vectors("sequence", np.array([2])).tolist()
    (['MKV'], [[1.0, 0.0]])
    """

    info: IndexInfo
    records: pl.DataFrame
    embeddings: Mapping[Modality, Embeddings]
    engines: Mapping[Modality, Engine] = field(default_factory=dict)
    words: Words | None = None
    meaning: Embeddings | None = None
    relatives: Relatives | None = None

    @classmethod
    def open(cls, folder: Path, asked: Asked | None = None) -> "Index":
        """Open the index `folder`: the table, vectors and engines are mapped, not read.

        asked: who asks the shards of an index that was split; None: they are opened here.

        Raises
        ------
        MissingFileError
            If there is no such folder, or a file is missing in it.
        FileFormatError
            If it is not an index, of another format version, or damaged.
        """
        return unchanged(folder, lambda: cls._open(folder, read_manifest(folder), asked))

    @classmethod
    def _open(cls, folder: Path, manifest: Manifest, asked: Asked | None) -> "Index":
        refuse_damaged(folder, manifest, largest=CHEAP)
        if manifest.shards:
            return cls._open_shards(folder, manifest, asked or LocalParts.open(folder, manifest))
        records, every = read_segments(folder, manifest)
        embeddings = {modality: held for modality, held in every.items() if modality in manifest.info.counts}
        engines: dict[Modality, Engine] = {}
        for modality in embeddings:
            if modality in manifest.engines:
                engines[modality] = open_engine(folder, manifest.engines[modality])
        beside = _open_beside(folder, manifest, kept_rows(folder, manifest))
        return cls(manifest.info, records, embeddings, engines, meaning=read_meaning(folder, manifest), **beside)

    @classmethod
    def _open_shards(cls, folder: Path, manifest: Manifest, asked: Asked) -> "Index":
        """Open an index that was split: table, words and numbers here, vectors where the shards are."""
        tables = [read_records(folder / each.name, read_manifest(folder / each.name)) for each in manifest.shards]
        records = pl.concat(tables, how="vertical", rechunk=False)
        held: dict[str, Embeddings] = {}
        common = folder / (manifest.common or "")
        for kind in {kind: None for each in manifest.shards for kind in each.vectors}:
            dimension = manifest.info.reader_dimension if kind == MEANING else manifest.info.dimension
            vectors = ShardedVectors(kind, starts_of(manifest, kind), dimension or 0, asked)
            held[kind] = Embeddings(vectors, open_rows(common / f"{kind}.rows.npy", len(records), len(vectors)))
        embeddings: dict[Modality, Embeddings] = {each: held[each] for each in manifest.info.modalities}
        engines: dict[Modality, Engine] = {}
        for modality, each in embeddings.items():
            if modality in manifest.engines and isinstance(each.vectors, ShardedVectors):
                engines[modality] = engine_over(ShardedLists(each.vectors), manifest.engines[modality])
        every = np.ones(len(records), dtype=bool)
        beside = _open_beside(folder, manifest, every)
        return cls(manifest.info, records, embeddings, engines, meaning=held.get(MEANING), **beside)

    def nearest(
        self,
        queries: Float[np.ndarray, "queries dim"],
        *,
        want: Modality,
        k: int,
        where: str | Bool[np.ndarray, " rows"] | None = None,
    ) -> tuple[Float[np.ndarray, "queries k"], Int[np.ndarray, "queries k"]]:
        """Find the records nearest to each query: unit vectors in, cosines and rows out.

        A protein with several rows is one answer, and so is a text that several proteins share: the first row
        stands for it.

        Parameters
        ----------
        queries
            Unit vectors, float32.
        where
            Only records that meet this condition, see `records.rows_where`; or which ones, as it returns them.

        Returns
        -------
        Cosines in [-1, 1], highest first, equal ones in the order of the table, and rows; NaN and -1 where there
        are fewer than `k`.

        Raises
        ------
        OptionError
            If k < 1, the index has no such modality, or `where` is no condition on its columns.
        """
        return self.neighbours(queries, want=want, k=k, where=where)[:2]

    def neighbours(
        self,
        queries: Float[np.ndarray, "queries dim"],
        *,
        want: Modality,
        k: int,
        where: str | Bool[np.ndarray, " rows"] | None = None,
    ) -> Nearest:
        """Find the same as `nearest`, and say for which queries an engine chose what was compared."""
        self.check(want=want, k=k)
        embeddings = self.embeddings[want]
        allowed = rows_where(self.records, where) if isinstance(where, str) else where
        engine = self.engines.get(want, ExactEngine())
        exact = isinstance(engine, ExactEngine)  # others break ties by the numbers of vectors
        only = embeddings.in_order_of_rows(allowed) if exact else embeddings.vectors_of(allowed)
        near = engine.nearest(queries, embeddings.vectors, k=k, only=only)
        return Nearest(*self._answers(near.cosines, near.found, want=want, k=k, allowed=allowed), near.exact)

    def exactly(self) -> "Index":
        """Return this index without its engines: a search compares every vector."""
        return replace(self, engines={})

    def without(self, shards: frozenset[int]) -> "Index":
        """Return this index as if the vectors in some of its shards were not there; rows, words and counts stay."""

        def left(held: Embeddings) -> Embeddings:
            if not isinstance(held.vectors, ShardedVectors):
                return held
            gone = np.isin(held.vectors.owners(held.of_row), list(shards))
            return Embeddings(held.vectors, np.where(gone, -1, held.of_row))

        embeddings = {modality: left(held) for modality, held in self.embeddings.items()}
        return replace(self, embeddings=embeddings, meaning=self.meaning and left(self.meaning))

    def check(self, *, want: Modality, k: int) -> None:
        """Raise OptionError if the index has no such modality, or k < 1."""
        require("k", k, "must be at least 1", holds=k >= 1)
        held = ", ".join(self.embeddings)
        remedy = f"this index holds {held}; build one from a table with a column {want!r}"
        require("want", want, remedy, holds=want in self.embeddings)

    def _answers(
        self,
        cosines: Float[np.ndarray, "queries some"],
        found: Int[np.ndarray, "queries some"],
        *,
        want: Modality,
        k: int,
        allowed: Bool[np.ndarray, " rows"] | None,
    ) -> tuple[Float[np.ndarray, "queries k"], Int[np.ndarray, "queries k"]]:
        """Replace vectors by the rows that answer."""
        embeddings = self.embeddings[want]
        best = np.full((len(found), k), np.nan)
        rows = np.full((len(found), k), -1, dtype=np.int64)
        real = np.where(found >= 0, found, found.max(initial=0))
        best[:, : found.shape[1]] = cosines
        rows[:, : found.shape[1]] = np.where(found >= 0, embeddings.first_rows(real), -1)
        several = np.flatnonzero((embeddings.row_counts(real) > 1).any(axis=1))
        # equal vectors come in the order of their first rows: the k best rows are among those of the k best vectors
        answers = {
            vector: self._rows_of(vector, want=want, k=k, allowed=allowed)
            for vector in np.unique(real[several]).tolist()
        }
        for i in several.tolist():
            best[i], rows[i] = np.nan, -1
            scored = [
                (-cosine, row)
                for cosine, vector in zip(cosines[i].tolist(), found[i].tolist(), strict=True)
                if vector >= 0
                for row in answers[vector]
            ]
            for place, (negated, row) in enumerate(sorted(scored)[:k]):
                best[i, place], rows[i, place] = -negated, row
        order = np.lexsort((rows, -best))
        return np.take_along_axis(best, order, axis=1), np.take_along_axis(rows, order, axis=1)

    def _rows_of(self, vector: int, *, want: Modality, k: int, allowed: Bool[np.ndarray, " rows"] | None) -> list[int]:
        rows = self.embeddings[want].rows_of(vector)
        if allowed is not None:
            rows = rows[allowed[rows]]
        if want == "text":
            return list(map(int, rows[:1]))
        if len(rows) > 1:
            names = self.records["id"].gather(rows)
            rows = rows[names.is_first_distinct().to_numpy()]
        return list(map(int, rows[:k]))

    def take(self, rows: Int[np.ndarray, " n"]) -> pl.DataFrame:
        """Return the records of these rows, in that order, all columns."""
        return self.records[np.asarray(rows, dtype=np.int64)]

    def find(self, ids: Sequence[str]) -> Int[np.ndarray, " n"]:
        """Return the first row of each id; raises OptionError naming one that is not there, and similar ones."""
        return rows_of_ids(self.records, ids)

    def vectors(self, want: Modality, rows: Int[np.ndarray, " n"]) -> Float[np.ndarray, "n dim"]:
        """Return the unit vectors of these rows.

        Raises
        ------
        OptionError
            If a row has none of this modality.
        """
        numbers = self.embeddings[want].of_row[rows]
        bad = np.flatnonzero(numbers < 0)
        if len(bad):
            name = self.records["id"][int(np.asarray(rows)[bad[0]])]
            raise OptionError("id", name, f"this record has no {want}; leave it out")
        return np.asarray(self.embeddings[want].vectors[numbers])

    def sample(self, want: Modality) -> Float[np.ndarray, "n dim"]:
        """Return a random sample of at most 2,000 distinct vectors, the same at every call: a background."""
        return sample_of(self.embeddings[want])


def _open_beside(folder: Path, manifest: Manifest, kept: Bool[np.ndarray, " all"]) -> dict[str, Any]:
    """Open what lies beside the segments: words, and relatives."""
    return {
        "words": Words.open(folder / manifest.words, kept) if manifest.words else None,
        "relatives": Relatives.open(folder / manifest.relatives, kept) if manifest.relatives else None,
    }


def sample_of(embeddings: Embeddings) -> Float[np.ndarray, "n dim"]:
    """Draw at most 2,000 of the vectors that are used, the same at every call."""
    used = np.arange(len(embeddings.vectors)) if embeddings.used is None else embeddings.used
    chosen = np.random.default_rng(0).choice(used, min(SAMPLE, len(used)), replace=False)
    return np.asarray(embeddings.vectors[np.sort(chosen)])


def check_index(folder: Path) -> list[str]:
    """Read all files of an index, and say what is wrong with them, a sentence each; none if it is as it was written.

    Raises
    ------
    MissingFileError, FileFormatError
        If it cannot be opened at all.
    """
    manifest = read_manifest(folder)
    if manifest.shards:
        own = [f"{name}: damaged (not as it was written)" for name in damaged_files(folder, manifest)]
        shards = [(each.name, problem) for each in manifest.shards for problem in check_index(folder / each.name)]
        return own + [f"{name}: {problem}" for name, problem in shards]
    problems = [f"{name}: damaged (not as it was written)" for name in damaged_files(folder, manifest)]
    if not manifest.digests:
        problems.append("an index of an earlier format, without digests: protrek-hm index compact writes them")
    if problems:
        return problems
    index = Index.open(folder)
    every: dict[str, Embeddings] = {str(modality): held for modality, held in index.embeddings.items()}
    if index.meaning is not None:
        every[MEANING] = index.meaning
    for modality, held in every.items():
        for start in range(0, len(held.vectors), _BLOCK):
            lengths = np.linalg.norm(held.vectors[start : start + _BLOCK].astype(np.float64), axis=1)
            for number in np.flatnonzero(~(np.abs(lengths - 1) <= _LENGTH_ERROR))[:1].tolist():
                problems.append(f"{modality}: vector {start + number} has the length {lengths[number]:.3g}, not 1")
    return problems
