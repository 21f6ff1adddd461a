"""Triplets in and out: a text, the protein it belongs to, and a protein it does not belong to."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from protrek_hm.config import OnBadRecord
from protrek_hm.data.proteins import check_bad_records
from protrek_hm.data.schema import (
    bad_sequences,
    bad_structures,
    clean_sequences,
    clean_structures,
    missing_column,
    or_null,
    without_rows,
)
from protrek_hm.data.tables import BadRecord, Table, read_table, write_table
from protrek_hm.errors import FileFormatError, MissingColumnError, NothingFoundError

NEEDED = ("anchor_seq", "anchor_text", "hard_neg_seq", "hard_neg_text")
SEQUENCES, TEXTS = NEEDED[::2], NEEDED[1::2]
STRUCTURES = ("anchor_structure", "hard_neg_structure")
_SCORED = NEEDED[:3]
_REMEDY = "give a triplet table as `protrek-hm mine` writes it"
FRACTIONS = ("seq_similarity", "coverage", "text_similarity")


def read_triplets(path: Path | str, *, on_bad_record: OnBadRecord = "error") -> pl.DataFrame:
    r"""Read triplets, ours or those of the reference, from CSV (also TSV, Parquet, .gz, .zst).

    A row is one direction: the text `anchor_text` belongs to `anchor_seq` and not to `hard_neg_seq`.

    Parameters
    ----------
    path
        The file.
    on_bad_record
        "error" raises on the first bad record, "skip" leaves bad records out and logs how many.

    Returns
    -------
    DataFrame
        The file's columns in its order. `seq_similarity` (identity), `coverage` and `text_similarity` are
        Float64 in [0, 1], `component` is Int64; all others of text formats are strings, `anchor_structure` and
        `hard_neg_structure` in lower case. Cells may be null in all but the four needed columns.

    Raises
    ------
    MissingFileError, FileFormatError
        If the file does not exist, is damaged, or has no good record.
    MissingColumnError
        If one of the sequences or texts has no column.
    RecordError
        On a row with a missing text, a sequence missing or with wrong letters, two equal sequences, a structure
        with wrong letters or of another length, or a number that is not one or out of range.
    OptionError
        If `on_bad_record` is neither "error" nor "skip".

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "one.csv"
    >>> header = "anchor_seq,anchor_text,hard_neg_seq,hard_neg_text,seq_similarity,type"
    >>> _ = path.write_text(header + "\nMKVL,Binds iron.,MKVA,Inert.,0.75,hard\n")
    >>> read_triplets(path)["seq_similarity"].to_list()
    [0.75]
    """
    path = Path(path)
    table = read_table(path)
    _need_columns(table.frame, path)
    numbers = [name for name in (*FRACTIONS, "component") if name in table.frame.columns]
    triplets = table.frame.with_columns(
        *(clean_sequences(pl.col(name).cast(pl.String)) for name in SEQUENCES),
        *(or_null(pl.col(name).cast(pl.String)) for name in TEXTS),
        *(clean_structures(pl.col(name).cast(pl.String)) for name in STRUCTURES if name in table.frame.columns),
        *(pl.col(name).cast(pl.Float64, strict=False) for name in numbers),
    )
    problems = _problems(triplets, table.frame)
    check_bad_records(_bad_records(problems, table), path, on_bad_record)
    triplets = without_rows(triplets, problems)
    if triplets.is_empty():
        raise FileFormatError(path, "no good record", "mine triplets again, with wider thresholds")
    return triplets.with_columns(pl.col(name).cast(pl.Int64) for name in numbers if name == "component")


def write_triplets(frame: pl.DataFrame, path: Path | str, *, force: bool = False) -> None:
    """Write triplets as CSV, TSV (also .gz, .zst) or Parquet, by the ending; an older file only with `force`.

    Raises
    ------
    MissingColumnError
        If one of the sequences or texts has no column.
    FileFormatError, OutputExistsError, OutputError
        As `tables.write_table`.
    """
    _need_columns(frame, path)
    write_table(frame, Path(path), force=force)


def check_triplets(frame: pl.DataFrame, name: str) -> None:
    """Raise unless `frame` holds triplets that can be scored; messages call it `name`, such as its path.

    Raises
    ------
    MissingColumnError
        If `anchor_seq`, `anchor_text` or `hard_neg_seq` is not there.
    NothingFoundError
        If there are no rows.
    FileFormatError
        If one of the three is empty somewhere.

    Examples
    --------
    >>> check_triplets(pl.DataFrame({"anchor_seq": ["MK"], "anchor_text": ["A kinase."]}), "test.csv")
    Traceback (most recent call last):
    ...
    protrek_hm.errors.MissingColumnError: test.csv: no column 'hard_neg_seq' (columns: anchor_seq, ...
    """
    for column in _SCORED:
        if column not in frame.columns:
            raise MissingColumnError(name, column, frame.columns, _REMEDY)
    if frame.is_empty():
        raise NothingFoundError(f"{name}: holds no triplets; {_REMEDY}")
    for column in _SCORED:
        empty = empty_rows(frame[column])
        if len(empty):
            raise FileFormatError(name, f"row {empty[0] + 1} has no {column}", "fill it in, or drop the row")


def empty_rows(cells: pl.Series) -> pl.Series:
    """Return the numbers, from 0, of the cells that are null or blank.

    >>> empty_rows(pl.Series(["MK", " ", None])).to_list()
    [1, 2]
    """
    return (cells.cast(pl.String).str.strip_chars().fill_null("") == "").arg_true()


def with_structures(frame: pl.DataFrame, name: str, columns: Sequence[str] = STRUCTURES) -> pl.DataFrame:
    """Return the rows of a triplet table that hold all structures; messages call the table `name`.

    Raises
    ------
    MissingColumnError, NothingFoundError
        If a column is missing, or no row holds all structures.

    Examples
    --------
    >>> frame = pl.DataFrame({"anchor_structure": ["dv", None], "hard_neg_structure": ["dp", "vv"]})
    >>> with_structures(frame, "test.csv").height
    1
    """
    remedy = "mine proteins that have a column of structures (see `protrek-hm data structure`)"
    for column in columns:
        if column not in frame.columns:
            raise MissingColumnError(name, column, frame.columns, remedy)
    rows = frame.drop_nulls(columns)
    if rows.is_empty():
        raise NothingFoundError(f"{name}: no row with structures; {remedy}")
    return rows


def _need_columns(frame: pl.DataFrame, path: Path | str) -> None:
    for column in NEEDED:
        if column not in frame.columns:
            remedy = "give a file written by protrek-hm mine, or one with " + ", ".join(NEEDED)
            raise missing_column(path, column, frame.columns, remedy)


def _problems(triplets: pl.DataFrame, raw: pl.DataFrame) -> dict[int, str]:
    """Find the rows that cannot be used; of several problems of a row the last one found is told."""
    problems: dict[int, str] = {}
    for name, wanted in {**dict.fromkeys(FRACTIONS, "number in [0, 1]"), "component": "whole number"}.items():
        if name in raw.columns:
            number = pl.col(name)
            fine = number.is_between(0, 1) if name in FRACTIONS else number == number.floor()
            rows = triplets.select((~fine).fill_null(value=True)).to_series() & raw[name].is_not_null()
            problems |= {row: f"{name}: {raw[name][row]!r} is no {wanted}" for row in rows.arg_true()}
    same = (triplets[SEQUENCES[0]] == triplets[SEQUENCES[1]]).arg_true()
    problems |= dict.fromkeys(same, f"{SEQUENCES[0]} and {SEQUENCES[1]} are the same protein")
    for name in TEXTS:
        problems |= dict.fromkeys(triplets[name].is_null().arg_true(), f"no {name}")
    for name, sequence in zip(STRUCTURES, SEQUENCES, strict=True):
        if name in raw.columns:
            problems |= {row: f"{name}: {problem}" for row, problem in bad_structures(triplets, name, sequence).items()}
    for name in SEQUENCES:
        problems |= {row: f"{name}: {problem}" for row, problem in bad_sequences(triplets, name).items()}
    return dict(sorted(problems.items()))


def _bad_records(problems: dict[int, str], table: Table) -> tuple[BadRecord, ...]:
    lines = table.lines() if problems else ()
    bad = [BadRecord(lines[row], f"triplet {row + 1}", problem) for row, problem in problems.items()]
    return tuple(sorted((*table.bad, *bad), key=lambda record: record.line))
