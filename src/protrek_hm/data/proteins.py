"""Read proteins from a table or FASTA into one schema, and write them."""

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from protrek_hm.config import OnBadRecord
from protrek_hm.data.compression import bare_name, open_decompressed
from protrek_hm.data.fasta import ENDINGS as FASTA_ENDINGS
from protrek_hm.data.fasta import begins_as_fasta, parse_fasta
from protrek_hm.data.schema import (
    ALIASES,
    GIVEN,
    bad_proteins,
    clean_proteins,
    holds_no_structures,
    looks_like_nucleotides,
    missing_column,
    or_null,
    recognise_columns,
    without_rows,
)
from protrek_hm.data.tables import BadRecord, Table, parse_table, write_table
from protrek_hm.errors import FileFormatError, OptionError, counted, shorten

log = logging.getLogger(__name__)
_START = 1 << 10  # bytes
_UNNAMED = ("column_1", "Unnamed: 0", "__index_level_0__")  # what holds the rows' names in R and pandas


@dataclass(frozen=True)
class LoadedProteins:
    """What a file holds.

    Attributes
    ----------
    frame
        The good records, as `read_proteins` returns them.
    bad
        The bad ones, by line.
    columns
        Our name → the file's name of each recognised column.
    given
        All records that could be read, good and bad, before they were cleaned.
    lines
        Gives the line of each row of `frame`, as in `BadRecord.line`. A function, because only errors need it.
    """

    frame: pl.DataFrame
    bad: tuple[BadRecord, ...]
    columns: dict[str, str]
    given: pl.DataFrame
    lines: Callable[[], list[int]]


def read_proteins(
    path: Path | str, *, columns: Mapping[str, str] | None = None, on_bad_record: OnBadRecord = "error"
) -> pl.DataFrame:
    r"""Read proteins from TSV, CSV, Parquet or FASTA, also with .gz or .zst.

    Parameters
    ----------
    path
        The file.
    columns
        Our name → the file's column, where `schema.ALIASES` does not say it, as ``{"text": "comment"}``.
    on_bad_record
        "error" raises on the first bad record, "skip" leaves bad records out and logs how many.

    Returns
    -------
    DataFrame
        `id`, `sequence` (upper case), `text` (null where there is none); `structure`, `ec`, `go`, `organism`
        and `stage` where the file has them; then the file's other columns under their names. Text formats
        give strings throughout, Parquet keeps its types. UniProt's marks (``{ECO:…}``, citations, "By similarity") are
        taken out of texts; what they say is in the column `text_evidence`. Rows stand in the file's order.
        Without an id column the ids are ``protein_1`` and so on. Rows with the same id have the same sequence: a
        protein with several texts.

    Raises
    ------
    MissingFileError, FileFormatError
        If the file does not exist, is damaged or empty, or holds no good record.
    MissingColumnError
        If no column holds sequences, or one that `columns` names is missing.
    OptionError
        If `columns` names a column that is none of ours, or `on_bad_record` is neither "error" nor "skip".
    RecordError
        On a bad record; it names its line.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "two.tsv"
    >>> _ = path.write_text("Entry\tSequence\tFunction [CC]\nP1\tmkv\tFUNCTION: Binds.\nP2\tMA*\t\n")
    >>> read_proteins(path).rows()
    [('P1', 'MKV', 'Binds.'), ('P2', 'MA', None)]
    """
    path = Path(path)
    loaded = load_proteins(path, columns=columns)
    check_bad_records(loaded.bad, path, on_bad_record)
    if loaded.frame.is_empty():
        raise FileFormatError(path, "no good record", "see what is wrong with protrek-hm data check")
    nucleotides = loaded.frame.select(looks_like_nucleotides("sequence").sum()).item()
    if nucleotides:
        log.warning("%s: sequences that look like DNA or RNA, read as proteins: %d", path, nucleotides)
    if "id" not in loaded.columns:
        log.warning("%s: no column holds ids, so records are numbered%s", path, _perhaps_ids(loaded, columns or {}))
    return loaded.frame


def _perhaps_ids(loaded: LoadedProteins, given: Mapping[str, str]) -> str:
    """Say which column may hold the ids after all."""
    taken = recognise_columns([*given.values(), "sequence"]).get("id")
    if taken is not None:
        return f": {taken!r} is read as {next(name for name, column in given.items() if column == taken)}"
    return next((f"; is it {name!r}, which has no name?" for name in loaded.frame.columns if name in _UNNAMED), "")


def write_proteins(frame: pl.DataFrame, path: Path | str, *, force: bool = False) -> None:
    """Write proteins as TSV, CSV (also .gz, .zst) or Parquet, by the ending; an older file only with `force`.

    Raises
    ------
    FileFormatError, OutputExistsError, OutputError
        As `tables.write_table`.
    """
    write_table(frame, Path(path), force=force)


