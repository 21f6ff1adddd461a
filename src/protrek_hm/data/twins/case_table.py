"""Case tables: two near-identical proteins and two texts a row, what `mine twins` writes and `evaluate twins` reads.

A row is a pair seen once: `text_a` is right for `a` and wrong for `b`, `text_b` the other way round. In a *control* the
two proteins do the same work, and both texts are as right or wrong for the one as for the other: whoever tells them
apart raises a false alarm. `family` is the component of the pair at 50 % identity, the unit of splits and intervals.
"""

from pathlib import Path
from typing import Literal, get_args

import polars as pl

from protrek_hm.config import OnBadRecord
from protrek_hm.data.proteins import check_bad_records
from protrek_hm.data.schema import bad_sequences, clean_sequences, missing_column, or_null, without_rows
from protrek_hm.data.tables import BadRecord, Table, read_table, write_table
from protrek_hm.data.texts import fold_text
from protrek_hm.errors import FileFormatError

Kind = Literal["wild-type-mutant", "mutant-mutant", "natural"]
CaseSplit = Literal["train", "valid", "test", "known"]

KINDS: tuple[str, ...] = get_args(Kind)
"""What the pair is; each kind has another shortcut, so they are counted apart."""

SPLITS: tuple[str, ...] = get_args(CaseSplit)
"""`known`: both proteins are unseen, their family is in training; the other three share no family."""

CONTROL = ("yes", "no")
SEQUENCES, TEXTS = ("a", "b"), ("text_a", "text_b")
NEEDED = ("id_a", "id_b", *SEQUENCES, *TEXTS, "set", "kind", "control", "family", "split")
SCORES = ("score_a", "score_b")
OPTIONAL = (*SCORES, "assay", "wording", "reference")
"""Scores as published and their assay (deep mutational scans); the number of the texts' wording, from 0; the sequence
of the wild type that both are variants of, one of them perhaps without a change (none where they are natural)."""

_WORDS = {"kind": KINDS, "control": CONTROL, "split": SPLITS}
_REMEDY = "give a case table as `protrek-hm mine twins` writes it"


def read_cases(path: Path | str, *, on_bad_record: OnBadRecord = "error") -> pl.DataFrame:
    r"""Read a case table from CSV (also TSV, Parquet, .gz, .zst).

    Parameters
    ----------
    path
        The file.
    on_bad_record
        "error" raises on the first bad record, "skip" leaves bad records out and logs how many.

    Returns
    -------
    DataFrame
        The columns `NEEDED`, strings without nulls, first, then the file's others in its order. `score_a` and `score_b`
        are Float64, `wording` is Int64; these, like `assay` and `reference`, may be null.

    Raises
    ------
    MissingFileError, FileFormatError
        If the file does not exist, is damaged, or has no good record.
    MissingColumnError
        If one of `NEEDED` is not there.
    RecordError
        On a row with an empty cell among `NEEDED`, a sequence (`reference`, too) with wrong letters, two equal
        sequences, two equal texts in a case that is no control, an unknown kind, control or split, or a number that is
        none; and on the second of two rows that are the same case.
    OptionError
        If `on_bad_record` is neither "error" nor "skip".

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "one.csv"
    >>> header = "id_a,id_b,a,b,text_a,text_b,set,kind,control,family,split"
    >>> _ = path.write_text(header + "\nP1,P1:K2A,MKV,MAV,Binds.,Inert.,mutadescribe,wild-type-mutant,no,P1,test\n")
    >>> read_cases(path).select("a", "b", "kind").row(0)
    ('MKV', 'MAV', 'wild-type-mutant')
    """
    path = Path(path)
    table = read_table(path)
    _need_columns(table.frame, path)
    present = table.frame.columns
    cases = table.frame.select(*NEEDED, pl.exclude(NEEDED)).with_columns(
        *(or_null(pl.col(name).cast(pl.String)) for name in NEEDED if name not in SEQUENCES),
        *(clean_sequences(pl.col(name).cast(pl.String)) for name in (*SEQUENCES, "reference") if name in present),
        *(pl.col(name).cast(pl.Float64, strict=False) for name in SCORES if name in present),
        *(pl.col(name).cast(pl.Int64, strict=False) for name in ("wording",) if name in present),
    )
    problems = _problems(cases, table.frame)
    check_bad_records(_bad_records(problems, table, cases), path, on_bad_record)
    cases = without_rows(cases, problems)
    if cases.is_empty():
        raise FileFormatError(path, "no good record", _REMEDY)
    return cases


