"""The scoreboards' results as tables for people and as JSON values."""

from collections.abc import Sequence
from typing import Any

from rich import box
from rich.table import Table

from protrek_hm.evaluate.scoreboards.ec import EcResult
from protrek_hm.evaluate.scoreboards.ec_files import Enzymes
from protrek_hm.evaluate.scoreboards.ec_metrics import LEVELS
from protrek_hm.evaluate.scoreboards.sections import METRICS, SectionResult
from protrek_hm.evaluate.statistics import Estimate

FORMAT_VERSION = 1


def ec_table(results: Sequence[EcResult]) -> Table:
    """Return a column for each way of transfer: CLEAN's figures, then CARE's shares right by level."""
    count = results[0].levels[0].n
    table = _table(f"n = {count} proteins; in % [95 % interval over proteins].")
    for each in results:
        table.add_column(each.name, justify="right")
    for name, title in (("precision", "precision"), ("recall", "recall"), ("f1", "F1"), ("auc", "AUC")):
        table.add_row(f"CLEAN, {title}", *(_cell(each.estimates[name]) for each in results))
    for level in range(LEVELS):
        table.add_row(f"CARE, first right to level {level + 1}", *(_cell(each.levels[level]) for each in results))
    return table


def ec_content(results: Sequence[EcResult], test: Enzymes, *, shared: int) -> dict[str, Any]:
    """Return everything as JSON values, the predicted classes of each protein included."""
    return {
        "format_version": FORMAT_VERSION,
        "proteins": len(test.sequences),
        "proteins_also_in_training": shared,
        "transfers": {
            each.name: {
                "meaning": each.meaning,
                "clean": {name: estimate.as_dict() for name, estimate in each.estimates.items()},
                "care_levels": [estimate.as_dict() for estimate in each.levels],
                "predicted": dict(zip(test.ids, map(list, each.predicted), strict=True)),
            }
            for each in results
        },
    }


def sections_table(results: Sequence[SectionResult]) -> Table:
    """Return a row for each direction and section."""
    table = _table("In % [95 % interval over queries]; n queries over a pool.")
    for head in ("n", "pool", *(name.upper() for name in METRICS)):
        table.add_column(head, justify="right")
    for each in results:
        cells = [_cell(each.estimates[name]) if name in each.estimates else "–" for name in METRICS]
        name = f"{each.section}\n{each.direction}"
        table.add_row(
            name, f"{each.estimates['map'].n}", f"{each.pool}", *(cell.replace(" [", "\n[") for cell in cells)
        )
    return table


def sections_content(results: Sequence[SectionResult]) -> dict[str, Any]:
    """Return everything as JSON values."""
    rows = [
        {
            "direction": each.direction,
            "section": each.section,
            "pool": each.pool,
            "measures": {name: estimate.as_dict() for name, estimate in each.estimates.items()},
        }
        for each in results
    ]
    return {"format_version": FORMAT_VERSION, "results": rows}


def _table(caption: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, caption=caption, caption_justify="left", padding=(0, 1, 0, 0))
    table.add_column("")
    return table


def _cell(estimate: Estimate) -> str:
    value = f"{100 * estimate.value:.1f}"
    if estimate.low is None or estimate.high is None:
        return value
    return f"{value} [{100 * estimate.low:.1f}, {100 * estimate.high:.1f}]"