def load_proteins(path: Path, *, columns: Mapping[str, str] | None = None) -> LoadedProteins:
    """Read proteins as `read_proteins` does, and return the bad records instead of raising."""
    with open_decompressed(path) as stream:  # once: it may be a pipe
        data = stream.read()
    is_named_fasta = bare_name(path).endswith(FASTA_ENDINGS)
    table = parse_fasta(data, path) if is_named_fasta or begins_as_fasta(data[:_START]) else parse_table(data, path)
    del data
    return check_table(table, path, columns=columns)


def check_table(table: Table, path: Path, *, columns: Mapping[str, str] | None = None) -> LoadedProteins:
    """Clean and check the proteins of a table that was read already; `path` is how messages call it."""
    if is_wide(table.frame.columns) and "sequence" not in (columns or {}):
        table = stack_mutants(table, path)
    recognised = recognise_columns(table.frame.columns, given=columns, path=path)
    if recognised.get("id", "").strip().casefold() == "name" and "id" not in (columns or {}):
        named = table.frame.select(recognised["id"], recognised["sequence"])
        if named.n_unique() > named[recognised["id"]].n_unique():  # one name of several proteins is no id
            del recognised["id"]
    given = _arrange(table.frame, recognised, path)
    if "structure" in recognised and "structure" not in (columns or {}) and holds_no_structures(given):
        log.warning("%s: column %r holds no 3Di letters, and is left as it is", path, recognised.pop("structure"))
        given = _arrange(table.frame, recognised, path)
    proteins = clean_proteins(given)
    problems = bad_proteins(proteins, table.lines) | _repeated_headers(proteins, recognised)
    bad = sorted((*table.bad, *_describe(problems, proteins, table)), key=lambda record: record.line)
    good = without_rows(proteins, problems)

    def lines() -> list[int]:
        return [line for row, line in enumerate(table.lines()) if row not in problems]

    return LoadedProteins(good, tuple(bad), recognised, given, lines)


def is_fasta(path: Path) -> bool:
    """Say whether a file is FASTA: by its ending, or because it begins with '>'.

    Raises
    ------
    MissingFileError, FileFormatError
        If it is not there, or a pipe whose name does not say it: what is looked at would be lost.
    """
    named = bare_name(path).endswith(FASTA_ENDINGS)
    if path.is_fifo():
        if not named:
            raise FileFormatError(path, "a pipe, whose beginning can be read only once", "write it to a file first")
        return True
    with open_decompressed(path) as stream:
        return named or begins_as_fasta(stream.peek(_START)[:_START])


def check_bad_records(bad: tuple[BadRecord, ...], path: Path, on_bad_record: OnBadRecord) -> None:
    """Raise the error of the first bad record, or log their number, as `on_bad_record` says."""
    if on_bad_record not in ("error", "skip"):
        raise OptionError("on_bad_record", on_bad_record, "one of error, skip")
    if bad and on_bad_record == "error":
        raise bad[0].error(path, others=len(bad) - 1)
    if bad:
        log.warning("%s: %s left out, the first on line %d", path, counted(len(bad), "bad record"), bad[0].line)


def _arrange(frame: pl.DataFrame, recognised: Mapping[str, str], path: Path) -> pl.DataFrame:
    """Put our columns first, under our names, as strings; add ids and empty texts where the file has none."""
    for column in recognised.values():
        if frame.schema[column].is_nested() or frame.schema[column] == pl.Binary:
            remedy = "choose another with --column NAME=COLUMN"
            raise FileFormatError(path, f"column {column!r} holds no text", remedy)
    ours: dict[str, pl.Series | pl.Expr] = {  # not pl.col: in names such as * and ^.*$ it sees patterns
        name: _whole_numbers(frame[column]).cast(pl.String) for name, column in recognised.items()
    }
    number = pl.int_range(1, pl.len() + 1)
    first = {
        "id": ours.pop("id", pl.format("protein_{}", number)),
        "sequence": ours.pop("sequence"),
        "text": ours.pop("text", pl.lit(None, pl.String)),
    }
    kept = {}
    for column in frame.columns:
        if column not in recognised.values():
            name = column + GIVEN * (column in ALIASES)
            while name != column and name in frame.columns:
                name += "_"
            kept[name] = frame[column]
    return frame.select(**first, **ours, **kept)


def _whole_numbers(cells: pl.Series) -> pl.Series:
    """Return whole numbers as such: beside a missing one pandas holds 7 as 7.0."""
    if not cells.dtype.is_float():
        return cells
    numbers = cells.fill_nan(None)
    return numbers.cast(pl.Int64, strict=False) if (numbers == numbers.floor()).all() else cells


