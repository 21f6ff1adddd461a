"""Descriptions for people, or complete as JSON lines and TSV."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Literal, TextIO

import polars as pl
from rich.console import Console
from rich.table import Table

from protrek_hm.data.uniprot.rows import title
from protrek_hm.errors import shorten
from protrek_hm.search.describe import Description, FoundText, Homolog

BEST = "text"
"""What the section of the best texts of all is called in TSV."""

CLEAR = 0.9
"""Identity from which the homolog's own text is as good an answer."""


def write_descriptions(
    descriptions: Mapping[str, Description], file: TextIO, *, form: Literal["table", "jsonl", "tsv"]
) -> None:
    """Write what was found for each protein, by name; `table` shortens, `jsonl` and `tsv` are complete.

    In TSV each text is a row, and the homolog stands beside each.
    """
    if form == "jsonl":
        for name, each in descriptions.items():
            file.write(json.dumps({"id": name, **each.as_dict()}, ensure_ascii=False) + "\n")
    elif form == "tsv":
        rows = [row for name, each in descriptions.items() for row in _rows(name, each)]
        file.write(pl.DataFrame(rows, infer_schema_length=None).write_csv(separator="\t"))
    else:
        console = Console(file=file, markup=False, emoji=False, highlight=False)
        for name, each in descriptions.items():
            _print(name, each, console)


def homology_says(homolog: Homolog | None) -> str:
    """Say in a line what the nearest labelled homolog is worth.

    >>> homology_says(Homolog("P1", 0.953, 1.0, "Cleaves."))
    'nearest labelled homolog: P1, 95.3% identical over 100%: its own text may be all you need'
    >>> homology_says(None)
    'no labelled homolog of 30% identity or more: the texts below are the model alone'
    """
    if homolog is None:
        return "no labelled homolog of 30% identity or more: the texts below are the model alone"
    worth = ": its own text may be all you need" if homolog.identity >= CLEAR else ""
    alike = f"{homolog.identity:.1%} identical over {homolog.coverage:.0%}"
    return f"nearest labelled homolog: {homolog.id}, {alike}{worth}"


def _rows(name: str, description: Description) -> Iterator[dict[str, Any]]:
    homolog = description.homolog
    beside = {
        "homolog": homolog and homolog.id,
        "homolog_identity": homolog and homolog.identity,
        "homolog_coverage": homolog and homolog.coverage,
    }
    for section, texts in ((BEST, description.texts), *description.sections.items()):
        own = homolog and (homolog.text if section == BEST else homolog.sections.get(section))
        for each in texts:
            yield {
                **{"query": name, "section": section, "rank": each.rank, "id": each.id, "score": each.score},
                **{"protrek_score": each.protrek_score, "probability": each.probability, "text": each.text},
                **beside,
                "homolog_text": own,
            }


def _print(name: str, description: Description, console: Console) -> None:
    homolog = description.homolog
    console.print(f"{shorten(name)} ({len(description.sequence):,} residues)", style="bold")
    console.print(homology_says(homolog), soft_wrap=True)
    if homolog:
        console.print(f"  {_line(homolog.text, console.width - 4)}", soft_wrap=True)
    for note in description.notes:
        console.print(f"note: {note}", soft_wrap=True)
    table = Table(box=None, pad_edge=False)
    table.add_column("rank", justify="right")
    table.add_column("score", justify="right")
    table.add_column("from", overflow="fold")
    table.add_column("text", no_wrap=True, overflow="ellipsis")
    for section, texts in (("", description.texts), *description.sections.items()):
        if section:
            own = homolog.sections.get(section) if homolog else None
            table.add_row("", "", "", "")
            table.add_row("", "", title(section).upper(), f"homolog: {_line(own, 200)}" if own else "")
        for each in texts:
            table.add_row(str(each.rank), f"{each.score:.4f}", _source(each, homolog), _line(each.text, 200))
    console.print(table)
    console.print()


def _source(text: FoundText, homolog: Homolog | None) -> str:
    return f"{text.id} (homolog)" if homolog and text.id == homolog.id else text.id


def _line(text: str, width: int) -> str:
    return shorten(" ".join(text.split()), width=width)
