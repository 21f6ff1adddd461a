"""Enzyme Commission numbers: which of the four levels two enzymes share."""

import re
from collections.abc import Sequence

import numpy as np
from jaxtyping import Int

from protrek_hm.mine.evidence.findings import SILENT, Findings, Outcome, Verdict, compare_values

_NUMBER = re.compile(r"\b([1-7])\.(\d+|-)\.(\d+|-)\.(n?\d+|-)")
_SAME = Outcome("ec:same", Verdict.SAME)
_DIFFERS = {level: Outcome(f"ec:differs-at-{level}", Verdict.DIFFERENT) for level in (1, 2, 3, 4)}

Numbers = frozenset[tuple[str, ...]]


def parse_ec(cell: str | None) -> Numbers | None:
    """Return the EC numbers in `cell`, each as its known levels; None if there is none.

    Examples
    --------
    >>> sorted(parse_ec("3.5.2.6; EC 2.7.-.-"))
    [('2', '7'), ('3', '5', '2', '6')]
    """
    found = frozenset(
        tuple(level for level in match.groups() if level != "-") for match in _NUMBER.finditer(cell or "")
    )
    return found or None


def compare_ec(one: Numbers, other: Numbers) -> Outcome:
    """Judge two sets of EC numbers by their closest pair of numbers.

    A shared number is *same*; numbers that part at a level that both know are *different*; a partial number
    that is the beginning of the other's (2.7.-.- and 2.7.1.1) says nothing.
    """
    if any(len(number) == 4 for number in one & other):
        return _SAME
    deepest = max(_parting(first, second) for first in one for second in other)
    return SILENT if deepest == _COMPATIBLE else _DIFFERS[deepest]


_COMPATIBLE = 5


def _parting(one: tuple[str, ...], other: tuple[str, ...]) -> int:
    """Return the first level (1 to 4) at which two numbers differ, or `_COMPATIBLE`."""
    for level, (first, second) in enumerate(zip(one, other, strict=False), start=1):
        if first != second:
            return level
    return _COMPATIBLE


def judge_ec(
    cells: Sequence[str | None], left: Int[np.ndarray, " pairs"], right: Int[np.ndarray, " pairs"]
) -> Findings:
    """Judge each pair of entries by their EC numbers.

    Examples
    --------
    >>> cells = ["3.5.2.6", "3.5.2.6", "3.5.1.1", "3.5.-.-", None]
    >>> judge_ec(cells, np.array([0, 0, 0, 0]), np.array([1, 2, 3, 4])).reasons.tolist()
    ['ec:same', 'ec:differs-at-3', '', '']
    """
    return compare_values([parse_ec(cell) for cell in cells], left, right, compare=compare_ec)
