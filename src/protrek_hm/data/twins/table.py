"""The table of twins: its columns, and the report of what became of a set's records."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from protrek_hm.data.schema import sequence_problem
from protrek_hm.data.twins.config import TwinSet
from protrek_hm.data.twins.texts import wordings

SCHEMA: dict[str, type[pl.DataType]] = {
    "id": pl.String,
    "sequence": pl.String,
    "text": pl.String,
    "set": pl.String,
    "label": pl.String,
    "wild_type": pl.String,
    "mutation": pl.String,
    "assay": pl.String,
    "score": pl.Float64,
    "control": pl.String,
}
"""Columns of every table of twins, in this order; those of a set's evidence stand behind them.

`label` holds facts joined by ``|`` and sorted; `wild_type` the id of the wild type's row; `control` is yes where the
function is known to be kept. What a row does not have is null.
"""

SHOWN = 3
"""Names that a line of the report shows."""


@dataclass
class TwinReport:
    """What became of the records.

    Attributes
    ----------
    set
        Name of the set.
    records
        Records of the files, all of them.
    proteins, wild_types, mutants, controls, natural, with_text
        Rows of the table: all, wild types of mutants, mutants, those of them that keep their function, all others
        (natural homologs), and those with a text.
    left_out
        Reason → the names of the records that are not in the table for it.
    noted
        Remark → the names of those that are in it, and that the remark is about.
    """

    set: TwinSet
    records: int = 0
    proteins: int = 0
    wild_types: int = 0
    mutants: int = 0
    controls: int = 0
    natural: int = 0
    with_text: int = 0
    left_out: dict[str, list[str]] = field(default_factory=dict)
    noted: dict[str, list[str]] = field(default_factory=dict)

    def leave_out(self, reason: str, name: str) -> None:
        """Count and name a record that is not in the table."""
        self.left_out.setdefault(reason, []).append(name)

    def note(self, remark: str, name: str) -> None:
        """Count and name a record that is in the table, but that something is to be said of."""
        self.noted.setdefault(remark, []).append(name)

    def lines(self) -> list[str]:
        """Return a line for each reason and remark, with the first names.

        >>> report = TwinReport("dms")
        >>> report.leave_out("a stop", "A12*")
        >>> report.lines()
        ['left out: 1 (a stop): A12*']
        """
        told = [("left out", self.left_out), ("note", self.noted)]
        return [
            f"{verb}: {len(names):,} ({reason}): {', '.join(names[:SHOWN])}{', …' * (len(names) > SHOWN)}"
            for verb, reasons in told
            for reason, names in reasons.items()
        ]


@dataclass(frozen=True)
class TwinTable:
    """The rows of a set, columns as in `SCHEMA` and behind them the set's evidence, and the report."""

    frame: pl.DataFrame
    report: TwinReport


def complete_rows(rows: Iterable[Mapping[str, Any]], report: TwinReport) -> pl.DataFrame:
    """Make a frame of rows: `set` and `text` added, ids made unique, rows with a wrong letter left out.

    Of several rows with the same id the second gets ``:2``, and the report says so.
    """
    made, seen = [], dict[str, int]()
    for row in rows:
        problem = sequence_problem(row["sequence"])
        if problem:
            report.leave_out(problem if problem == "no sequence" else "a letter that is no amino acid", row["id"])
            continue
        seen[row["id"]] = number = seen.get(row["id"], 0) + 1
        name = row["id"] if number == 1 else f"{row['id']}:{number}"
        if number > 1:
            report.note("an id of several proteins, numbered", name)
        complete = {"control": "no", **row, "id": name, "set": report.set}
        complete["text"] = next(iter(wordings(complete)), None)
        made.append(complete)
    return arrange(pl.DataFrame(made, infer_schema_length=None)) if made else pl.DataFrame(schema=SCHEMA)


def arrange(frame: pl.DataFrame) -> pl.DataFrame:
    """Put the columns of `SCHEMA` first, with their types; those that are missing are null."""
    ours = [
        (pl.col(name) if name in frame.columns else pl.lit(None)).cast(kind).alias(name)
        for name, kind in SCHEMA.items()
    ]
    return frame.select(*ours, pl.exclude(*SCHEMA))


def finish(frame: pl.DataFrame, report: TwinReport) -> TwinTable:
    """Count the rows into the report."""
    report.proteins, report.mutants = frame.height, frame["wild_type"].count()
    report.wild_types = frame["wild_type"].drop_nulls().n_unique()
    report.natural = report.proteins - report.mutants - report.wild_types
    report.controls = int((frame["control"] == "yes").sum())
    report.with_text = frame["text"].count()
    return TwinTable(frame, report)


def join_facts(facts: Iterable[str]) -> str | None:
    """Join facts in canonical form: stripped, each once, sorted, separated by ``|``; none give None.

    >>> join_facts(["valine", " leucine", "valine"])
    'leucine|valine'
    """
    stripped = {" ".join(fact.split()) for fact in facts}
    return "|".join(sorted(stripped - {""})) or None
