"""Queries, checked before a model sees them: as they are given, or as files that hold one, some or thousands."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from protrek_hm.config import Modality, OnBadRecord, require_characters
from protrek_hm.data.compression import bare_name, open_decompressed
from protrek_hm.data.fasta import ENDINGS as FASTA_ENDINGS
from protrek_hm.data.fasta import FastaRecord, read_fasta
from protrek_hm.data.proteins import check_bad_records, is_fasta
from protrek_hm.data.schema import ALIASES, STRUCTURE_LETTERS, missing_column, or_null, sequence_problem, upper_case
from protrek_hm.data.tables import BadRecord, read_table
from protrek_hm.errors import FileFormatError, MissingFileError, OptionError, shorten
from protrek_hm.files import is_a_file


@dataclass(frozen=True)
class Query:
    """What is searched by, and the name that its answers bear."""

    name: str
    content: str


def read_queries(given: Sequence[str], query_type: Modality, *, chains: tuple[str, ...] = ()) -> list[Query]:
    """Read queries from a command line: each is the query itself, or a file of sequences or structures.

    A FASTA file (for "sequence") holds a query a record, a PDB, mmCIF or BinaryCIF file (for "structure") one a chain,
    or those named in `chains`; all may be compressed. Texts are never files.

    Raises
    ------
    MissingFileError, FileFormatError
        If a file is not there, or not what its ending says, or not of the kind `query_type`.
    OptionError
        If a query is no text, sequence or structure.

    Examples
    --------
    >>> read_queries(["mkv"], "sequence")
    [Query(name='mkv', content='MKV')]
    >>> read_queries(["1abc.cif"], "structure")
    Traceback (most recent call last):
        ...
    protrek_hm.errors.MissingFileError: 1abc.cif: no such file or folder; check the path
    """
    return distinct_queries(
        query
        for each in given
        for query in (
            _read_file(Path(each), query_type, chains)
            if _names_a_file(each, query_type)
            else [_written_out(each, query_type)]
        )
    )


def distinct_queries(queries: Iterable[Query]) -> list[Query]:
    """Return each query once; raises OptionError if two of one name differ."""
    distinct = dict[str, Query]()
    for query in queries:
        if distinct.setdefault(query.name, query) != query:
            raise OptionError("query", query.name, "two queries bear this name; rename one, or search in two runs")
    return list(distinct.values())


def clean_query(query: str, query_type: Modality) -> str:
    """Return `query` as a table of proteins holds it.

    Texts lose the space around them. Sequences and structures lose all white space; sequences also a trailing `*`, and
    are raised to upper case; structures are brought to lower case.

    Raises
    ------
    OptionError
        If nothing is left, a letter does not belong there, or a text holds half a character (a lone surrogate).

    Examples
    --------
    >>> clean_query("mkv laa*", "sequence")
    'MKVLAA'
    >>> clean_query("MKJ", "sequence")
    Traceback (most recent call last):
        ...
    protrek_hm.errors.OptionError: query = 'MKJ': letter 'J' at position 3 is not an amino acid; ...
    """
    cleaned = query.strip() if query_type == "text" else "".join(query.split())
    if query_type == "sequence":
        cleaned = upper_case(cleaned.removesuffix("*"))
    if not cleaned:
        raise OptionError("query", query, f"is empty; give a {query_type} to search by")
    if query_type == "text":
        require_characters("query", cleaned)
        return cleaned
    problem = sequence_problem(cleaned) if query_type == "sequence" else _state_problem(cleaned)
    if problem is not None:
        raise OptionError("query", shorten(cleaned), f"{problem}; mend it, or choose another kind of query with --by")
    return cleaned.lower() if query_type == "structure" else cleaned


def _state_problem(states: str) -> str | None:
    for position, state in enumerate(states, start=1):
        if state.lower() not in STRUCTURE_LETTERS or not state.isascii():
            return f"letter {state!r} at position {position} is not a 3Di state"
    return None


def _written_out(given: str, query_type: Modality) -> Query:
    if query_type == "text" and is_a_file(given):
        remedy = "say with --by what it holds, or give a table of many queries with --batch"
        raise OptionError("query", given, f"is a file, not a text; {remedy}")
    return Query(given, clean_query(given, query_type))


def _names_a_file(given: str, query_type: Modality) -> bool:
    """Say whether a file is meant: there is one, or it ends like one."""
    if query_type == "text":
        return False
    from protrek_hm.data.structures.reading import is_structure

    path = Path(given)
    return is_a_file(path) or is_structure(path) or bare_name(path).endswith(FASTA_ENDINGS)


def _read_file(path: Path, query_type: Modality, chains: tuple[str, ...]) -> list[Query]:
    from protrek_hm.data.structures import StructureConfig, read_structure
    from protrek_hm.data.structures.reading import is_structure

    if not os.path.exists(path):  # noqa: PTH110, as in `files.is_a_file`
        raise MissingFileError(path)
    if query_type == "structure":
        if bare_name(path).endswith(FASTA_ENDINGS):
            raise FileFormatError(path, "FASTA, which holds no structure", "search by it with --by sequence")
        records = read_structure(path, StructureConfig(chains=chains))
        return [Query(record["id"], record["structure"]) for record in records]
    if is_structure(path):
        raise FileFormatError(path, "a structure", "search by it with --by structure")
    return [Query(record.id, _cleaned(path, record)) for record in read_fasta(path)]


def _cleaned(path: Path, record: FastaRecord) -> str:
    try:
        return clean_query(record.sequence, "sequence")
    except OptionError as error:
        raise FileFormatError(
            path, f"line {record.line}: {record.id}: {error.wanted}", "or remove the record"
        ) from None


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
    column = find_column(columns, ("query", *ALIASES[query_type])) or (columns[0] if len(columns) == 1 else None)
    if column is None:
        raise missing_column(
            path, query_type, columns, "name a column 'query' in line 1, or end the file's name in .txt"
        )
    id_column = find_column(columns, ("query_id", *ALIASES["id"]))
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


def find_column(columns: Sequence[str], aliases: Sequence[str]) -> str | None:
    """Return the column whose name, but for case and blanks, is the first of `aliases` that there is.

    >>> find_column(["Entry", "Protein names"], ["id", "entry"])
    'Entry'
    """
    keys = {column.strip().casefold().replace(" ", "_"): column for column in reversed(columns)}
    return next((keys[alias] for alias in aliases if alias in keys), None)
