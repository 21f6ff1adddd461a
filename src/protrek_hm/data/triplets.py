"""Triplets in and out: a text, the protein it belongs to, and a protein it does not belong to."""

from pathlib import Path

import polars as pl

from protrek_hm.data.proteins import OnBadRecord, check_bad_records
from protrek_hm.data.records import BadRecord, Table
from protrek_hm.data.schema import missing_column, or_null
from protrek_hm.data.tables import read_table, write_table
from protrek_hm.data.validation import (
    bad_sequences,
    bad_structures,
    clean_sequences,
    clean_structures,
    without_rows,
)
from protrek_hm.errors import FileFormatError

NEEDED = ("anchor_seq", "anchor_text", "hard_neg_seq", "hard_neg_text")
SEQUENCES, TEXTS = NEEDED[::2], NEEDED[1::2]
STRUCTURES = ("anchor_structure", "hard_neg_structure")
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
        If the file is not there, damaged, or without a good record.
    MissingColumnError
        If one of the sequences or texts has no column.
    RecordError
        On a row with a missing text, a sequence missing or with wrong letters, two equal sequences, a structure
        with wrong letters or of another length, or a number that is none or out of range.

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


def write_triplets(frame: pl.DataFrame, path: Path | str, *, force: bool = True) -> None:
    """Write triplets, whole or not at all, as `tables.write_table` does.

    Raises
    ------
    MissingColumnError
        If one of the sequences or texts has no column.
    """
    _need_columns(frame, path)
    write_table(frame, Path(path), force=force)


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
