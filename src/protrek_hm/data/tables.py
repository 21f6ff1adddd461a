"""Tables in and out: TSV, CSV and Parquet, compressed or not."""

import io
from pathlib import Path
from typing import cast

import polars as pl
import pyarrow as pa
import pyarrow.parquet

from protrek_hm.data.compression import bare_name, open_compressed, open_decompressed
from protrek_hm.data.delimited import parse_delimited, refuse_twins
from protrek_hm.data.records import Table
from protrek_hm.errors import FileFormatError
from protrek_hm.files import new_file

_PARQUET, _ZIP = b"PAR1", b"PK\x03\x04"
_FORMATS = ".tsv, .csv (also with .gz or .zst) or .parquet"


def read_table(path: Path) -> Table:
    """Read a table, its format known by its first bytes: Parquet (types kept) or text (all cells strings).

    Raises
    ------
    MissingFileError, FileFormatError
        If it is not there, or not such a table.
    """
    with open_decompressed(path) as stream:
        return parse_table(stream.read(), path)


def parse_table(data: bytes, path: Path) -> Table:
    """Parse the decompressed bytes of a table, as `read_table` does."""
    if data.startswith(_ZIP):
        raise FileFormatError(path, "a zip archive or spreadsheet", "save it as TSV")
    if data.startswith(_PARQUET):
        return _read_parquet(data, path)
    return parse_delimited(data, preferred="," if bare_name(path).endswith(".csv") else "\t", path=path)


def write_table(frame: pl.DataFrame, path: Path, *, force: bool = True) -> None:
    """Write a table as its path's ending says, whole or not at all.

    In text formats null and the empty string are the same.

    Raises
    ------
    FileFormatError
        If the ending is unknown, or a column cannot be written as text.
    OutputExistsError, OutputError
        If it exists and `force` is false; if it cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "two.tsv.gz"
    >>> write_table(pl.DataFrame({"id": ["A", "B"], "length": [3, None]}), path)
    >>> read_table(path).frame.rows()
    [('A', '3'), ('B', None)]
    """
    check_ending(path)
    name = bare_name(path)
    with new_file(path, force=force) as temporary, open_compressed(temporary) as stream:
        if name.endswith(".parquet"):
            buffer = io.BytesIO()  # polars reports a full disk as an error of its own; so we write ourselves
            frame.write_parquet(buffer)
            stream.write(buffer.getbuffer())
            return
        nested = [column for column, dtype in frame.schema.items() if dtype.is_nested()]
        if nested:
            raise FileFormatError(path, f"column {nested[0]!r} holds lists", "write it as .parquet")
        frame.write_csv(stream, separator="\t" if name.endswith(".tsv") else ",")


def check_ending(path: Path) -> None:
    """Make sure, before long work, that a table can be written under this name.

    Raises
    ------
    FileFormatError
        If its ending is unknown.
    """
    if not bare_name(path).endswith((".tsv", ".csv", ".parquet")):
        raise FileFormatError(path, "unknown ending", f"end its name in {_FORMATS}")


def _read_parquet(data: bytes, path: Path) -> Table:
    try:  # by pyarrow: polars panics on damaged files
        file = pyarrow.parquet.ParquetFile(pa.BufferReader(data))
        refuse_twins(file.schema_arrow.names, path)
        frame = cast("pl.DataFrame", pl.from_arrow(file.read()))
    except FileFormatError:
        raise
    except (pa.ArrowException, OSError, ValueError) as error:
        problem = " ".join(str(error).split())[:200]
        raise FileFormatError(path, f"damaged Parquet ({problem})", "copy or make it again") from None
    if frame.is_empty():
        raise FileFormatError(path, "a table without records", "give a file with at least one record")
    return Table(frame, lambda: range(1, frame.height + 1))
