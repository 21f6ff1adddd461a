"""`protrek-hm describe`: what a protein may do, by the texts of an index."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer


def describe(
    index: Annotated[Path, typer.Argument(help="Folder of the index.")],
    proteins: Annotated[list[str], typer.Argument(help="Sequences, or FASTA files.")],
    *,
    k: Annotated[int, typer.Option("-k", help="Texts per protein, and per section.")] = 5,
    output_format: Annotated[
        Literal["table", "jsonl", "tsv"], typer.Option("--format", help="table for people, jsonl and tsv complete.")
    ] = "table",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write instead of stdout.")] = None,
    model: Annotated[
        str | None,
        typer.Option("--model", "-m", help="Folder or hub id of the model; the one in the index by default."),
    ] = None,
    batch_size: Annotated[int, typer.Option(help="Inputs per batch.")] = 32,
    device: Annotated[str | None, typer.Option(help="cpu, cuda, …; the best there is by default.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the output.")] = False,
) -> None:
    """Find the texts that fit a protein best, and the nearest labelled homolog beside them."""
    from protrek_hm.files import new_file, refuse_existing
    from protrek_hm.search import Searcher
    from protrek_hm.search.describe import describe as describe_proteins
    from protrek_hm.search.describe_table import write_descriptions
    from protrek_hm.search.query import read_queries

    if output is not None:
        refuse_existing(output, force=force)
    queries = read_queries(proteins, "sequence")
    searcher = Searcher.open(index, model=model, device=device)
    found = describe_proteins(searcher, [each.content for each in queries], k=k, batch_size=batch_size)
    named = {query.name: description for query, description in zip(queries, found, strict=True)}
    if output is None:
        write_descriptions(named, sys.stdout, form=output_format)
        return
    with new_file(output, force=force) as temporary, temporary.open("w", encoding="utf-8") as file:
        write_descriptions(named, file, form=output_format)
