"""Segments: records that were added together, with the vectors that nobody had before; and arrays on disk.

Vectors are numbered through all segments, and a later segment refers to the vectors of earlier ones where sequence or
text are the same. Segments never change; removed rows are listed beside them. Arrays are NumPy's own (`.npy`), without
pickles: pages that nobody asks for are never read, and several processes share those that are.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import Lock
from tokenize import TokenError
from typing import Protocol

import numpy as np
import polars as pl
from jaxtyping import Bool, Int, Shaped

from protrek_hm.config import Modality
from protrek_hm.errors import FileFormatError, MissingFileError
from protrek_hm.index.layout import MEANING, MODALITIES, REBUILD, Manifest, Segment
from protrek_hm.index.records import open_records, write_records


class Stack:
    """Vectors of several arrays, numbered through; only what is asked for is read.

    Examples
    --------
    >>> stack = Stack([np.array([[1, 0], [0, 1]]), np.array([[2, 2]])])
    >>> len(stack), stack.shape, stack[1:3].tolist(), stack[np.array([2, 0])].tolist()
    (3, (3, 2), [[0, 1], [2, 2]], [[2, 2], [1, 0]])
    """

    def __init__(self, parts: Sequence[Shaped[np.ndarray, "_ dim"]]) -> None:
        self.parts = tuple(parts)
        self.starts = np.cumsum([0, *map(len, self.parts)])
        self.shape = (int(self.starts[-1]), self.parts[0].shape[1])

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, which: "slice | Int[np.ndarray, ' n']") -> Shaped[np.ndarray, "_ dim"]:
        if isinstance(which, slice):
            start, stop, _ = which.indices(len(self))
            first, last = np.searchsorted(self.starts, [start, stop - 1], side="right") - 1
            if first == last < len(self.parts):
                return np.asarray(self.parts[first])[start - self.starts[first] : stop - self.starts[first]]
            which = np.arange(start, stop)
        owner = np.searchsorted(self.starts, which, side="right") - 1
        if len(self.parts) == 1:
            return np.asarray(self.parts[0])[which]
        found = np.empty((len(which), self.shape[1]), dtype=self.parts[0].dtype)
        order = np.argsort(owner, kind="stable")
        bounds = np.searchsorted(owner[order], np.arange(len(self.parts) + 1))
        for part in np.unique(owner):
            chosen = order[bounds[part] : bounds[part + 1]]
            found[chosen] = np.asarray(self.parts[part])[which[chosen] - self.starts[part]]
        return found


class FarVectors(Protocol):
    """Vectors that lie in shards, perhaps on other machines: they are compared there, and few come here."""

    @property
    def shape(self) -> tuple[int, int]:
        """How many there are, and of how many numbers."""
        ...

    def __len__(self) -> int: ...

    def __getitem__(self, which: "slice | Int[np.ndarray, ' n']") -> Shaped[np.ndarray, "_ dim"]: ...

    def nearest(
        self, queries: Shaped[np.ndarray, "queries dim"], *, k: int, only: Int[np.ndarray, " some"] | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Find the nearest as `nearest.nearest` does."""
        ...

    def nearest_proposed(
        self, queries: Shaped[np.ndarray, "queries dim"], proposed: Int[np.ndarray, "queries count"], *, k: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Find the nearest as `nearest.nearest_proposed` does."""
        ...


Vectors = np.ndarray | Stack | FarVectors
_PARSING = Lock()  # of NumPy's headers: two threads that have Python 3.11 parse at a time get a SystemError


def write_array(path: Path, shape: tuple[int, ...], dtype: str, blocks: Iterable[np.ndarray]) -> None:
    """Write `blocks`, one after the other, as one array; a full disk is an OSError, and nothing is kept in memory."""
    header = {"descr": np.lib.format.dtype_to_descr(np.dtype(dtype)), "fortran_order": False, "shape": shape}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for block in blocks:
            file.write(np.ascontiguousarray(block, dtype=dtype).data.cast("B"))
        file.flush()
        os.fsync(file.fileno())


def open_array(path: Path, shape: tuple[int, ...] | None, dtype: str) -> np.ndarray:
    """Map an array that must have this type, and this shape where one is given.

    Raises
    ------
    MissingFileError, FileFormatError
        If it is not there, cut off, or does not belong to this index.
    """
    try:
        with _PARSING:
            array: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise MissingFileError(path, REBUILD) from None
    except (ValueError, SyntaxError, TokenError, EOFError, OSError) as error:  # two of them from parsing the header
        raise FileFormatError(path, f"damaged or cut off ({error})", REBUILD) from None
    if array.shape != (shape or array.shape) or array.dtype != np.dtype(dtype):
        problem = f"holds {array.dtype} {array.shape}, not {np.dtype(dtype)} {shape}"
        raise FileFormatError(path, problem, REBUILD)
    return array


def open_rows(path: Path, records: int, vectors: int) -> Int[np.ndarray, " records"]:
    """Map what gives each record the number of its vector, -1 for none.

    Raises
    ------
    MissingFileError, FileFormatError
        As `open_array`, and if it names other vectors than the first `vectors`.
    """
    rows = open_array(path, (records,), "int64")
    if records and not -1 <= int(rows.min()) <= int(rows.max()) < vectors:
        raise FileFormatError(path, "names a vector that is not there", REBUILD)
    return rows


@dataclass(frozen=True)
class Embeddings:
    """Vectors in the order in which their inputs first appeared.

    Attributes
    ----------
    vectors
        Of length 1: an array, or a `Stack` of arrays on disk.
    of_row
        For each row of the table the number of its vector, -1 where it has none.

    Examples
    --------
    >>> held = Embeddings(np.eye(3, dtype=np.float32), np.array([0, 2, -1, 0]))
    >>> held.rows_of(0).tolist(), held.rows_of(1).tolist(), held.count
    ([0, 3], [], 2)
    >>> held.first_rows(np.array([0, 2])).tolist(), held.row_counts(np.array([0, 1, 2])).tolist()
    ([0, 1], [2, 0, 1])
    """

    vectors: Vectors
    of_row: Int[np.ndarray, " rows"]

    @cached_property
    def _order(self) -> Int[np.ndarray, " rows"]:
        return np.argsort(self.of_row, kind="stable")

    @cached_property
    def _starts(self) -> Int[np.ndarray, " vectors_plus_1"]:
        return np.searchsorted(self.of_row, np.arange(len(self.vectors) + 1), sorter=self._order)

    @cached_property
    def used(self) -> Int[np.ndarray, " used"] | None:
        """The vectors that rows refer to, ascending; None: all of them."""
        used = np.flatnonzero(np.diff(self._starts))
        return None if len(used) == len(self.vectors) else used

    @property
    def count(self) -> int:
        """How many vectors rows refer to."""
        return len(self.vectors) if self.used is None else len(self.used)

    def vectors_of(self, allowed: Bool[np.ndarray, " rows"] | None) -> Int[np.ndarray, " some"] | None:
        """Return the vectors that these rows refer to, or any row if None, ascending; None: all of them."""
        if allowed is None:
            return self.used
        of_row = self.of_row[allowed]
        return np.unique(of_row[of_row >= 0])

    def in_order_of_rows(self, allowed: Bool[np.ndarray, " rows"] | None) -> Int[np.ndarray, " some"] | None:
        """Return what `vectors_of` does, each at the place of the first of these rows that refers to it.

        That is another order where an earlier row was removed or replaced, or is not allowed.

        Examples
        --------
        >>> held = Embeddings(np.eye(2, dtype=np.float32), np.array([1, 0, 1]))
        >>> held.in_order_of_rows(None).tolist(), held.in_order_of_rows(np.array([False, True, True])).tolist()
        ([1, 0], [0, 1])
        """
        return self._ordered if allowed is None else order_of_use(self.of_row[allowed])

    @cached_property
    def _ordered(self) -> Int[np.ndarray, " used"] | None:
        ordered = order_of_use(self.of_row)
        return None if np.array_equal(ordered, np.arange(len(self.vectors))) else ordered

    def rows_of(self, vector: int) -> Int[np.ndarray, " some"]:
        """Return the rows of a vector, in order."""
        return self._order[self._starts[vector] : self._starts[vector + 1]]

    def first_rows(self, vectors: Int[np.ndarray, "*any"]) -> Int[np.ndarray, "*any"]:
        """Return the first row of each of these vectors, all of which are used."""
        return np.asarray(self._order[self._starts[vectors]])

    def row_counts(self, vectors: Int[np.ndarray, "*any"]) -> Int[np.ndarray, "*any"]:
        """Say how many rows each of these vectors belongs to."""
        return np.asarray(self._starts[vectors + 1] - self._starts[vectors])


def number_distinct(values: Sequence[str | None]) -> tuple[list[str], Int[np.ndarray, " rows"]]:
    """List the distinct values in order of first appearance, and say for each row which one it holds.

    Missing and empty values get -1.

    >>> distinct, of_row = number_distinct(["MKV", None, "MAA", "MKV", ""])
    >>> distinct, of_row.tolist()
    (['MKV', 'MAA'], [0, -1, 1, 0, -1])
    """
    numbers = {value: number for number, value in enumerate(dict.fromkeys(filter(None, values)))}
    of_row = [numbers[value] if value else -1 for value in values]
    return list(numbers), np.array(of_row, dtype=np.int64)


RECORDS = "records.arrow"
_BLOCK = 16_384


@dataclass(frozen=True)
class NewVectors:
    """What a segment adds of one modality.

    Attributes
    ----------
    count, dimension, blocks
        How many new vectors there are, of how many numbers, and they themselves in order, float32 of length 1.
    of_row
        For each record of the segment the number of its vector, counted through the whole index; -1: none.
    """

    count: int
    dimension: int
    blocks: Iterable[np.ndarray]
    of_row: Int[np.ndarray, " rows"]


def gather(held: Embeddings) -> NewVectors:
    """Take the vectors that rows refer to, in the order in which they do so first, numbered from 0."""
    ordered = order_of_use(held.of_row)
    place = np.full(len(held.vectors) + 1, -1, dtype=np.int64)
    place[ordered] = np.arange(len(ordered))
    blocks = (held.vectors[ordered[start : start + _BLOCK]] for start in range(0, len(ordered), _BLOCK))
    return NewVectors(len(ordered), held.vectors.shape[1], blocks, place[held.of_row])


def order_of_use(of_row: Int[np.ndarray, " rows"]) -> Int[np.ndarray, " used"]:
    """List the vectors that rows refer to, in the order in which they do so first.

    >>> order_of_use(np.array([4, -1, 2, 4])).tolist()
    [4, 2]
    """
    numbers, first = np.unique(of_row[of_row >= 0], return_index=True)
    return np.asarray(numbers[np.argsort(first, kind="stable")])


def write_segment(index: Path, name: str, records: pl.DataFrame, new: Mapping[str, NewVectors]) -> Segment:
    """Write the folder of a segment; `commit` makes it a part of the index."""
    folder = index / name
    folder.mkdir()
    write_records(records, folder / RECORDS)
    for kind, each in new.items():
        write_array(folder / f"{kind}.rows.npy", each.of_row.shape, "int64", [each.of_row])
        if each.count:
            write_array(folder / f"{kind}.vectors.npy", (each.count, each.dimension), "float32", each.blocks)
    return Segment(name, len(records), {kind: each.count for kind, each in new.items()})


def read_records(index: Path, manifest: Manifest) -> pl.DataFrame:
    """Map the records of all segments, the removed ones among them."""
    tables = [open_records(index / each.name / RECORDS, rows=each.records) for each in manifest.segments]
    return tables[0] if len(tables) == 1 else pl.concat(tables, how="diagonal", rechunk=False)


def kept_rows(index: Path, manifest: Manifest) -> Bool[np.ndarray, " rows"]:
    """Say which records of all segments are not removed."""
    kept = np.ones(sum(each.records for each in manifest.segments), dtype=bool)
    if manifest.removed is not None:
        kept[open_array(index / manifest.removed, None, "int64")] = False
    return kept


def read_segments(index: Path, manifest: Manifest) -> tuple[pl.DataFrame, dict[Modality, Embeddings]]:
    """Map the records and vectors of all segments, without the removed rows."""
    records = read_records(index, manifest)
    if manifest.removed is not None:
        records = records.filter(kept_rows(index, manifest))
    return records, read_embeddings(index, manifest)


def read_embeddings(index: Path, manifest: Manifest) -> dict[Modality, Embeddings]:
    """Map the vectors of all segments, without the removed rows."""
    found = {each: _read_vectors(index, manifest, each, manifest.info.dimension) for each in MODALITIES}
    return {modality: held for modality, held in found.items() if held is not None}


def read_meaning(index: Path, manifest: Manifest) -> Embeddings | None:
    """Map what the sentence encoder made of the texts, without the removed rows; None where it was not asked."""
    return _read_vectors(index, manifest, MEANING, manifest.info.reader_dimension or 0)


def _read_vectors(index: Path, manifest: Manifest, kind: str, dimension: int) -> Embeddings | None:
    if not any(segment.vectors.get(kind) for segment in manifest.segments):
        return None
    parts, rows, so_far = [], [], 0
    for segment in manifest.segments:
        folder, count = index / segment.name, segment.vectors.get(kind)
        if count:
            parts.append(open_array(folder / f"{kind}.vectors.npy", (count, dimension), "float32"))
            so_far += count
        missing = np.full(segment.records, -1, dtype=np.int64)
        rows.append(missing if count is None else open_rows(folder / f"{kind}.rows.npy", segment.records, so_far))
    of_row = rows[0] if len(rows) == 1 else np.concatenate(rows)
    kept = None if manifest.removed is None else kept_rows(index, manifest)
    return Embeddings(Stack(parts), of_row if kept is None else of_row[kept])
