"""Hits as a table for people, or as JSON lines and TSV for programs."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Literal, TextIO

import polars as pl

from protrek_hm.homology.identity import identity
from protrek_hm.model.encoder import shorten
from protrek_hm.search.searcher import Hit

Format = Literal["table", "jsonl", "tsv"]
HEADINGS = ("rank", "score", "like 1st", "id", "organism", "length", "text")
NUMBERS = {"rank", "score", "like 1st", "length"}
OWN_COLUMNS = ("query", "rank", "id", "score", "protrek_score")


def write_hits(results: Mapping[str, Sequence[Hit]], file: TextIO, *, form: Format) -> None:
    """Write the hits of each query to `file`; `table` shortens long texts, `jsonl` and `tsv` are complete.

    >>> import sys
    >>> hit = Hit(rank=1, id="P1", score=0.5, protrek_score=50.0, record={"id": "P1", "sequence": "MKV"})
    >>> write_hits({"a kinase": [hit]}, sys.stdout, form="jsonl")
    {"query": "a kinase", "rank": 1, "id": "P1", "score": 0.5, "protrek_score": 50.0,
     "record": {"id": "P1", "sequence": "MKV"}}
    """
    writers: dict[Format, Callable[[Mapping[str, Sequence[Hit]], TextIO], None]] = {
        "table": _write_table,
        "jsonl": _write_jsonl,
        "tsv": _write_tsv,
    }
    writers[form](results, file)


def _write_jsonl(results: Mapping[str, Sequence[Hit]], file: TextIO) -> None:
    for query, hits in results.items():
        for hit in hits:
            file.write(json.dumps({"query": query, **asdict(hit)}, ensure_ascii=False, default=str) + "\n")


def _write_tsv(results: Mapping[str, Sequence[Hit]], file: TextIO) -> None:
    rows = []
    for query, hits in results.items():
        for hit in hits:
            own = {"query": query, **{name: getattr(hit, name) for name in OWN_COLUMNS[1:]}}
            others = {name: value for name, value in hit.record.items() if name != "id"}
            clear = {f"record.{name}" if name in OWN_COLUMNS else name: value for name, value in others.items()}
            rows.append({**own, **{name: _flat(value) for name, value in clear.items()}})
    pl.DataFrame(rows, infer_schema_length=None).write_csv(file, separator="\t")


def _flat(value: object) -> object:
    """Write lists and structs as JSON, the one way to put them into a TSV cell."""
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, list | dict) else value


def _write_table(results: Mapping[str, Sequence[Hit]], file: TextIO) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(file=file, markup=False, emoji=False, highlight=False)
    for query, hits in results.items():
        cells = zip(*(_cells(hit, hits[0]) for hit in hits), strict=True)
        columns = {heading: column for heading, column in zip(HEADINGS, cells, strict=False) if any(column)}
        table = Table(title=shorten(query, width=console.width), title_justify="left", box=None)
        for heading in columns:
            table.add_column(heading, justify="right" if heading in NUMBERS else "left", overflow="fold")
        if "text" in columns:
            others = sum(
                max(map(len, (heading, *column))) + 2 for heading, column in columns.items() if heading != "text"
            )
            room = max(console.width - others - 2, 10)
            columns["text"] = tuple(shorten(text, width=room) for text in columns["text"])
        for row in zip(*columns.values(), strict=True):
            table.add_row(*row)
        console.print(table)


def _cells(hit: Hit, first: Hit) -> tuple[str, ...]:
    """Say what a row shows; how alike the hit and the first are tells twins from strangers."""
    sequence, organism = hit.record["sequence"], hit.record.get("organism") or ""
    alike = "" if hit is first else f"{identity(first.record['sequence'], sequence):.1%}"
    text = " ".join((hit.record.get("text") or "").split())
    return (
        str(hit.rank),
        f"{hit.score:.4f}",
        alike,
        hit.id,
        shorten(organism, width=24),
        str(len(sequence)),
        text,
    )
