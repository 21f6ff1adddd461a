"""Databases as ProTrek ships them: `sequence.index`, a FAISS index, and `ids.tsv` with id, sequence and length.

Large ones are several such folders in one. Texts have no place in this form.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Float, Int

from protrek_hm.config import Modality, OnBadRecord
from protrek_hm.errors import FileFormatError, MissingFileError, NothingFoundError, OutputError
from protrek_hm.files import new_folder
from protrek_hm.index.build import Made, write_index
from protrek_hm.index.encoder import NamedModel
from protrek_hm.index.exchange import check_dimensions, checked_records, unit
from protrek_hm.index.layout import IndexInfo, path_from, read_manifest, refuse_damaged
from protrek_hm.index.segments import NewVectors, number_distinct
from protrek_hm.index.store import Index

IDS = "ids.tsv"
KINDS: tuple[Modality, ...] = ("sequence", "structure")
_ROWS = 16_384
_REMEDY = "encode the proteins anew with protrek-hm index build"


def export_faiss(folder: Path, output: Path, *, force: bool = False) -> int:
    """Write the proteins of an index as ProTrek's demo reads them: flat indexes, which it searches exactly.

    Proteins without a structure are left out of the folder if the index has structures: both share `ids.tsv`.
    All vectors are in memory meanwhile.

    Returns
    -------
    How many proteins were written.

    Raises
    ------
    NothingFoundError
        If the index has texts alone.
    OutputExistsError, OutputError
        If `output` exists (without `force`) or cannot be written.
    """
    import faiss

    refuse_damaged(folder, read_manifest(folder))
    index = Index.open(folder)
    kinds = [kind for kind in KINDS if kind in index.embeddings]
    kept = index.records["id"].is_first_distinct().to_numpy().copy()
    for kind in kinds:
        kept &= np.asarray(index.embeddings[kind].of_row) >= 0
    rows = np.flatnonzero(kept)
    if not kinds or not len(rows):
        raise NothingFoundError(f"{folder}: holds no proteins with vectors; export it as Parquet")
    with new_folder(output, force=force, inputs=[folder]) as temporary:
        names = index.take(rows).select("id", "sequence", length=pl.col("sequence").str.len_bytes())
        names.write_csv(temporary / IDS, separator="\t", include_header=False, quote_style="never")
        for kind in kinds:
            flat = faiss.IndexFlatIP(index.info.dimension)
            for start in range(0, len(rows), _ROWS):
                flat.add(np.ascontiguousarray(index.vectors(kind, rows[start : start + _ROWS])))
            try:
                faiss.write_index(flat, str(temporary / f"{kind}.index"))
            except RuntimeError as error:
                raise OutputError(output, str(error)[:100]) from None
    return len(rows)


def import_faiss(
    source: Path, output: Path, *, model: NamedModel, on_bad_record: OnBadRecord = "error", force: bool = False
) -> IndexInfo:
    """Make an index of a folder as ProTrek ships it, or of a folder of such folders; nothing is encoded.

    Parameters
    ----------
    source
        Its FAISS indexes must hold the vectors themselves (Flat, inverted lists or HNSW of Flat), not compressed ones,
        whose cosines would pass for exact. Which metric they search by plays no part; vectors are brought to length 1.
    model
        The model that made the vectors: the files do not say it.
    on_bad_record
        "error" raises on the first record that `read_proteins` would refuse, "skip" leaves such records out.

    Raises
    ------
    MissingFileError, FileFormatError
        If a file is missing, damaged, does not fit the others, or holds no vectors that can be taken out.
    RecordError
        On a bad record; it names the line.
    ModelError
        If the model gives vectors of another length.
    """
    folders = [source] if (source / IDS).is_file() else sorted(each.parent for each in source.glob(f"*/{IDS}"))
    if not folders:
        raise MissingFileError(source / IDS, "give a folder with sequence.index and ids.tsv")
    kinds = [kind for kind in KINDS if any((folder / f"{kind}.index").is_file() for folder in folders)] or KINDS[:1]
    parts = [_Part.read(folder, kinds, on_bad_record) for folder in folders]
    records = pl.concat([part.records for part in parts])
    several = (
        records.group_by("id", maintain_order=True).agg(pl.col("sequence").n_unique()).filter(pl.col("sequence") > 1)
    )
    if len(several):
        problem = f"{several['id'][0]} has another sequence in another folder"
        raise FileFormatError(source, problem, "give each protein its own id")
    new = {str(kind): _new_vectors(parts, records, kind) for kind in kinds}
    check_dimensions(new, source, model)
    made = Made(model.name, path_from(output, Path(model.name)), model.sha256, "float32")
    paths = [path for folder in folders for path in (folder / IDS, *(folder / f"{kind}.index" for kind in kinds))]
    return write_index(output, records, new, made, sources=paths, force=force)


@dataclass(frozen=True)
class _Part:
    """One folder: its good records, the numbers of their lines from 0, and its FAISS indexes."""

    folder: Path
    records: pl.DataFrame
    lines: Int[np.ndarray, " records"]
    indexes: Mapping[Modality, Any]

    @classmethod
    def read(cls, folder: Path, kinds: Sequence[Modality], on_bad_record: OnBadRecord) -> "_Part":
        table = _read_ids(folder / IDS)
        indexes = {kind: _open(folder / f"{kind}.index", len(table)) for kind in kinds}
        return cls(folder, *checked_records(table, folder / IDS, on_bad_record), indexes)


def _read_ids(path: Path) -> pl.DataFrame:
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except UnicodeDecodeError:
        raise FileFormatError(path, "not a text file", "get it again") from None
    rows = [line.removesuffix("\r").split("\t") for line in (lines if lines[-1] else lines[:-1])]
    short = next((number for number, row in enumerate(rows, start=1) if len(row) < 2), None)
    if short is not None:
        raise FileFormatError(path, f"line {short} has no sequence", "write id, sequence and length, with tabs between")
    columns = {"id": [row[0] for row in rows], "sequence": [row[1] for row in rows]}
    return pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String)).with_columns(text=pl.lit(None, pl.String))


def _new_vectors(parts: Sequence[_Part], records: pl.DataFrame, kind: Modality) -> NewVectors:
    """Take the vector of each distinct sequence (or, for structures, of each record)."""
    [width, *others] = dict.fromkeys(part.indexes[kind].d for part in parts)
    if others:
        path = next(part.folder for part in parts if part.indexes[kind].d != width) / f"{kind}.index"
        raise FileFormatError(
            path, f"vectors of {others[0]} numbers, and {width} in the folders before", "get it again"
        )
    of_row = np.arange(len(records))
    if kind == "sequence":
        of_row = number_distinct(records["sequence"].to_list())[1]
    first = np.sort(np.unique(of_row, return_index=True)[1])
    return NewVectors(len(first), width, _read_vectors(parts, kind, first), of_row)


def _open(path: Path, lines: int) -> Any:
    import faiss

    if not path.is_file():
        raise MissingFileError(path, "give a folder with sequence.index and ids.tsv, each folder the same")
    try:
        index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP)
    except (RuntimeError, MemoryError) as error:
        problem = f"not a whole FAISS index of float vectors ({str(error)[:100]})"
        raise FileFormatError(path, problem, "get it again") from None
    if index.ntotal != lines:
        raise FileFormatError(path, f"{index.ntotal} vectors for {lines} lines of {IDS}", "get both again")
    held = _with_vectors(index, path)
    if held is not index:
        held.referenced_objects = [index]  # which owns it
    return held


def _with_vectors(index: Any, path: Path) -> Any:
    """Return the part of an index that holds the vectors themselves, in order.

    Others are never asked: where FAISS cannot give a vector back, it ends the whole process.
    """
    import faiss

    if isinstance(index, faiss.IndexFlat):
        return index
    if type(index) is faiss.IndexIVFFlat:
        try:
            index.make_direct_map()
        except RuntimeError:
            problem = "its vectors bear numbers of their own"
        else:
            if (faiss.vector_to_array(index.direct_map.array) >= 0).all():
                return index
            problem = "some of its vectors bear one number"
        raise FileFormatError(path, problem, _REMEDY)
    if isinstance(index, faiss.IndexHNSWFlat):
        return _with_vectors(faiss.downcast_index(index.storage), path)
    if isinstance(index, faiss.IndexIDMap):
        if (faiss.vector_to_array(index.id_map) == np.arange(index.ntotal)).all():
            return _with_vectors(faiss.downcast_index(index.index), path)
        raise FileFormatError(path, "its vectors bear numbers of their own", _REMEDY)
    problem = f"a {type(index).__name__}, from which the vectors cannot be taken as they were"
    raise FileFormatError(path, problem, _REMEDY)


def _read_vectors(
    parts: Sequence[_Part], kind: Modality, first: Int[np.ndarray, " some"]
) -> Iterator[Float[np.ndarray, "some dim"]]:
    base = 0
    for part in parts:
        index, path = part.indexes[kind], part.folder / f"{kind}.index"
        low, high = np.searchsorted(first, [base, base + len(part.records)])
        wanted = part.lines[first[low:high] - base]
        for start in range(0, index.ntotal, _ROWS):
            size = min(_ROWS, index.ntotal - start)
            low, high = np.searchsorted(wanted, [start, start + size])
            if low < high:
                found = index.reconstruct_n(start, size)[wanted[low:high] - start]
                yield unit(found, path, (wanted[low:high] + 1).tolist())
        base += len(part.records)
