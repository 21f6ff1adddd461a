"""Answers as a table for people, or as JSON lines and TSV for programs."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, Literal, TextIO

import polars as pl

from protrek_hm.errors import shorten
from protrek_hm.homology.identity import identity
from protrek_hm.search.families import Family, identity_and_difference
from protrek_hm.search.rows import FAMILY, SCORES, rows_of_families, rows_of_hits
from protrek_hm.search.searcher import Hit

Format = Literal["table", "jsonl", "tsv"]
NUMBERS = {"rank", "score", "prob.", "E", "like 1st", "length"}
OWN_COLUMNS = ("query", *FAMILY, *SCORES)
MEMBERS = 5
"""Members of a family that the table shows beneath its best; all of them are in the other formats."""

Cells = dict[str, str]


def write_hits(results: Mapping[str, Sequence[Hit]], file: TextIO, *, form: Format) -> None:
    """Write the hits of each query to `file`; `table` shortens long texts, `jsonl` and `tsv` are complete.

    >>> import sys
    >>> hit = Hit(1, "P1", 0.5, 50.0, None, 0.01, 2.0, {"id": "P1", "sequence": "MKV"})
    >>> write_hits({"a kinase": [hit]}, sys.stdout, form="jsonl")
    {"query": "a kinase", "rank": 1, "id": "P1", "score": 0.5, "protrek_score": 50.0, "probability": null,
     "p_value": 0.01, "e_value": 2.0, "record": {"id": "P1", "sequence": "MKV"}}
    """
    if form == "table":
        for query, hits in results.items():
            _write_table(query, [_cells(hit, str(hit.rank)) | _like(hit, hits[0]) for hit in hits], file)
        return
    _write_rows(chain.from_iterable(rows_of_hits(*item) for item in results.items()), file, form=form)


def write_families(results: Mapping[str, Sequence[Family]], file: TextIO, *, form: Format) -> None:
    """Write the families of each query to `file`; in `table` a family's best stands above its members.

    >>> import sys
    >>> sequences = {"TEM-1": "MKTAYEAKQR", "TEM-x": "MKTAYKAKQR"}
    >>> hits = tuple(Hit(1, name, 0.5, 5.0, None, 0.01, 2.0, {"sequence": s}) for name, s in sequences.items())
    >>> write_families({"a kinase": [Family(1, hits)]}, sys.stdout, form="table")
    a kinase
     rank   score    E  id       differs  length
        1  0.5000  2.0  TEM-1                 10
           0.5000  2.0  └ TEM-x  E6K          10
    """
    if form == "table":
        for query, families in results.items():
            _write_table(query, list(chain.from_iterable(map(_family_cells, families))), file)
        return
    _write_rows(chain.from_iterable(rows_of_families(*item) for item in results.items()), file, form=form)


def _write_rows(rows: Iterable[Mapping[str, Any]], file: TextIO, *, form: Format) -> None:
    if form == "jsonl":
        for row in rows:
            file.write(json.dumps(_defined(row), ensure_ascii=False, default=str) + "\n")
        return
    flat = []
    for row in rows:
        own = {name: value for name, value in row.items() if name != "record"}
        others = {name: _flat(_defined(value)) for name, value in row["record"].items() if name != "id"}
        flat.append(
            {**own, **{f"record.{name}" if name in OWN_COLUMNS else name: value for name, value in others.items()}}
        )
    file.write(pl.DataFrame(flat, infer_schema_length=None).write_csv(separator="\t"))  # polars writes to UTF-8 alone


def _defined(value: Any) -> Any:
    """Replace numbers that are none by None: JSON has no NaN, and an empty cell is what they are."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {name: _defined(each) for name, each in value.items()}
    return [_defined(each) for each in value] if isinstance(value, list) else value


def _flat(value: object) -> object:
    """Write lists and structs as JSON, the one way to put them into a TSV cell."""
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, list | dict) else value


def _write_table(query: str, rows: Sequence[Cells], file: TextIO) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(file=file, markup=False, emoji=False, highlight=False)
    table = Table(title=shorten(query, width=console.width), title_justify="left", box=None)
    columns = {heading: [row[heading] for row in rows] for heading in (rows[0] if rows else {})}
    columns = {heading: column for heading, column in columns.items() if any(column)}
    for heading in columns:
        table.add_column(heading, justify="right" if heading in NUMBERS else "left", overflow="fold")
    if "text" in columns:
        others = sum(max(map(len, (heading, *column))) + 2 for heading, column in columns.items() if heading != "text")
        room = max(console.width - others - 2, 10)
        columns["text"] = [shorten(text, width=room) for text in columns["text"]]
    for row in zip(*columns.values(), strict=True):
        table.add_row(*row)
    console.print(table)


def _family_cells(family: Family) -> list[Cells]:
    rows = [_cells(family.best, str(family.rank))]
    for hit in family.hits[1 : MEMBERS + 1]:
        alike, difference = identity_and_difference(family.best.record["sequence"], hit.record["sequence"])
        said = f"{difference} ({alike:.1%})" if difference.endswith("differences") else difference
        rows.append(_cells(hit, "", prefix="└ ", differs=said))
    if len(family.hits) > MEMBERS + 1:
        rows.append(dict.fromkeys(rows[0], "") | {"id": f"└ {len(family.hits) - MEMBERS - 1} more"})
    return rows


def _like(hit: Hit, first: Hit) -> Cells:
    """How alike the hit and the first are tells twins from strangers."""
    return {"like 1st": "" if hit is first else f"{identity(first.record['sequence'], hit.record['sequence']):.1%}"}


def _cells(hit: Hit, rank: str, *, prefix: str = "", differs: str = "") -> Cells:
    sequence, organism = hit.record["sequence"], hit.record.get("organism") or ""
    return {
        "rank": rank,
        "score": f"{hit.score:.4f}",
        "prob.": "" if hit.probability is None else f"{hit.probability:.2f}",
        "E": "" if hit.e_value is None else _short(hit.e_value),
        "like 1st": "",
        "id": prefix + hit.id,
        "differs": differs,
        "organism": shorten(organism, width=24),
        "length": str(len(sequence)),
        "text": " ".join((hit.record.get("text") or "").split()),
    }


def _short(value: float) -> str:
    """Write a number that may be tiny or huge.

    >>> [_short(value) for value in (2, 0.031, 12345.6, 3.2e-7)]
    ['2.0', '0.031', '12,346', '3.2e-07']
    """
    return (
        f"{value:.1e}"
        if value < 0.001
        else f"{value:.2g}"
        if value < 1
        else f"{value:.1f}"
        if value < 100
        else f"{value:,.0f}"
    )
