"""What to change when mining found no twins: what was found instead, and columns that would tell functions apart."""

import re
from collections.abc import Collection
from decimal import Decimal, InvalidOperation

import numpy as np
import polars as pl

from protrek_hm.errors import in_percent
from protrek_hm.mine.config import ColumnEvidence, MineConfig
from protrek_hm.mine.evidence.columns import judge_column, split_set
from protrek_hm.mine.evidence.findings import Rows, Verdict

_NOT_FUNCTION = re.compile(
    r"(?:^|_)(?:ids?|accessions?|entry|names?|alleles?|genes?|length|mass|weight|year|date|pubmed|pmid|doi|taxon|taxid"
    r"|organism|species|source|reviewed|url|index|number|stage|split)(?:_|$)",
    re.IGNORECASE,
)
_READ = frozenset(
    {"id", "sequence", "text", "structure", "ec", "go", "stage", "protein", "text_evidence", "wild_type_id"}
)
_LEAST_TOLD = 0.5  # share of rows that must have a value
_MOST_VALUES = 0.5  # distinct values a row, above which words are free text
_SHOWN = 3


def advise(verdicts: dict[str, int], config: MineConfig) -> str:
    """Return the message for a run that found no triplet: what was found instead, and which flag to change.

    verdicts: number of pairs called same, unsure and different.

    Examples
    --------
    >>> advise({"same": 3, "unsure": 1}, MineConfig(gate="text"))
    'no twin found: 4 pairs look alike, the gate calls 3 same, 1 unsure, none different; raise --max-text-similarity'
    """
    alike = sum(verdicts.values())
    if config.compat:
        return "no twin found in the reference's way: mine without --compat, which finds all of them"
    if not alike:
        least, most = in_percent(config.min_identity, digits=0), in_percent(config.max_identity, digits=2)
        return (
            f"no twin found: no two proteins are {least} to {most} identical over "
            f"{in_percent(config.coverage, digits=0)} of their length; lower --min-identity or --coverage, "
            "or give more proteins"
        )
    if verdicts.get("different"):
        return "no twin is left: the guide scores every negative above 95 % of its positive; mine without --guide"
    counts = ", ".join(f"{verdicts.get(name, 0):,} {name}" for name in ("same", "unsure"))
    remedy = (
        "raise --max-text-similarity"
        if config.gate == "text"
        else "name columns that tell functions apart (--evidence column:set), or go by wording (--gate text)"
    )
    look = "pairs look" if alike != 1 else "pair looks"
    return f"no twin found: {alike:,} {look} alike, the gate calls {counts}, none different; {remedy}"


def suggest_evidence(
    entries: pl.DataFrame, left: Rows, right: Rows, *, named: Collection[str] = ()
) -> list[tuple[str, int]]:
    """Return values of --evidence for columns that differ in some pairs, and in how many; numbers first, at most three.

    Whether such a column speaks of function is for the user to say. named: columns that are evidence already. Columns
    that by their name hold ids, lengths, dates or species are left out. The tolerance of numbers is about half of
    their standard deviation.

    Examples
    --------
    >>> table = pl.DataFrame({"id": ["a", "b", "c"], "em_max": ["508", "448", "510"], "kind": ["x", "x", "x"]})
    >>> suggest_evidence(table, np.array([0, 0]), np.array([1, 2]))
    [('em_max:numeric:10', 1)]
    """
    found = []
    for name in entries.columns:
        if name in _READ or name in named or _NOT_FUNCTION.search(name) or entries.schema[name].is_nested():
            continue
        flag = _evidence_of(name, entries[name].cast(pl.String))
        if flag is not None:
            verdicts = judge_column(entries, left, right, evidence=ColumnEvidence.parse(flag)).verdicts
            found.append((flag, int((verdicts == Verdict.DIFFERENT).sum())))
    found = [each for each in found if each[1]]
    return sorted(found, key=lambda each: (":numeric:" not in each[0], -each[1], each[0]))[:_SHOWN]


def _evidence_of(name: str, cells: pl.Series) -> str | None:
    told = [cell for cell in cells if cell is not None and split_set(cell)]
    if len(told) < max(_LEAST_TOLD * len(cells), 2):
        return None
    numbers = list(filter(None, map(_number, told)))
    if len(numbers) == len(told):
        spread = float(np.std(np.array(numbers, dtype=float)))
        return f"{name}:numeric:{_round_down(spread / 2)}" if np.isfinite(spread) and spread > 0 else None
    if len(set(told)) < 2 or len(set(told)) > _MOST_VALUES * len(told):
        return None
    return f"{name}:set"


def _number(cell: str) -> Decimal | None:
    try:
        number = Decimal(cell.strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _round_down(value: float) -> str:
    """Return 1, 2 or 5 times a power of ten that is at most `value`, in decimal.

    >>> _round_down(28.3), _round_down(0.07)
    ('20', '0.05')
    """
    power = Decimal(10) ** int(np.floor(np.log10(value)))
    step = next(step for step in (5, 2, 1) if step * power <= Decimal(value) or step == 1)
    return f"{step * power:f}"
