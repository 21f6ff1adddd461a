"""`protrek-hm describe`: what a protein may do, by the texts of an index."""

from pathlib import Path
from typing import Annotated

import typer

from protrek_hm.cli.options import BatchSize, Device, Force, ModelOfIndex, OutputFile, RowsFormat, destination


def describe(
    index: Annotated[Path, typer.Argument(help="Folder of the index.")],
    proteins: Annotated[list[str], typer.Argument(help="Sequences, or FASTA files.")],
    *,
    k: Annotated[int, typer.Option("-k", help="Texts per protein, and per section.")] = 5,
    exact: Annotated[
        bool, typer.Option("--exact", help="Compare every vector, where an engine would choose some of them.")
    ] = False,
    output_format: RowsFormat = "table",
    output: OutputFile = None,
    model: ModelOfIndex = None,
    batch_size: BatchSize = 32,
    device: Device = None,
    force: Force = False,
) -> None:
    """Find the texts that fit a protein best, and the nearest labelled homolog beside them."""
    from protrek_hm.files import refuse_existing
    from protrek_hm.search import Searcher
    from protrek_hm.search.describe import describe as describe_proteins
    from protrek_hm.search.query import read_queries
    from protrek_hm.search.render import write_descriptions

    if output is not None:
        refuse_existing(output, force=force, inputs=proteins)
    queries = read_queries(proteins, "sequence")
    searcher = Searcher.open(index, model=model, device=device)
    searcher = searcher.exact if exact else searcher
    found = describe_proteins(searcher, [each.content for each in queries], k=k, batch_size=batch_size)
    if output_format == "tsv":  # which has no place for notes
        notes = {note: None for each in found for note in each.notes}
        typer.echo("\n".join(notes), err=True, nl=bool(notes))
    named = {query.name: description for query, description in zip(queries, found, strict=True)}
    with destination(output, force=force) as file:
        write_descriptions(named, file, form=output_format)
