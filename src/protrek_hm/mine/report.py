"""What mining kept and removed, step by step, as a table and as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from protrek_hm.locations import as_url

FORMAT_VERSION = 1
_REASONS = 10  # shown


@dataclass(frozen=True)
class Step:
    """One filter: how many of `unit` came in, how many were kept, and a note."""

    name: str
    unit: str
    given: int
    kept: int
    note: str = ""

    @property
    def removed(self) -> int:
        """How many were removed."""
        return self.given - self.kept


@dataclass
class MiningReport:
    """The steps in order, counts by split, and warnings; `print(report)` shows a table.

    reasons: pairs by verdict and reasons, the most frequent first; shown where there are no splits. split_notes: what
    the split does not keep apart, as `evaluate` quotes it.

    Examples
    --------
    >>> report = MiningReport(steps=[Step("with a text", "proteins", 10, 8)])
    >>> print(report)
    step         given  kept  removed  of        note
    with a text     10     8        2  proteins
    """

    steps: list[Step] = field(default_factory=list)
    splits: dict[str, dict[str, int]] = field(default_factory=dict)
    reasons: dict[str, int] = field(default_factory=dict)
    reference: dict[str, int] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    split_notes: list[str] = field(default_factory=list)

    def add(self, name: str, unit: str, *, given: int, kept: int, note: str = "") -> None:
        """Append a step."""
        self.steps.append(Step(name, unit, given, kept, note))

    def to_dict(self, *, source: Path | None, config: Mapping[str, Any]) -> dict[str, Any]:
        """Return the report as it is written to `mining_report.json`."""
        steps = [{**asdict(step), "removed": step.removed} for step in self.steps]
        return {
            "format_version": FORMAT_VERSION,
            "input": None if source is None else as_url(source),
            "steps": steps,
            "splits": self.splits,
            "verdict_reasons": self.reasons,
            "reference": self.reference,
            "warnings": self.warnings,
            "split_notes": self.split_notes,
            "config": dict(config),
        }

    def _repr_html_(self) -> str:
        """Show itself in a notebook."""
        from protrek_hm.figures.notebook import html_table, notebook_html, paragraph

        rows = [[each.name, f"{each.given:,}", f"{each.kept:,}", each.unit, each.note] for each in self.steps]
        parts = [html_table(["step", "given", "kept", "of", "note"], rows, numbers=[1, 2])]
        if self.splits:
            heads = list(next(iter(self.splits.values())))
            splits = [[name, *(f"{counts[head]:,}" for head in heads)] for name, counts in self.splits.items()]
            parts.append(html_table(["split", *heads], splits, numbers=range(1, len(heads) + 1)))
        return notebook_html(*parts, *(paragraph(f"warning: {each}", small=True) for each in self.warnings))

    def __str__(self) -> str:
        rows = [("step", "given", "kept", "removed", "of", "note")]
        rows += [
            (step.name, f"{step.given:,}", f"{step.kept:,}", f"{step.removed:,}", step.unit, step.note)
            for step in self.steps
        ]
        lines = [*_columns(rows, left=(0, 4, 5))]
        if self.splits:
            names = list(next(iter(self.splits.values())))
            table = [("split", *names)]
            table += [(split, *(f"{counts[name]:,}" for name in names)) for split, counts in self.splits.items()]
            lines += ["", *_columns(table, left=(0,))]
        elif self.reasons:
            shown = [(reason, f"{count:,}") for reason, count in list(self.reasons.items())[:_REASONS]]
            if rest := list(self.reasons.values())[_REASONS:]:
                shown.append((f"{len(rest):,} other reasons", f"{sum(rest):,}"))
            lines += ["", *_columns([("verdict: reasons", "pairs"), *shown], left=(0,))]
        if self.reference:
            counts = [(reason, f"{count:,}") for reason, count in self.reference.items()]
            lines += ["", *_columns([("twins by our gate, in the reference", "pairs"), *counts], left=(0,))]
        return "\n".join(lines + [f"warning: {warning}" for warning in self.warnings])


def _columns(rows: Sequence[tuple[str, ...]], *, left: tuple[int, ...]) -> list[str]:
    columns = []
    for place, cells in enumerate(zip(*rows, strict=True)):
        width = max(map(len, cells))
        columns.append([cell.ljust(width) if place in left else cell.rjust(width) for cell in cells])
    return ["  ".join(row).rstrip() for row in zip(*columns, strict=True)]
