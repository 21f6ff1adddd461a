"""How evidence answers: an outcome for each pair, and each outcome has a reason and a verdict."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import TypeVar

import numpy as np
import polars as pl
from jaxtyping import Bool, Int

Value = TypeVar("Value", bound=Hashable)
Rows = Int[np.ndarray, " pairs"]
"""Rows of the entries, one for each pair."""


class Verdict(IntEnum):
    """What evidence says about two functions; SILENT says nothing, UNSURE holds a weaker DIFFERENT back."""

    SILENT = 0
    SAME = 1
    UNSURE = 2
    DIFFERENT = 3


@dataclass(frozen=True)
class Outcome:
    """One possible answer: its reason code, as it is written into the output, and its verdict."""

    reason: str
    verdict: Verdict


SILENT = Outcome("", Verdict.SILENT)


@dataclass(frozen=True)
class Findings:
    """One outcome for each pair: `outcomes[codes[pair]]`."""

    outcomes: tuple[Outcome, ...]
    codes: Int[np.ndarray, " pairs"]

    @property
    def verdicts(self) -> Int[np.ndarray, " pairs"]:
        """The verdict on each pair, as integers of `Verdict`."""
        of_outcome = np.array([outcome.verdict for outcome in self.outcomes], dtype=np.int8)
        return np.asarray(of_outcome[self.codes])

    def only_where(self, mask: Bool[np.ndarray, " pairs"]) -> "Findings":
        """Return the same findings, silent outside the mask; the first outcome must be the silent one."""
        return Findings(self.outcomes, self.codes * mask)

    @property
    def reasons(self) -> np.ndarray:
        """The reason code of each pair, empty where the evidence is silent."""
        of_outcome = np.array([outcome.reason for outcome in self.outcomes], dtype=object)
        return np.asarray(of_outcome[self.codes])


def compare_values(
    values: Sequence[Value | None], left: Rows, right: Rows, *, compare: Callable[[Value, Value], Outcome]
) -> Findings:
    """Compare `values[left]` with `values[right]`, each distinct unordered pair of values once.

    values: one for each entry, None where nothing is known; a pair with None is silent. compare: must be
    symmetric.

    Examples
    --------
    >>> alike, unlike = Outcome("alike", Verdict.SAME), Outcome("unlike", Verdict.DIFFERENT)
    >>> findings = compare_values(
    ...     ["x", "x", "y", None], np.array([0, 0, 0]), np.array([1, 2, 3]),
    ...     compare=lambda a, b: alike if a == b else unlike,
    ... )
    >>> findings.reasons.tolist()
    ['alike', 'unlike', '']
    """
    numbers: dict[Value | None, int] = {None: 0}
    for value in values:
        numbers.setdefault(value, len(numbers))
    distinct = list(numbers)
    number = np.array([numbers[value] for value in values], dtype=np.int64)
    low, high = np.minimum(number[left], number[right]), np.maximum(number[left], number[right])
    pairs, inverse = np.unique(low * len(distinct) + high, return_inverse=True)
    outcomes: dict[Outcome, int] = {SILENT: 0}
    codes = np.zeros(len(pairs), dtype=np.int16)
    for position, (first, second) in enumerate(zip(*np.divmod(pairs, len(distinct)), strict=True)):
        one, other = distinct[first], distinct[second]
        if one is not None and other is not None:
            codes[position] = outcomes.setdefault(compare(one, other), len(outcomes))
    return Findings(tuple(outcomes), codes[inverse])


def join_reasons(findings: Sequence[Findings]) -> pl.Series:
    """Return the reason codes of each pair, those of all findings that speak, joined by `;`.

    Each distinct combination is joined once: millions of pairs share few.

    Examples
    --------
    >>> alike = Outcome("alike", Verdict.SAME)
    >>> found = Findings((SILENT, alike), np.array([0, 1]))
    >>> join_reasons([found, found]).to_list()
    ['', 'alike;alike']
    """
    key = np.zeros_like(findings[0].codes, dtype=np.int64)
    for found in findings:
        _, key = np.unique(key * len(found.outcomes) + found.codes, return_inverse=True)
    _, example = np.unique(key, return_index=True)
    reasons = [[found.outcomes[found.codes[pair]].reason for found in findings] for pair in example]
    joined = pl.Series("reasons", [";".join(filter(None, parts)) for parts in reasons], dtype=pl.String)
    return joined.gather(key)