def write_cases(cases: pl.DataFrame, path: Path | str, *, force: bool = False) -> None:
    """Write a case table as CSV, TSV (also .gz, .zst) or Parquet, by the ending; an older file only with `force`.

    Raises
    ------
    MissingColumnError
        If one of `NEEDED` is not there.
    FileFormatError, OutputExistsError, OutputError
        As `tables.write_table`.
    """
    _need_columns(cases, path)
    write_table(cases, Path(path), force=force)


def swapped(cases: pl.DataFrame) -> pl.DataFrame:
    """Return the same cases seen from the other side: everything of `a` and of `b` exchanged.

    >>> swapped(pl.DataFrame({"a": ["MK"], "b": ["MA"], "family": ["P1"]})).rows()
    [('MA', 'MK', 'P1')]
    """
    other = {"a": "b", "b": "a", **{f"{name}_{x}": f"{name}_{y}" for name in _SIDED for x, y in ("ab", "ba")}}
    return cases.select(pl.col(other.get(name, name)).alias(name) for name in cases.columns)


_SIDED = ("id", "text", "score")


def _need_columns(frame: pl.DataFrame, path: Path | str) -> None:
    for column in NEEDED:
        if column not in frame.columns:
            raise missing_column(path, column, frame.columns, _REMEDY)


def _problems(cases: pl.DataFrame, raw: pl.DataFrame) -> dict[int, str]:
    """Find the rows that cannot be used; of several problems of a row the last one found is told."""
    problems: dict[int, str] = {}
    for name in ("score_a", "score_b", "wording"):
        if name in cases.columns:
            wrong = raw.select(or_null(pl.col(name).cast(pl.String)).is_not_null()).to_series() & (
                cases[name].is_null() | ~cases[name].cast(pl.Float64).is_finite()
            )
            problems |= {row: f"{name}: {raw[name][row]!r} is no number" for row in wrong.arg_true()}
    pair = [each(*names) for names in (("id_a", "id_b"), TEXTS) for each in (pl.min_horizontal, pl.max_horizontal)]
    assay = pl.col("assay") if "assay" in cases.columns else pl.lit(None)
    first = cases.select(pl.concat_str(*pair, assay, separator="\t", ignore_nulls=True).is_first_distinct()).to_series()
    problems |= dict.fromkeys((~first).arg_true(), "an earlier row has the same two proteins and texts")
    folded = [cases[name].map_elements(fold_text, return_dtype=pl.String) for name in TEXTS]
    alike = (cases["control"] == "no") & (folded[0] == folded[1])
    problems |= dict.fromkeys(alike.arg_true(), "text_a and text_b are one text, and it is no control")
    problems |= dict.fromkeys((cases["a"] == cases["b"]).arg_true(), "a and b are the same protein")
    for name, words in _WORDS.items():
        unknown = ~cases[name].is_in(words)
        problems |= {row: f"{name}: {cases[name][row]!r} is none of {', '.join(words)}" for row in unknown.arg_true()}
    for name in NEEDED:
        problems |= dict.fromkeys(cases[name].is_null().arg_true(), f"no {name}")
    if "reference" in cases.columns:
        bad = bad_sequences(cases, "reference").items()
        problems |= {row: f"reference: {told}" for row, told in bad if cases["reference"][row] is not None}
    for name in SEQUENCES:
        problems |= {row: f"{name}: {problem}" for row, problem in bad_sequences(cases, name).items()}
    return dict(sorted(problems.items()))


def _bad_records(problems: dict[int, str], table: Table, cases: pl.DataFrame) -> tuple[BadRecord, ...]:
    lines = table.lines() if problems else ()
    names = cases.select(pl.concat_str("id_a", pl.lit(" / "), "id_b")).to_series()
    bad = [BadRecord(lines[row], names[row] or f"case {row + 1}", problem) for row, problem in problems.items()]
    return tuple(sorted((*table.bad, *bad), key=lambda record: record.line))
