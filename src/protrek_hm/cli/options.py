"""Flags that several commands have, and where their answers go."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal, TextIO

import typer

from protrek_hm import config

ModelOrMini = Annotated[
    str,
    typer.Option(
        "--model",
        "-m",
        help="Folder or hub name of the model; mini, which comes with the package, is for trying things.",
    ),
]
"""With the default "mini"."""

ModelOfIndex = Annotated[
    str | None,
    typer.Option("--model", "-m", help="Folder or hub id of the model; the one in the index by default."),
]
Device = Annotated[str | None, typer.Option(help="cpu, cuda, …; the best there is by default.")]
BatchSize = Annotated[int, typer.Option(help="Inputs per batch.")]
RowsFormat = Annotated[
    Literal["table", "jsonl", "tsv"], typer.Option("--format", help="table for people, jsonl and tsv complete.")
]
OutputFile = Annotated[Path | None, typer.Option("--output", "-o", help="File to write instead of stdout.")]
Columns = Annotated[
    list[str] | None, typer.Option("--column", help="NAME=COLUMN where a column is not recognised, e.g. text=comment.")
]
OnBadRecord = Annotated[config.OnBadRecord, typer.Option(help="What a bad record does.")]
Force = Annotated[bool, typer.Option("--force", help="Overwrite the output.")]


@contextmanager
def destination(output: Path | None, *, force: bool) -> Iterator[TextIO]:
    """Open what an answer is written to: the file, which appears whole or not at all, or stdout without one."""
    if output is None:
        yield sys.stdout
        return
    from protrek_hm.files import new_file

    with new_file(output, force=force) as temporary, temporary.open("w", encoding="utf-8") as file:
        yield file
