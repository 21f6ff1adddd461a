"""The scoreboards' results as tables for people and as JSON values."""

from collections.abc import Sequence
from typing import Any

from rich import box
from rich.table import Table

from protrek_hm.evaluate.scoreboards.ec import EcResult
from protrek_hm.evaluate.scoreboards.ec_files import Enzymes
from protrek_hm.evaluate.scoreboards.sections import METRICS, SectionResult
from protrek_hm.evaluate.statistics import Estimate

FORMAT_VERSION = 1


def ec_table(results: Sequence[EcResult]) -> Table:
    """Return a row for each way of transfer: CLEAN's figures, then CARE's shares right by level."""
    count = results[0].levels[0].n
    table = _table(f"n = {count} proteins; in %, below it the 95 % interval over proteins.")
    for head in ("precision", "recall", "F1", "AUC", "level 1", "level 2", "level 3", "level 4"):
        table.add_column(head, justify="right")
    for each in results:
        estimates = [each.estimates[name] for name in ("precision", "recall", "f1", "auc")]
        table.add_row(each.name, *(_cell(estimate) for estimate in (*estimates, *each.levels)))
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
    table = _table("In %, below it the 95 % interval over queries; n queries over a pool.")
    for head in ("section", "n", "pool", *(name.upper() for name in METRICS)):
        table.add_column(head, justify="left" if head == "section" else "right")
    for each in results:
        cells = [_cell(each.estimates[name]) if name in each.estimates else "–" for name in METRICS]
        table.add_row(each.direction, each.section, str(each.estimates["map"].n), str(each.pool), *cells)
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
    table = Table(box=box.SIMPLE_HEAD, caption=caption, caption_justify="left")
    table.add_column("")
    return table


def _cell(estimate: Estimate) -> str:
    value = f"{100 * estimate.value:.1f}"
    if estimate.low is None or estimate.high is None:
        return value
    return f"{value}\n[{100 * estimate.low:.1f}, {100 * estimate.high:.1f}]"
