r"""Tables in and out: TSV, CSV and Parquet, compressed or not.

TSV and CSV are read strictly, every cell a string. pyarrow parses them, as it reports rows with too few cells (polars
fills them up) and is as fast. A tab-separated file is first read without quoting, because a cell may begin with a
quotation mark that belongs to the text (``"Active" form of …``); cells quoted as a whole lose their quotes afterwards.
Only if some cell begins with a quote and does not end with it, and the whole file keeps the rules of quoting (RFC
4180), quotes are taken to enclose tabs or line breaks. In CSV quotes always do, and a file that breaks the rules is
refused. Quotes inside cells that are escaped, as R and MySQL do (``\"``), are doubled if the file then keeps the rules.
"""

import csv
import io
import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, cast

import polars as pl
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from protrek_hm.data.compression import bare_name, open_compressed, open_decompressed
from protrek_hm.data.schema import require_polars
from protrek_hm.errors import FileFormatError, RecordError, shorten
from protrek_hm.files import new_file


@dataclass(frozen=True)
class BadRecord:
    """A record that cannot be used.

    Attributes
    ----------
    line
        Its first line in the decompressed file, from 1; in a Parquet file its row, from 1.
    record
        Its id, or what stands first in it.
    problem
        What is wrong, in words.
    """

    line: int
    record: str
    problem: str

    def error(self, path: Path | str, others: int = 0) -> RecordError:
        """Make the error for this record, with a hint if there are `others`.

        >>> str(BadRecord(7, "P12345", "no sequence").error("a.tsv"))
        'a.tsv:7: P12345: no sequence; mend the record, or drop such records with --on-bad-record skip'
        """
        hint = f" (bad records besides: {others:,})" if others else ""
        return RecordError(path, self.line, self.record, self.problem + hint)


@dataclass(frozen=True)
class Table:
    """The rows of a file, and the lines they came from.

    Attributes
    ----------
    frame
        Its rows and columns, untouched; cells of text formats are strings, empty ones null.
    lines
        Gives the line of each row, as in `BadRecord.line`. A function, because only errors need it.
    bad
        The records that are not valid rows, by line.
    """

    frame: pl.DataFrame
    lines: Callable[[], Sequence[int]]
    bad: tuple[BadRecord, ...] = ()


_PARQUET, _ZIP = b"PAR1", b"PK\x03\x04"
_FORMATS = ".tsv, .csv (also with .gz or .zst) or .parquet"


def read_table(path: Path) -> Table:
    """Read a table, its format known by its first bytes: Parquet (types kept) or text (all cells strings).

    Raises
    ------
    MissingFileError, FileFormatError
        If the file does not exist, or is not such a table.
    """
    with open_decompressed(path) as stream:
        return parse_table(stream.read(), path)


def parse_table(data: bytes, path: Path, *, needed: Collection[str] | None = None) -> Table:
    """Parse the decompressed bytes of a table, as `read_table` does.

    needed: the columns that a reader looks at, if not all; of the others several may have one name.
    """
    if data.startswith(_ZIP):
        raise FileFormatError(path, "a zip archive or spreadsheet", "save it as TSV")
    if data.startswith(_PARQUET):
        return _read_parquet(data, path)
    preferred = "," if bare_name(path).endswith(".csv") else "\t"
    return parse_delimited(data, preferred=preferred, path=path, needed=needed)


def write_table(frame: pl.DataFrame, path: Path, *, force: bool = False) -> None:
    """Write a table as its path's ending says, whole or not at all.

    In text formats null and the empty string are the same.

    Raises
    ------
    FileFormatError
        If the ending is unknown, or a column cannot be written as text.
    OutputExistsError, OutputError
        If the file exists and `force` is false; if it cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "two.tsv.gz"
    >>> write_table(pl.DataFrame({"id": ["A", "B"], "length": [3, None]}), path)
    >>> read_table(path).frame.rows()
    [('A', '3'), ('B', None)]
    """
    require_polars("frame", frame)
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
    """Check, before long work, that a table can be written under this name.

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


METADATA_KEY = b"protrek_hm"
"""Key of the JSON object in a Parquet file's metadata that says where the table came from."""

_ROWS, _LETTERS = 8_192, 1 << 25


class TableSink:
    """Collects rows of a fixed schema and writes them in groups."""

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
        """Write the collected rows."""
        frame = pl.DataFrame(self._rows, schema=dict(self._schema), orient="row")
        self._rows, self._letters = [], 0
        if self._parquet is None:
            frame.write_csv(self._stream, separator=self._separator, include_header=not self._begun)
        elif frame.height:
            self._parquet.write_table(frame.to_arrow().cast(self._parquet.schema))
        self._begun = True

    def close(self) -> None:
        """Finish the file, also after an error."""
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


