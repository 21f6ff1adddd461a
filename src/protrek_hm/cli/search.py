"""`protrek-hm search`: which proteins fit these words."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer


def search(
    index: Annotated[Path, typer.Argument(help="Folder of the index.")],
    queries: Annotated[list[str], typer.Argument(help="One query or several: texts, or sequences with --by.")],
    *,
    by: Annotated[Literal["text", "sequence", "structure"], typer.Option(help="What the queries are.")] = "text",
    want: Annotated[
        Literal["sequence", "text", "structure"], typer.Option(help="What they are compared with.")
    ] = "sequence",
    k: Annotated[int, typer.Option("-k", help="Hits per query.")] = 10,
    output_format: Annotated[
        Literal["table", "jsonl", "tsv"],
        typer.Option("--format", help="table for people, jsonl and tsv complete."),
    ] = "table",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write instead of stdout.")] = None,
    model: Annotated[
        str | None,
        typer.Option("--model", "-m", help="Folder or hub id of the model; the one in the index by default."),
    ] = None,
    device: Annotated[str | None, typer.Option(help="cpu, cuda, …; the best there is by default.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the output.")] = False,
) -> None:
    """Rank the proteins of an index by how well they fit a text (or a sequence, or a structure)."""
    from protrek_hm.files import new_file, refuse_existing
    from protrek_hm.search import Searcher
    from protrek_hm.search.render import write_hits

    if output is not None:
        refuse_existing(output, force=force)
    searcher = Searcher.open(index, model=model, device=device)
    results = dict(zip(queries, searcher.search(queries, by=by, want=want, k=k), strict=True))
    if output is None:
        write_hits(results, sys.stdout, form=output_format)
        return
    with new_file(output, force=force) as temporary, temporary.open("w", encoding="utf-8") as file:
        write_hits(results, file, form=output_format)
