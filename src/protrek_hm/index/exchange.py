"""An index as a Parquet file with embeddings, and back: a form that every tool reads.

The file holds a row for each record: all columns of the table, and `sequence_embedding`, `text_embedding` and
`structure_embedding` where the index has them. Its metadata (key `protrek_hm`, JSON) name the model.
"""

import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_args

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from jaxtyping import Bool, Float, Int

from protrek_hm.config import Modality, OnBadRecord
from protrek_hm.data.proteins import check_bad_records, check_table
from protrek_hm.data.tables import Table
from protrek_hm.errors import FileFormatError, MissingColumnError, MissingFileError, ModelError, OptionError
from protrek_hm.files import new_file, require_format
from protrek_hm.index.build import Made, write_index
from protrek_hm.index.encoder import NamedModel
from protrek_hm.index.layout import MODALITIES, IndexInfo, Precision, path_from, read_manifest, refuse_damaged
from protrek_hm.index.segments import NewVectors, number_distinct
from protrek_hm.index.store import Index
from protrek_hm.model.encoder import compare_fingerprints

METADATA = b"protrek_hm"
FORMAT_VERSION = 1
_ROWS = 8_192
_ROW = "\0row"  # a column, while records are checked, by a name that no file gives


def export_parquet(folder: Path, output: Path, *, force: bool = False) -> int:
    """Write the index `folder` as a Parquet file with embeddings, whole or not at all.

    Returns
    -------
    How many records were written.

    Raises
    ------
    OutputExistsError, OutputError
        If `output` exists (without `force`) or cannot be written.
    """
    refuse_damaged(folder, read_manifest(folder))
    index = Index.open(folder)
    model = Path(index.info.model_path or "")
    about = {
        "format_version": FORMAT_VERSION,
        "model": index.info.model,
        "model_path": index.info.model_path and os.path.relpath(folder.resolve() / model, output.resolve().parent),
        "model_sha256": index.info.model_sha256,
        "precision": index.info.precision,
    }
    with new_file(output, force=force) as temporary:
        writer = None
        for start in range(0, len(index.records), _ROWS):
            table = _with_embeddings(index, start)
            if writer is None:
                schema = table.schema.with_metadata({METADATA: json.dumps(about).encode()})
                writer = pq.ParquetWriter(temporary, schema)
            writer.write_table(table.replace_schema_metadata(schema.metadata))
        if writer is not None:
            writer.close()
    return len(index.records)


def _with_embeddings(index: Index, start: int) -> pa.Table:
    table = index.records[start : start + _ROWS].to_arrow()
    for modality, held in index.embeddings.items():
        of_row = held.of_row[start : start + _ROWS]
        flat = held.vectors[np.maximum(of_row, 0)].ravel()
        missing = pa.array(np.asarray(of_row) < 0)
        cells = pa.FixedSizeListArray.from_arrays(pa.array(flat), index.info.dimension, mask=missing)
        table = table.append_column(f"{modality}_embedding", cells)
    return table


def import_parquet(
    source: Path,
    output: Path,
    *,
    model: NamedModel | None = None,
    on_bad_record: OnBadRecord = "error",
    force: bool = False,
) -> IndexInfo:
    """Make an index of a Parquet file with embeddings; nothing is encoded.

    Parameters
    ----------
    source
        A file of `export_parquet`, or any with the columns `id`, `sequence` and at least one of `sequence_embedding`,
        `text_embedding`, `structure_embedding` (lists of numbers). Records are checked as `read_proteins` does. Vectors
        of one sequence, text or structure are taken from the first row that has one, and brought to length 1.
    model
        The model that made the embeddings, where the file does not say it.
    on_bad_record
        "error" raises on the first bad record, "skip" leaves bad records out, with their vectors.

    Raises
    ------
    MissingFileError, FileFormatError, MissingColumnError
        If the file is not there, damaged, lacks a column, or an embedding is of another length, no direction, or of a
        text that is not there.
    RecordError
        On a bad record; it names the row.
    OptionError, ModelError
        If nobody says which model made the embeddings, or the file says another one.
    """
    with _opened(source) as file:
        columns = file.schema_arrow.names
        held: list[Modality] = [each for each in MODALITIES if f"{each}_embedding" in columns]
        for column in ("id", "sequence", *([] if held else ["sequence_embedding"])):
            if column not in columns:
                raise MissingColumnError(source, column, columns, "write it with protrek-hm index export")
        twice = next((name for name, count in Counter(columns).items() if count > 1), None)
        if twice is not None:
            raise FileFormatError(source, f"two columns {twice!r}", "rename one, or leave it out")
        made = _made_by(file.schema_arrow.metadata or {}, source, output, model)
        embeddings = [f"{modality}_embedding" for modality in held]
        table = _table(file, [name for name in columns if name not in embeddings], source)
        records, rows = checked_records(table, source, on_bad_record)
        new = {str(modality): _new_vectors(file, records, rows, modality, source) for modality in held}
        check_dimensions(new, source, model)
        return write_index(output, records, new, made, sources=[source], force=force)