DELIMITERS = ("\t", ",", ";")
_LONGEST_RECORD = 1 << 26  # bytes; the parser holds a few such blocks
_ESCAPED_QUOTE = re.compile(rb'(?<!\\)((?:\\\\)*)\\"')
_WHOLLY_QUOTED = r'(?s)^"(?:[^"]|"")*"$'


class _QuotingError(ValueError):
    """A record that breaks the rules of quoting: its first line, and how."""

    def __init__(self, line: int, problem: str, remedy: str) -> None:
        self.line, self.problem, self.remedy = line, problem, remedy
        super().__init__(f"line {line}: {problem}")


@dataclass(frozen=True)
class _Dialect:
    delimiter: str
    quoting: bool
    width: int


def parse_delimited(data: bytes, *, preferred: str, path: Path, needed: Collection[str] | None = None) -> Table:
    r"""Parse a table with a header line.

    Parameters
    ----------
    data
        The file's decompressed bytes.
    preferred
        The delimiter that the file's ending promises; if the header does not hold it, the one that splits the
        header most.
    path
        The file, for messages.
    needed
        As in `parse_table`.

    Raises
    ------
    FileFormatError
        If it is empty, not UTF-8, holds no record or one over 64 MiB, has a column twice, or, in CSV, a quote that is
        never closed or text behind a closing one.

    Examples
    --------
    >>> table = parse_delimited(b"id,sequence\nA,MKV\nB\nC,\n", preferred=",", path=Path("a.csv"))
    >>> table.frame.rows(), table.lines(), table.bad[0].line, table.bad[0].problem
    ([('A', 'MKV'), ('C', None)], [2, 4], 3, '1 field where the header has 2')
    """
    data = data.removeprefix(b"\xef\xbb\xbf")
    _check_text(data, path)
    delimiter, header = sniff(data, preferred)
    dialect = _Dialect(delimiter, quoting=delimiter != "\t", width=len(header))
    if dialect.quoting and b'"' in data:
        data = _by_the_rules(data, dialect, path)
    rows, ragged = _parse(data, dialect, path)
    if not dialect.quoting and b'"' in data:
        quoted = _Dialect(delimiter, quoting=True, width=len(header))
        asked = _spellings(data) if ragged or _has_open_quotes(rows) else ()
        fitting = next((each for each in asked if _keeps_the_rules(each, quoted)), None)
        if fitting is not None:
            data, dialect = fitting, quoted
            rows, ragged = _parse(data, dialect, path)
        else:
            rows = rows.with_columns(_unquote(pl.col(name)) for name in rows.columns)
    frame = rows.slice(1).rename(dict(zip(rows.columns, _column_names(header, path, needed), strict=True)))
    bad = tuple(_ragged_records(data, dialect)) if ragged else ()
    if frame.is_empty() and not bad:
        raise FileFormatError(path, "a header and no records", "give a file with at least one record")
    return Table(frame, lambda: _record_lines(data, dialect), bad)


def sniff(data: bytes, preferred: str) -> tuple[str, list[str]]:
    r"""Find the delimiter and the header's names.

    >>> sniff(b"id,sequence,text\nA,MKV,\n", "\t")
    (',', ['id', 'sequence', 'text'])
    """
    first = data.lstrip(b"\r\n").split(b"\n", 1)[0].split(b"\r", 1)[0].decode()
    with _long_fields():
        splits = {each: next(csv.reader([first], delimiter=each)) for each in (preferred, *DELIMITERS)}
    best = preferred if len(splits[preferred]) > 1 else max(splits, key=lambda each: len(splits[each]))
    return best, [name.strip() for name in splits[best]]


def _parse(data: bytes, dialect: _Dialect, path: Path) -> tuple[pl.DataFrame, bool]:
    """Parse all rows that fit, the header first, and say whether some did not."""
    ragged: list[object] = []

    def skip(row: object) -> str:
        ragged.append(row)
        return "skip"

    names = [str(number) for number in range(dialect.width)]
    reading = pyarrow.csv.ReadOptions(column_names=names, block_size=_LONGEST_RECORD)
    parsing = pyarrow.csv.ParseOptions(
        delimiter=dialect.delimiter,
        quote_char='"' if dialect.quoting else False,
        newlines_in_values=dialect.quoting,
        invalid_row_handler=skip,
    )
    converting = pyarrow.csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True, null_values=[""]
    )
    try:
        table = pyarrow.csv.read_csv(pa.py_buffer(data), reading, parsing, converting)
    except pa.ArrowInvalid as error:  # what else it knows was checked before
        problem = f"a record of more than {_LONGEST_RECORD >> 20} MiB ({error})"
        raise FileFormatError(path, problem, "look for a quote that is not closed") from None
    return cast("pl.DataFrame", pl.from_arrow(table)), bool(ragged)


def _has_open_quotes(rows: pl.DataFrame) -> bool:
    cells = pl.all()
    is_open = cells.str.starts_with('"') & ~cells.str.contains(_WHOLLY_QUOTED)
    return any(rows.select(is_open.any()).row(0))