def _repeated_headers(proteins: pl.DataFrame, recognised: Mapping[str, str]) -> dict[int, str]:
    """Find the rows that are a header once more, as in files put together: SEQUENCE would pass for a protein."""
    if "id" not in recognised:
        return {}
    names = (pl.col("id") == recognised["id"]) & (pl.col("sequence") == recognised["sequence"].upper())
    rows = proteins.with_row_index("row").filter(names)["row"]
    return dict.fromkeys(rows, "the header once more")


def _describe(problems: Mapping[int, str], proteins: pl.DataFrame, table: Table) -> list[BadRecord]:
    if not problems:
        return []
    lines, ids = table.lines(), proteins["id"]
    return [BadRecord(lines[row], shorten(ids[row] or "record"), problem) for row, problem in problems.items()]


WILD_TYPE, MUTANT = "wt_sequence", "mut_sequence"
_NEEDED = ("accession", "mutation", "effect", "wt_function")
WILD_TYPE_ID = "wild_type"
"""Column of a mutant's wild type, where both have a row of their own."""

_ADDED = {"id", "sequence", "text", WILD_TYPE_ID}
_OF_MUTANTS = ("mutation", "neutral", "n_changed")


def is_wide(present: Collection[str]) -> bool:
    """Say whether these columns hold a wild type and a mutant in each row, and none that stacking would add.

    >>> is_wide(["accession", "wt_sequence", "mut_sequence"]), is_wide(["accession", "sequence"])
    (True, False)
    """
    return {WILD_TYPE, MUTANT} <= set(present) and _ADDED.isdisjoint(present)


def stack_mutants(table: Table, path: Path) -> Table:
    """Give each wild type one row, or one for each of its texts, and each mutant one behind it.

    A wild type has the id `accession` and the text `wt_function`; a mutant the id `accession:mutation`, the
    text `effect`, and its wild type's id in the column `wild_type`. What describes mutations is null for wild
    types, all other columns are kept.

    Raises
    ------
    MissingColumnError
        If the accession, the mutation or one of the texts is missing.

    Examples
    --------
    >>> frame = pl.DataFrame({"accession": ["P1", "P1"], "mutation": ["K2A", "K2R"],
    ...     "effect": ["Dead.", "Alive."], "wt_function": ["Works."] * 2,
    ...     "wt_sequence": ["MK"] * 2, "mut_sequence": ["MA", "MR"]})
    >>> stacked = stack_mutants(Table(frame, lambda: [2, 3]), Path("twins.tsv"))
    >>> stacked.frame.select("id", "sequence", "text").rows(), stacked.lines()
    ([('P1', 'MK', 'Works.'), ('P1:K2A', 'MA', 'Dead.'), ('P1:K2R', 'MR', 'Alive.')], [2, 2, 3])
    """
    frame = table.frame.with_row_index("row in file")
    for column in _NEEDED:
        if column not in frame.columns:
            remedy = f"a table with {WILD_TYPE} and {MUTANT} needs it; or give --column sequence=NAME"
            raise missing_column(path, column, table.frame.columns, remedy)
    frame = frame.with_columns(or_null(pl.col("accession", "mutation", "wt_function").cast(pl.String)))
    replaced = ("accession", "effect", "wt_function", WILD_TYPE, MUTANT)
    others = pl.exclude("row in file", *replaced)
    of_wild_type = ("accession", WILD_TYPE)
    told = frame.unique([*of_wild_type, "wt_function"], keep="first", maintain_order=True)
    text = pl.col("wt_function")
    told = told.filter(text.is_not_null() | text.is_null().all().over(of_wild_type))
    wild_types = told.select(
        pl.col("row in file"),
        pl.col("accession").alias("id"),
        pl.col(WILD_TYPE).alias("sequence"),
        pl.col("wt_function").alias("text"),
        others,
        pl.lit(None, pl.String).alias(WILD_TYPE_ID),
    )
    nothing = {column: pl.lit(None, dtype) for column, dtype in frame.schema.items() if column in _OF_MUTANTS}
    wild_types = wild_types.with_columns(**nothing)
    mutants = frame.select(
        pl.col("row in file"),
        pl.format("{}:{}", "accession", "mutation").alias("id"),
        pl.col(MUTANT).alias("sequence"),
        pl.col("effect").alias("text"),
        others,
        pl.col("accession").alias(WILD_TYPE_ID),
    )
    stacked = pl.concat([wild_types, mutants]).sort("row in file", maintain_order=True)
    rows = stacked["row in file"].to_list()

    def lines() -> Sequence[int]:
        in_file = table.lines()
        return [in_file[row] for row in rows]

    return Table(stacked.drop("row in file"), lines, table.bad)