def checked_records(
    table: pl.DataFrame, source: Path, on_bad_record: OnBadRecord
) -> tuple[pl.DataFrame, Int[np.ndarray, " records"]]:
    """Check records as `read_proteins` does; return the good ones, and the numbers of their rows, from 0.

    Texts stay as their vectors were made of them, unless they say "nothing".

    Raises
    ------
    RecordError, FileFormatError
        On a bad record, if "skip" does not allow it, or if none is good.
    """
    numbered = table.with_row_index(_ROW)
    loaded = check_table(Table(numbered, lambda: range(1, len(table) + 1)), source)
    check_bad_records(loaded.bad, source, on_bad_record)
    rows = loaded.frame[_ROW].to_numpy().astype(np.int64)
    if not len(rows):
        raise FileFormatError(source, "no good record", "give a file with at least one")
    given = loaded.given["text"].gather(rows)
    text = pl.when(pl.col("text").is_not_null() | (pl.lit(given) == "")).then(pl.lit(given))
    return loaded.frame.drop(_ROW).with_columns(text=text), rows


def check_dimensions(new: Mapping[str, NewVectors], source: Path, model: NamedModel | None) -> None:
    """Raise FileFormatError or ModelError unless there are vectors, all as long as each other and the model's."""
    widths = {modality: each.dimension for modality, each in new.items() if each.count}
    if not widths:
        raise FileFormatError(source, "holds no embedding", "give one to a record at least")
    if len(set(widths.values())) > 1:
        told = ", ".join(f"{width} numbers in {modality}" for modality, width in widths.items())
        raise FileFormatError(source, f"embeddings of different lengths ({told})", "make them with one model")
    width = next(iter(widths.values()))
    if model is not None and model.dimension not in (None, width):
        problem = f"{source} holds embeddings of {width} numbers, and {model.name} gives {model.dimension}"
        raise ModelError(problem, "name the model that made them with -m")


@contextmanager
def _opened(source: Path) -> Iterator[pq.ParquetFile]:
    try:
        file = pq.ParquetFile(source)
    except FileNotFoundError:
        raise MissingFileError(source) from None
    except (pa.ArrowException, OSError) as error:
        raise FileFormatError(source, f"not a whole Parquet file ({str(error)[:100]})", "make it again") from None
    with file:
        yield file


def _table(file: pq.ParquetFile, columns: Sequence[str], source: Path) -> pl.DataFrame:
    try:
        table = pl.from_arrow(file.read(columns))
    except (pa.ArrowException, pl.exceptions.PolarsError, OSError) as error:
        raise FileFormatError(source, f"cannot be read ({str(error)[:100]})", "make it again") from None
    assert isinstance(table, pl.DataFrame)
    return table


def _made_by(metadata: Mapping[bytes, bytes], source: Path, output: Path, model: NamedModel | None) -> Made:
    if METADATA not in metadata:
        if model is None:
            raise OptionError("model", None, f"{source} does not say which model made its embeddings; name it with -m")
        return Made(model.name, path_from(output, Path(model.name)), model.sha256, "float32")
    try:
        about: dict[str, Any] = json.loads(metadata[METADATA])
        require_format(about, source, reads=FORMAT_VERSION, remedy="write it again with index export", absent=1)
        name, path, digest = about["model"], about["model_path"], about["model_sha256"]
        precision: Precision = about.get("precision", "float32")
        good = isinstance(name, str) and isinstance(path, str | None) and isinstance(digest, str)
        if not good or precision not in get_args(Precision):
            raise ValueError("of another kind")
    except FileFormatError:
        raise
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        problem = f"what it says of its model is damaged ({type(error).__name__}: {error})"
        raise FileFormatError(source, problem, "write it again with protrek-hm index export") from None
    if model is not None:
        if compare_fingerprints(digest, model.sha256) != "same":
            problem = f"{source} was made with the model {name} (fingerprint {digest[:12]}…)"
            raise ModelError(f"{problem}, not with this one ({model.sha256[:12]}…)", "leave -m out")
        return Made(model.name, path_from(output, Path(model.name)), model.sha256, precision)
    place = path_from(output, source.resolve().parent / path) if path else None
    return Made(name, place, digest, precision)