def _keeps_the_rules(data: bytes, dialect: _Dialect) -> bool:
    try:
        return all(len(fields) == dialect.width for _, fields in _records(data, dialect))
    except _QuotingError:
        return False


def _by_the_rules(data: bytes, dialect: _Dialect, path: Path) -> bytes:
    """Return the data with quotes as the rules want them: as they stand, or else those doubled that are escaped."""
    try:
        for _ in _records(data, dialect):
            pass
    except _QuotingError as error:
        for doubled in islice(_spellings(data), 1, None):
            if _keeps_the_rules(doubled, dialect):
                return doubled
        raise FileFormatError(path, f"the record of line {error.line} {error.problem}", error.remedy) from None
    return data


def _spellings(data: bytes) -> Iterator[bytes]:
    r"""Yield the data as they stand, and then with those quotes doubled that a backslash escapes, if there are any.

    >>> print(*(each.decode() for each in _spellings(rb'"The \"active\" form"')), sep="\n")
    "The \"active\" form"
    "The ""active"" form"
    """
    yield data
    if b'\\"' in data:
        yield _ESCAPED_QUOTE.sub(rb'\1""', data)


def _unquote(column: pl.Expr) -> pl.Expr:
    quoted = column.str.contains(_WHOLLY_QUOTED)
    inside = column.str.slice(1, column.str.len_chars() - 2).str.replace_all('""', '"', literal=True)
    return pl.when(quoted & (inside != "")).then(inside).when(~quoted).then(column)


def _column_names(header: list[str], path: Path, needed: Collection[str] | None) -> list[str]:
    names = [name or f"column_{number}" for number, name in enumerate(header, start=1)]
    if needed is not None:
        others = ((name, name in names[:number] and name not in needed) for number, name in enumerate(names))
        names = [f"{name}_column_{number}" if again else name for number, (name, again) in enumerate(others, start=1)]
    refuse_twins(names, path)
    return names


def refuse_twins(names: Sequence[str], path: Path) -> None:
    """Raise FileFormatError if two columns have the same name."""
    twins = [name for name, count in Counter(names).items() if count > 1]
    if twins:
        raise FileFormatError(path, f"column {shorten(twins[0])!r} stands twice in the header", "rename one of them")


def _check_text(data: bytes, path: Path) -> None:
    if not data.strip():
        raise FileFormatError(path, "the file is empty", "give a table with a header line, or FASTA")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise FileFormatError(path, "text in UTF-16", "save it as UTF-8")
    zero = data.find(b"\0")
    if zero >= 0:
        line = _line_of(zero, data)
        raise FileFormatError(path, f"line {line} holds a zero byte", "give TSV, CSV, Parquet or FASTA")
    try:
        data.decode()
    except UnicodeDecodeError as error:
        line, byte = _line_of(error.start, data), data[error.start]
        remedy = "convert it, for instance with iconv -f latin1 -t utf-8"
        raise FileFormatError(path, f"line {line} is not UTF-8 (byte 0x{byte:02X})", remedy) from None


def _records(data: bytes, dialect: _Dialect) -> Iterator[tuple[int, list[str]]]:
    """Yield the first line and the fields of each record, the header included; raise where quotes break the rules."""
    text = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", newline="")
    with _long_fields():
        if dialect.quoting:
            reader = csv.reader(text, delimiter=dialect.delimiter, strict=True)
        else:
            reader = csv.reader(text, delimiter=dialect.delimiter, quoting=csv.QUOTE_NONE)
        line = 1
        try:
            for fields in reader:
                if fields:
                    yield line, fields
                line = reader.line_num + 1
        except csv.Error as error:
            if "end of data" in str(error):
                raise _QuotingError(line, "opens a quote", "close it") from None
            remedy = 'write a cell with quotes in it as "the ""active"" form"'
            raise _QuotingError(line, "has text behind a closing quote", remedy) from None


def _ragged_records(data: bytes, dialect: _Dialect) -> Iterator[BadRecord]:
    for line, fields in _records(data, dialect):
        if len(fields) != dialect.width:
            count = f"{len(fields)} field{'s' * (len(fields) != 1)}"
            yield BadRecord(line, shorten(fields[0]) or "record", f"{count} where the header has {dialect.width}")


def _record_lines(data: bytes, dialect: _Dialect) -> list[int]:
    return [line for line, fields in _records(data, dialect) if len(fields) == dialect.width][1:]


def _line_of(position: int, data: bytes) -> int:
    return len(re.findall(rb"\r\n?|\n", data[:position])) + 1


@contextmanager
def _long_fields() -> Iterator[None]:
    """Let the csv module take fields over 128 kB, such as long proteins."""
    limit = csv.field_size_limit(sys.maxsize)
    try:
        yield
    finally:
        csv.field_size_limit(limit)
