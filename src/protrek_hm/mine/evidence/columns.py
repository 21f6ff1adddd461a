"""Columns that a user names: the strongest evidence, since the user says that they decide."""

import math
import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from functools import partial

import polars as pl

from protrek_hm.data.schema import says_nothing
from protrek_hm.errors import CellError, OptionError
from protrek_hm.mine.config import ColumnEvidence
from protrek_hm.mine.evidence.findings import Findings, Outcome, Rows, Verdict, compare_values


def judge_column(entries: pl.DataFrame, left: Rows, right: Rows, *, evidence: ColumnEvidence) -> Findings:
    """Compare one column of both entries of each pair; a cell that says "nothing" is a missing label and silent.

    What says "nothing" stands in `data.schema.MISSING`; `evidence.keep` takes words out of it. Numbers are compared as
    they are written, in decimal: 1.1 and 1.0 are 0.1 apart. NaN and infinities are missing.

    Raises
    ------
    OptionError
        If there is no such column, or it holds lists.
    CellError
        If a `numeric` column holds something else than numbers.

    Examples
    --------
    >>> import numpy as np
    >>> entries = pl.DataFrame({"drug": ["A; B", "B;A", "B,C", "C", "N/A"]})
    >>> judge_column(
    ...     entries, np.array([0, 0, 0, 0]), np.array([1, 2, 3, 4]), evidence=ColumnEvidence("drug", "set")
    ... ).reasons.tolist()
    ['drug:same', 'drug:overlaps', 'drug:differs', '']
    """
    name = evidence.column
    cells = _cells(entries, evidence)
    same, differs = Outcome(f"{name}:same", Verdict.SAME), Outcome(f"{name}:differs", Verdict.DIFFERENT)
    if evidence.kind == "set":
        overlaps = Outcome(f"{name}:overlaps", Verdict.UNSURE)
        return compare_values(
            [split_set(cell, keep=evidence.keep) or None if cell else None for cell in cells],
            left,
            right,
            compare=partial(compare_sets, same=same, overlaps=overlaps, differs=differs),
        )
    if evidence.kind == "numeric":
        tolerance = Decimal(str(evidence.tolerance))
        return compare_values(
            _numbers(cells, name),
            left,
            right,
            compare=lambda one, other: same if abs(one - other) <= tolerance else differs,
        )
    return compare_values(
        [_folded(cell) if cell else None for cell in cells],
        left,
        right,
        compare=lambda one, other: same if one == other else differs,
    )


def split_set(cell: str, *, keep: Sequence[str] = ()) -> frozenset[str]:
    """Return the values listed in `cell`, separated by `,` `;` `/` or `|`, without regard to case.

    Parts that say "nothing" are none, but for the words in `keep`.

    Examples
    --------
    >>> sorted(split_set("Phenicol/Quinolone; N/A"))
    ['phenicol', 'quinolone']
    """
    told = [part for part in re.split(r"[,;|]", cell) if not is_missing(part, keep=keep)]
    values = [value for part in told for value in part.split("/") if not is_missing(value, keep=keep)]
    return frozenset(map(_folded, values))


def is_missing(cell: str, *, keep: Sequence[str] = ()) -> bool:
    """Say whether a cell says that there is nothing, as `schema.or_null` has it, but for the words in `keep`.

    >>> is_missing(" #N/A "), is_missing("NA", keep=["NA"]), is_missing("Na")
    (True, False, False)
    """
    return says_nothing(cell) and _folded(cell) not in map(_folded, keep)


def compare_sets(
    one: frozenset[str], other: frozenset[str], *, same: Outcome, overlaps: Outcome, differs: Outcome
) -> Outcome:
    """Tell equal sets from overlapping ones from disjoint ones."""
    if one == other:
        return same
    return overlaps if one & other else differs


def _cells(entries: pl.DataFrame, evidence: ColumnEvidence) -> list[str | None]:
    """Return the column's cells as strings, None where they say "nothing"."""
    name = evidence.column
    if name not in entries.columns:
        raise OptionError("evidence", name, f"no such column; there are {', '.join(entries.columns)}")
    if entries.schema[name].is_nested():
        raise OptionError("evidence", name, "the column holds lists; write them as text, separated by ;")
    cells = entries[name].cast(pl.String)
    missing = {cell for cell in cells.unique() if cell is None or is_missing(cell, keep=evidence.keep)}
    return [None if cell in missing else cell for cell in cells]


def _numbers(cells: list[str | None], name: str) -> list[Decimal | None]:
    """Return the numbers of a column as they are written."""
    numbers: list[Decimal | None] = []
    wrong: list[int] = []
    for row, cell in enumerate(cells):
        try:
            number = None if cell is None else Decimal(cell.strip())
        except InvalidOperation:
            number = None
            wrong.append(row)
        numbers.append(number if number is not None and number.is_finite() and math.isfinite(float(number)) else None)
    if wrong:
        told = sum(cell is not None for cell in cells)
        such = f"{len(wrong):,} of {told:,} cells are not" if len(wrong) > 1 else f"the only one of {told:,} cells"
        remedy = f"which is not a number ({such}); empty such cells, or use {name}:equal"
        raise CellError("evidence", f"{name}:numeric", remedy, row=wrong[0], cell=str(cells[wrong[0]]))
    return numbers


def _folded(value: str) -> str:
    return " ".join(value.casefold().split())
