"""A table written row by row: memory holds a few thousand rows, the file is there when it is whole."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import polars as pl
import pyarrow as pa
import pyarrow.parquet

from protrek_hm.data.compression import bare_name, open_compressed
from protrek_hm.errors import FileFormatError
from protrek_hm.files import new_file

METADATA_KEY = b"protrek_hm"
"""Key of the JSON object in a Parquet file's metadata that says where the table came from."""

_ROWS, _LETTERS = 8_192, 1 << 25


class TableSink:
    """Collects rows of a fixed schema and hands them on in groups."""

    def __init__(self, schema: Mapping[str, type[pl.DataType]], stream: BinaryIO, name: str, about: str) -> None:
        self._schema, self._stream = schema, stream
        self._separator = "\t" if name.endswith(".tsv") else ","
        self._rows: list[Sequence[object]] = []
        self._letters = 0
        self._begun = False
        self._parquet: pa.parquet.ParquetWriter | None = None
        if name.endswith(".parquet"):
            layout = pl.DataFrame(schema=dict(schema)).to_arrow().schema.with_metadata({METADATA_KEY: about})
            self._parquet = pa.parquet.ParquetWriter(stream, layout, compression="zstd")

    def add(self, row: Sequence[object]) -> None:
        """Add a row; cells in the order of the schema."""
        self._rows.append(row)
        self._letters += sum(len(cell) for cell in row if isinstance(cell, str))
        if len(self._rows) >= _ROWS or self._letters >= _LETTERS:
            self.flush()

    def flush(self) -> None:
        """Hand on what is collected."""
        frame = pl.DataFrame(self._rows, schema=dict(self._schema), orient="row")
        self._rows, self._letters = [], 0
        if self._parquet is None:
            frame.write_csv(self._stream, separator=self._separator, include_header=not self._begun)
        elif frame.height:
            self._parquet.write_table(frame.to_arrow().cast(self._parquet.schema))
        self._begun = True

    def close(self) -> None:
        """End the file, also one that is given up."""
        if self._parquet is not None:
            self._parquet.close()


@contextmanager
def table_sink(
    path: Path, schema: Mapping[str, type[pl.DataType]], *, about: Mapping[str, Any], force: bool = False
) -> Iterator[TableSink]:
    r"""Open a table for writing by its ending, whole or not at all.

    Parameters
    ----------
    path
        Ends in .parquet, .tsv or .csv, the latter also with .gz or .zst.
    schema
        Names and types of the columns.
    about
        Where it comes from, kept in a Parquet file's metadata as JSON under ``protrek_hm``.
    force
        Whether an older file may be replaced.

    Raises
    ------
    FileFormatError
        If the ending is another.
    OutputExistsError, OutputError
        If it exists and `force` is false; if it cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.tsv"
    >>> with table_sink(path, {"id": pl.String, "length": pl.Int64}, about={}) as sink:
    ...     sink.add(("P1", 3))
    >>> path.read_text()
    'id\tlength\nP1\t3\n'
    """
    name = bare_name(path)
    if not (name.endswith((".tsv", ".csv")) or path.suffix.lower() == ".parquet"):
        raise FileFormatError(path, "unknown ending", "end its name in .parquet, .tsv or .csv (also with .gz or .zst)")
    content = json.dumps({"format_version": 1, **about}, ensure_ascii=False)
    with new_file(path, force=force) as temporary, open_compressed(temporary) as stream:
        sink = TableSink(schema, stream, name, content)
        try:
            yield sink
            sink.flush()
        finally:
            sink.close()
