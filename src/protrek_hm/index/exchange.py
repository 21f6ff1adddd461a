"""An index as a Parquet file with embeddings, and back: a form that every tool reads.

The file holds a row for each record: all columns of the table, and `sequence_embedding`, `text_embedding` and
`structure_embedding` where the index has them. Its metadata (key `protrek_hm`, JSON) name the model.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from jaxtyping import Bool, Float

from protrek_hm.errors import FileFormatError, MissingColumnError, MissingFileError, ModelError, OptionError
from protrek_hm.files import new_file
from protrek_hm.index.build import Made, path_from, write_index
from protrek_hm.index.embeddings import number_distinct
from protrek_hm.index.layout import MODALITIES, IndexInfo, Modality
from protrek_hm.index.model import NamedModel
from protrek_hm.index.segments import NewVectors
from protrek_hm.index.store import Index
from protrek_hm.model.encoder import compare_fingerprints

METADATA = b"protrek_hm"
_ROWS = 8_192


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
    index = Index.open(folder)
    model = Path(index.info.model_path or "")
    about = {
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


def import_parquet(source: Path, output: Path, *, model: NamedModel | None = None, force: bool = False) -> IndexInfo:
    """Make an index of a Parquet file with embeddings; nothing is encoded.

    Parameters
    ----------
    source
        A file of `export_parquet`, or any with the columns `id`, `sequence` and at least one of `sequence_embedding`,
        `text_embedding`, `structure_embedding` (lists of numbers).
    model
        The model that made the embeddings, where the file does not say it.

    Raises
    ------
    MissingFileError, FileFormatError, MissingColumnError
        If the file is not there, damaged, or lacks a column.
    OptionError, ModelError
        If nobody says which model made the embeddings, or the file says another one.
    """
    with _opened(source) as file:
        columns = file.schema_arrow.names
        held: list[Modality] = [each for each in MODALITIES if f"{each}_embedding" in columns]
        for column in ("id", "sequence", *([] if held else ["sequence_embedding"])):
            if column not in columns:
                raise MissingColumnError(source, column, columns, "write it with protrek-hm index export")
        embeddings = [f"{modality}_embedding" for modality in held]
        records = pl.from_arrow(file.read([name for name in columns if name not in embeddings]))
        assert isinstance(records, pl.DataFrame)
        if "text" not in records.columns:
            records = records.with_columns(text=pl.lit(None, pl.String))
        made = _made_by(file.schema_arrow.metadata or {}, source, output, model)
        new = {modality: _new_vectors(file, records, modality, source) for modality in held}
        return write_index(output, records, new, made, sources=[source], force=force)


@contextmanager
def _opened(source: Path) -> Iterator[pq.ParquetFile]:
    try:
        with pq.ParquetFile(source) as file:
            yield file
    except FileNotFoundError:
        raise MissingFileError(source) from None
    except pa.ArrowException as error:
        raise FileFormatError(source, f"not a whole Parquet file ({str(error)[:100]})", "make it again") from None


def _made_by(metadata: Mapping[bytes, bytes], source: Path, output: Path, model: NamedModel | None) -> Made:
    about: dict[str, Any] = json.loads(metadata[METADATA]) if METADATA in metadata else {}
    if model is None and not about:
        raise OptionError("model", None, f"{source} does not say which model made its embeddings; name it with -m")
    if model is not None:
        if about and compare_fingerprints(about["model_sha256"], model.sha256) != "same":
            problem = f"{source} was made with the model {about['model']} (fingerprint {about['model_sha256'][:12]}…)"
            raise ModelError(f"{problem}, not with this one ({model.sha256[:12]}…)", "leave -m out")
        return Made(model.name, path_from(output, Path(model.name)), model.sha256, about.get("precision", "float32"))
    place = source.resolve().parent / about["model_path"] if about["model_path"] else None
    path = None if place is None else path_from(output, place)
    return Made(about["model"], path, about["model_sha256"], about["precision"])


def _new_vectors(file: pq.ParquetFile, records: pl.DataFrame, modality: Modality, source: Path) -> NewVectors:
    """Take the embedding of each distinct input from the first row that has one."""
    column = f"{modality}_embedding"
    present = np.concatenate(
        [
            batch.column(0).is_valid().to_numpy(zero_copy_only=False)
            for batch in file.iter_batches(_ROWS, columns=[column])
        ]
    )
    name = modality if modality in records.columns else "id"
    inputs = records.select(pl.when(pl.lit(pl.Series(present))).then(pl.col(name)))[name].to_list()
    distinct, of_row = number_distinct(inputs)
    first = np.zeros(len(records), dtype=bool)
    first[np.unique(of_row, return_index=True)[1]] = True
    first &= of_row >= 0
    width = _width(file, column)
    return NewVectors(len(distinct), width, _read_vectors(file, column, first, width, source), of_row)


def _width(file: pq.ParquetFile, column: str) -> int:
    for batch in file.iter_batches(_ROWS, columns=[column]):
        lengths = batch.column(0).drop_null().value_lengths() if len(batch.column(0).drop_null()) else None
        if lengths is not None:
            return int(lengths[0].as_py())
    return 0


def _read_vectors(
    file: pq.ParquetFile, column: str, first: Bool[np.ndarray, " rows"], width: int, source: Path
) -> Iterator[Float[np.ndarray, "some dim"]]:
    start = 0
    for batch in file.iter_batches(_ROWS, columns=[column]):
        chosen = batch.column(0).filter(pa.array(first[start : start + len(batch)]))
        flat = np.asarray(chosen.flatten(), dtype=np.float32)
        if len(flat) != width * len(chosen):
            raise FileFormatError(source, f"embeddings of different lengths in {column}", "make it again")
        yield unit(flat.reshape(len(chosen), width), source)
        start += len(batch)


def unit(vectors: Float[np.ndarray, "some dim"], source: Path) -> Float[np.ndarray, "some dim"]:
    """Bring vectors to length 1; raises FileFormatError, naming `source`, if one has no direction."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not (np.isfinite(lengths) & (lengths > 0)).all():
        raise FileFormatError(source, "an embedding is zero, infinite or not a number", "make it again")
    near = np.abs(lengths - 1) < 1e-6
    return np.asarray(np.where(near, vectors, vectors / lengths), dtype=np.float32)
