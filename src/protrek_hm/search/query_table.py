"""Queries in thousands: a table, FASTA, or plain lines become checked queries."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import polars as pl

from protrek_hm.config import Modality, OnBadRecord
from protrek_hm.data.compression import bare_name, open_decompressed
from protrek_hm.data.fasta import read_fasta
from protrek_hm.data.proteins import check_bad_records, is_fasta
from protrek_hm.data.records import BadRecord
from protrek_hm.data.schema import ALIASES, missing_column, or_null
from protrek_hm.data.tables import read_table
from protrek_hm.errors import FileFormatError, OptionError, shorten
from protrek_hm.search.query import Query, clean_query


def read_query_table(
    path: Path, query_type: Modality, *, on_bad_record: OnBadRecord = "error"
) -> tuple[list[Query], tuple[BadRecord, ...]]:
    r"""Read queries from TSV, CSV, Parquet or FASTA, or from a .txt of one text a line, also with .gz or .zst.

    Parameters
    ----------
    path
        A table has a column `query`, or one named like `query_type` (`text`, `sequence`, `structure`, and what else
        these are known by), or a single column; and an id (`id`, `accession`, …), if it has one. Where it has none,
        a text is its own name, and others are `query_1` and so on.
    on_bad_record
        "error" raises on the first bad query, "skip" leaves bad ones out and returns them.

    Returns
    -------
    The queries in the file's order, and what was left out. Names and queries may repeat.

    Raises
    ------
    MissingFileError, FileFormatError, MissingColumnError
        If the file is not there, damaged, holds no good query, or no column of queries.
    RecordError
        On a bad query.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "two.tsv"
    >>> _ = path.write_text("id\tsequence\nA\tmkv\nB\tMJ\n")
    >>> queries, bad = read_query_table(path, "sequence", on_bad_record="skip")
    >>> queries, bad[0].problem
    ([Query(name='A', content='MKV')], "letter 'J' at position 2 is not an amino acid")
    """
    records, unreadable = _read(path, query_type)
    queries, bad = list[Query](), list(unreadable)
    for number, (line, name, given) in enumerate(records, start=1):
        try:
            content = clean_query(given, query_type)
        except OptionError as error:
            bad.append(BadRecord(line, shorten(name or "query"), error.wanted.split(";")[0]))
        else:
            queries.append(Query(name or (content if query_type == "text" else f"query_{number}"), content))
    bad.sort(key=lambda each: each.line)
    check_bad_records(tuple(bad), path, on_bad_record)
    if not queries:
        raise FileFormatError(path, "no good query", f"give each a {query_type} of its own")
    return queries, tuple(bad)


def _read(path: Path, query_type: Modality) -> tuple[Iterable[tuple[int, str, str]], tuple[BadRecord, ...]]:
    """Return line, name and query of each record, as they stand in the file, and the records that are none."""
    if bare_name(path).endswith(".txt"):
        with open_decompressed(path) as stream:
            lines = [(number, "", _decoded(line, number, path)) for number, line in enumerate(stream, start=1)]
        return [each for each in lines if each[2].strip()], ()
    if is_fasta(path):
        if query_type != "sequence":
            raise FileFormatError(path, f"FASTA, which holds no {query_type}", "search by it with --by sequence")
        return ((record.line, record.id, record.sequence) for record in read_fasta(path)), ()
    table = read_table(path)
    columns = table.frame.columns
    column = _find(columns, ("query", *ALIASES[query_type])) or (columns[0] if len(columns) == 1 else None)
    if column is None:
        raise missing_column(
            path, query_type, columns, "name a column 'query' in line 1, or end the file's name in .txt"
        )
    id_column = _find(columns, ("query_id", *ALIASES["id"]))
    names = [""] * len(table.frame) if id_column in (None, column) else _texts(table.frame[id_column])
    return zip(table.lines(), names, _texts(table.frame[column]), strict=True), table.bad


def _texts(cells: pl.Series) -> list[str]:
    frame = pl.DataFrame({"cell": cells.cast(pl.String)})
    return frame.select(or_null(pl.col("cell")).fill_null("")).to_series().to_list()


def _decoded(line: bytes, number: int, path: Path) -> str:
    try:
        return line.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError:
        remedy = "convert it, for instance with iconv -f latin1 -t utf-8"
        raise FileFormatError(path, f"line {number} is not UTF-8", remedy) from None


def _find(columns: Sequence[str], aliases: Sequence[str]) -> str | None:
    keys = {column.strip().casefold().replace(" ", "_"): column for column in reversed(columns)}
    return next((keys[alias] for alias in aliases if alias in keys), None)
