"""Databases as ProTrek ships them: `sequence.index`, a FAISS index, and `ids.tsv` with id, sequence and length.

Large ones are several such folders in one. Texts have no place in this form.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Float, Int

from protrek_hm.errors import FileFormatError, MissingFileError, NothingFoundError, OutputError
from protrek_hm.files import new_folder
from protrek_hm.index.build import Made, path_from, write_index
from protrek_hm.index.embeddings import number_distinct
from protrek_hm.index.exchange import unit
from protrek_hm.index.layout import IndexInfo, Modality
from protrek_hm.index.model import NamedModel
from protrek_hm.index.segments import NewVectors
from protrek_hm.index.store import Index

IDS = "ids.tsv"
KINDS: tuple[Modality, ...] = ("sequence", "structure")
_ROWS = 16_384


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


def import_faiss(source: Path, output: Path, *, model: NamedModel, force: bool = False) -> IndexInfo:
    """Make an index of a folder as ProTrek ships it, or of a folder of such folders; nothing is encoded.

    Parameters
    ----------
    model
        The model that made the vectors: the files do not say it.

    Raises
    ------
    MissingFileError, FileFormatError
        If a file is missing, damaged, or does not fit the others.
    """
    folders = [source] if (source / IDS).is_file() else sorted(each.parent for each in source.glob(f"*/{IDS}"))
    if not folders:
        raise MissingFileError(source / IDS, "give a folder with sequence.index and ids.tsv")
    records = pl.concat([_read_ids(folder / IDS) for folder in folders])
    kinds = [kind for kind in KINDS if all((folder / f"{kind}.index").is_file() for folder in folders)]
    if not kinds:
        raise MissingFileError(folders[0] / "sequence.index", "give a folder with sequence.index and ids.tsv")
    new = {kind: _new_vectors([folder / f"{kind}.index" for folder in folders], records, kind) for kind in kinds}
    made = Made(model.name, path_from(output, Path(model.name)), model.sha256, "float32")
    paths = [path for folder in folders for path in (folder / IDS, *(folder / f"{kind}.index" for kind in kinds))]
    return write_index(output, records, new, made, sources=paths, force=force)


def _read_ids(path: Path) -> pl.DataFrame:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        raise FileFormatError(path, "not a text file", "get it again") from None
    rows = [line.split("\t") for line in lines]
    short = next((number for number, row in enumerate(rows, start=1) if len(row) < 2), None)
    if short is not None:
        raise FileFormatError(path, f"line {short} has no sequence", "write id, sequence and length, with tabs between")
    columns = {"id": [row[0] for row in rows], "sequence": [row[1].upper() for row in rows]}
    return pl.DataFrame(columns).with_columns(text=pl.lit(None, pl.String))


def _new_vectors(paths: Sequence[Path], records: pl.DataFrame, kind: Modality) -> NewVectors:
    """Take the vector of each distinct sequence (or, for structures, of each record)."""
    indexes = [_open(path) for path in paths]
    total, width = sum(each.ntotal for each in indexes), indexes[0].d
    if total != len(records):
        raise FileFormatError(paths[0], f"{total} vectors for {len(records)} lines of {IDS}", "get both again")
    if kind == "structure":
        of_row = np.arange(total)
    else:
        of_row = number_distinct(records["sequence"].to_list())[1]
    first = np.unique(of_row, return_index=True)[1]
    return NewVectors(len(first), width, _read_vectors(indexes, paths, np.sort(first)), of_row)


def _open(path: Path) -> Any:
    import faiss

    try:
        index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP)
    except RuntimeError as error:
        raise FileFormatError(path, f"not a whole FAISS index ({str(error)[:100]})", "get it again") from None
    if isinstance(index, faiss.IndexIVF):
        index.make_direct_map()
    return index


def _read_vectors(
    indexes: Sequence[Any], paths: Sequence[Path], first: Int[np.ndarray, " some"]
) -> Iterator[Float[np.ndarray, "some dim"]]:
    base = 0
    for index, path in zip(indexes, paths, strict=True):
        for start in range(0, index.ntotal, _ROWS):
            size = min(_ROWS, index.ntotal - start)
            low, high = np.searchsorted(first, [base + start, base + start + size])
            yield unit(index.reconstruct_n(start, size)[first[low:high] - base - start], path)
        base += index.ntotal