def _new_vectors(
    file: pq.ParquetFile, records: pl.DataFrame, rows: Int[np.ndarray, " records"], modality: Modality, source: Path
) -> NewVectors:
    """Take the embedding of each distinct input from the first row that has one."""
    column = f"{modality}_embedding"
    kind = file.schema_arrow.field(column).type
    if not pa.types.is_null(kind) and not _is_list_of_numbers(kind):
        raise FileFormatError(source, f"column {column} holds {kind}, no lists of numbers", "make it again")
    lengths = np.concatenate([_lengths(batch.column(0)) for batch in file.iter_batches(_ROWS, columns=[column])])
    present, width = lengths >= 0, int(max(lengths[lengths >= 0], default=0))
    for row in np.flatnonzero(present & (lengths != width))[:1]:
        problem = f"row {row + 1}: embeddings of different lengths in {column} ({lengths[row]} and {width} numbers)"
        raise FileFormatError(source, problem, "make it again")
    distinct, of_row = number_distinct(_inputs(records, modality, present[rows], rows, source))
    first = np.sort(np.unique(of_row, return_index=True)[1])
    first = first[of_row[first] >= 0]
    blocks = _read_vectors(file, column, np.isin(np.arange(len(lengths)), rows[first]), width, source)
    return NewVectors(len(distinct), width, blocks, of_row)


def _inputs(
    records: pl.DataFrame,
    modality: Modality,
    present: Bool[np.ndarray, " records"],
    rows: Int[np.ndarray, " records"],
    source: Path,
) -> list[str | None]:
    """Return what each vector was made of: a structure that nobody tells is known by the protein's id."""
    told = records[modality] if modality in records.columns else pl.Series([None] * len(records), dtype=pl.String)
    lost = np.flatnonzero(present & (told.fill_null("") == "").to_numpy())
    if modality == "structure":
        unnamed = told.fill_null("") == ""
        told = ("id " + records["id"]).zip_with(unnamed, told)
    elif len(lost):
        name = records["id"][int(lost[0])]
        problem = f"row {rows[lost[0]] + 1}: {name}: {modality}_embedding without a {modality}"
        counted = f" ({len(lost):,} such)" * (len(lost) > 1)
        raise FileFormatError(source, problem + counted, f"add the column {modality}, or leave the embedding out")
    return [each if there else None for each, there in zip(told, present.tolist(), strict=True)]


def _is_list_of_numbers(kind: pa.DataType) -> bool:
    lists = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    return bool(lists and (pa.types.is_floating(kind.value_type) or pa.types.is_integer(kind.value_type)))


def _lengths(cells: pa.Array) -> Int[np.ndarray, " rows"]:
    """Say how many numbers each cell holds; -1 for null."""
    if pa.types.is_null(cells.type):
        return np.full(len(cells), -1)
    return np.asarray(pc.fill_null(pc.list_value_length(cells), -1)).astype(np.int64)


def _read_vectors(
    file: pq.ParquetFile, column: str, first: Bool[np.ndarray, " rows"], width: int, source: Path
) -> Iterator[Float[np.ndarray, "some dim"]]:
    start = 0
    for batch in file.iter_batches(_ROWS, columns=[column]):
        chosen = np.flatnonzero(first[start : start + len(batch)])
        if len(chosen):
            cells = batch.column(0).take(pa.array(chosen))
            numbers = np.asarray(cells.flatten().cast(pa.float64()).to_numpy(zero_copy_only=False))
            yield unit(numbers.reshape(len(chosen), width), source, [start + row + 1 for row in chosen.tolist()])
        start += len(batch)


def unit(vectors: Float[np.ndarray, "some dim"], source: Path, rows: Sequence[int]) -> Float[np.ndarray, "some dim"]:
    """Bring vectors to length 1.

    Raises
    ------
    FileFormatError
        If one has no direction; it names `source` and which of the `rows`.
    """
    wide = np.asarray(vectors, dtype=np.float64)
    with np.errstate(over="ignore"):
        lengths = np.linalg.norm(wide, axis=1, keepdims=True)
    bad = np.flatnonzero(~(np.isfinite(lengths[:, 0]) & (lengths[:, 0] > 0)))
    if len(bad):
        problem = f"row {rows[bad[0]]}: an embedding is zero, infinite or not a number"
        raise FileFormatError(source, problem, "make it again")
    near = np.abs(lengths - 1) < 1e-6
    return np.where(near, vectors, wide / lengths).astype(np.float32)
