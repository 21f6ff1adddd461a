"""Scored pairs as a table for people, or complete as JSON lines and TSV; and pairs read from a table."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, TextIO

import polars as pl

from protrek_hm.data.schema import missing_column, or_null
from protrek_hm.data.tables import read_table
from protrek_hm.errors import FileFormatError, OptionError, shorten
from protrek_hm.search.query import Query, clean_query

Kind = Literal["sequence", "structure"]


@dataclass(frozen=True)
class ScoredPair:
    """A text, the name and letters of what it was compared with, their cosine, and this ÷ temperature."""

    text: str
    id: str
    sequence: str
    score: float
    protrek_score: float


def read_pairs(path: Path, by: Kind) -> tuple[list[str], list[Query]]:
    r"""Read the columns `text` and `by` (and `id`, where there is one) of a table: TSV, CSV or Parquet.

    Raises
    ------
    MissingFileError, FileFormatError, MissingColumnError
        If it is not there, no table, lacks a column, or a cell is empty or has wrong letters; it names the line.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "pairs.tsv"
    >>> _ = path.write_text("text\tsequence\na kinase\tmkv\n")
    >>> read_pairs(path, "sequence")
    (['a kinase'], [Query(name='pair_1', content='MKV')])
    """
    table = read_table(path)
    for column in ("text", by):
        if column not in table.frame.columns:
            raise missing_column(path, column, table.frame.columns, "name the two columns of a pair so")
    names = table.frame["id"].cast(pl.String) if "id" in table.frame.columns else [None] * len(table.frame)
    texts, queries = list[str](), list[Query]()
    cells = table.frame.select(or_null(pl.col("text", by).cast(pl.String)).fill_null(""))
    for number, (name, text, letters) in enumerate(zip(names, cells["text"], cells[by], strict=True), start=1):
        try:
            texts.append(clean_query(text, "text"))
            queries.append(Query(name or f"pair_{number}", clean_query(letters, by)))
        except OptionError as error:
            line = table.lines()[number - 1]
            raise FileFormatError(path, f"line {line}: {error.wanted}", "or remove the pair") from None
    return texts, queries


def write_pairs(pairs: Sequence[ScoredPair], file: TextIO, *, form: Literal["table", "jsonl", "tsv"]) -> None:
    """Write scored pairs to `file`; `table` shortens, `jsonl` and `tsv` are complete.

    >>> import sys
    >>> write_pairs([ScoredPair("a kinase", "P1", "MKV", 0.5, 7.1)], sys.stdout, form="jsonl")
    {"text": "a kinase", "id": "P1", "sequence": "MKV", "score": 0.5, "protrek_score": 7.1}
    """
    if form == "jsonl":
        for pair in pairs:
            file.write(json.dumps(asdict(pair), ensure_ascii=False) + "\n")
        return
    if form == "tsv":
        file.write(pl.DataFrame(pairs).write_csv(separator="\t"))
        return
    from rich.console import Console
    from rich.table import Table

    console = Console(file=file, markup=False, emoji=False, highlight=False)
    table = Table(box=None, pad_edge=False)
    for heading in ("score", "ProTrek scale", "length"):
        table.add_column(heading, justify="right")
    table.add_column("id", overflow="fold")
    table.add_column("text", no_wrap=True, overflow="ellipsis")
    for pair in pairs:
        shown = (f"{pair.score:.4f}", f"{pair.protrek_score:.2f}", f"{len(pair.sequence):,}")
        table.add_row(*shown, shorten(pair.id), " ".join(pair.text.split()))
    console.print(table)
