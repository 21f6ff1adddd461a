"""Columns that a user names: the strongest evidence, since the user says that they decide."""

import re
from functools import partial

import numpy as np
import polars as pl
from jaxtyping import Int

from protrek_hm.errors import OptionError
from protrek_hm.mine.config import ColumnEvidence
from protrek_hm.mine.evidence.findings import Findings, Outcome, Verdict, compare_values


def judge_column(
    entries: pl.DataFrame,
    left: Int[np.ndarray, " pairs"],
    right: Int[np.ndarray, " pairs"],
    *,
    evidence: ColumnEvidence,
) -> Findings:
    """Compare one column of both entries of each pair; an empty cell is a missing label, which says nothing.

    Raises
    ------
    OptionError
        If there is no such column, or a `numeric` one holds something else.

    Examples
    --------
    >>> entries = pl.DataFrame({"drug": ["A; B", "B;A", "B,C", "C", None]})
    >>> judge_column(
    ...     entries, np.array([0, 0, 0, 0]), np.array([1, 2, 3, 4]), evidence=ColumnEvidence("drug", "set")
    ... ).reasons.tolist()
    ['drug:same', 'drug:overlaps', 'drug:differs', '']
    """
    name = evidence.column
    if name not in entries.columns:
        raise OptionError("evidence", name, f"no such column; there are {', '.join(entries.columns)}")
    cells = entries[name].cast(pl.String).str.strip_chars().to_list()
    same, differs = Outcome(f"{name}:same", Verdict.SAME), Outcome(f"{name}:differs", Verdict.DIFFERENT)
    if evidence.kind == "set":
        overlaps = Outcome(f"{name}:overlaps", Verdict.UNSURE)
        return compare_values(
            [split_set(cell) if cell else None for cell in cells],
            left,
            right,
            compare=partial(compare_sets, same=same, overlaps=overlaps, differs=differs),
        )
    if evidence.kind == "numeric":
        return compare_values(
            [_number(cell, name) if cell else None for cell in cells],
            left,
            right,
            compare=lambda one, other: same if abs(one - other) <= evidence.tolerance else differs,
        )
    return compare_values(
        [cell.casefold() if cell else None for cell in cells],
        left,
        right,
        compare=lambda one, other: same if one == other else differs,
    )


def split_set(cell: str) -> frozenset[str]:
    """Return the values listed in `cell`, separated by `,` `;` `/` or `|`, without regard to case.

    Examples
    --------
    >>> sorted(split_set("Phenicol/Quinolone"))
    ['phenicol', 'quinolone']
    """
    return frozenset(part for part in (raw.strip().casefold() for raw in re.split(r"[,;/|]", cell)) if part)


def compare_sets(
    one: frozenset[str], other: frozenset[str], *, same: Outcome, overlaps: Outcome, differs: Outcome
) -> Outcome:
    """Tell equal sets from overlapping ones from disjoint ones."""
    if one == other:
        return same
    return overlaps if one & other else differs


def _number(cell: str, name: str) -> float:
    try:
        return float(cell)
    except ValueError:
        raise OptionError("evidence", f"{name}:numeric", f"the column holds {cell!r}, which is not a number") from None
