"""`protrek-hm search`: which proteins fit these words."""

import sys
from pathlib import Path
from typing import Annotated, Literal, TextIO

import typer


def search(
    index: Annotated[Path, typer.Argument(help="Folder of the index.")],
    queries: Annotated[
        list[str], typer.Argument(help="Texts; with --by also sequences, 3Di strings, FASTA or structure files.")
    ],
    *,
    by: Annotated[Literal["text", "sequence", "structure"], typer.Option(help="What the queries are.")] = "text",
    want: Annotated[
        Literal["sequence", "text", "structure"], typer.Option(help="What they are compared with.")
    ] = "sequence",
    k: Annotated[int, typer.Option("-k", help="Families per query; hits with --no-group.")] = 10,
    where: Annotated[
        str | None, typer.Option(help="SQL condition, as \"length < 400 and organism = 'Escherichia coli'\".")
    ] = None,
    group: Annotated[
        bool, typer.Option("--group/--no-group", help="Near-identical hits as one family, twins beneath the best.")
    ] = True,
    min_identity: Annotated[float, typer.Option(help="Identity within a family, in (0, 1].")] = 0.7,
    chain: Annotated[list[str] | None, typer.Option(help="Chain of a structure file; repeatable. All if none.")] = None,
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
    from protrek_hm.search.families import search_families
    from protrek_hm.search.query import read_queries
    from protrek_hm.search.render import write_families, write_hits
    from protrek_hm.search.searcher import Searcher

    if output is not None:
        refuse_existing(output, force=force)
    read = read_queries(queries, by, chains=tuple(chain or ()))
    searcher = Searcher.open(index, model=model, device=device)
    names, contents = [each.name for each in read], [each.content for each in read]
    options = {"by": by, "want": want, "k": k, "where": where}

    def write(file: TextIO) -> None:
        if group:
            families = search_families(searcher, contents, min_identity=min_identity, **options)
            write_families(dict(zip(names, families, strict=True)), file, form=output_format)
        else:
            hits = searcher.search(contents, **options)
            write_hits(dict(zip(names, hits, strict=True)), file, form=output_format)

    if output is None:
        write(sys.stdout)
        return
    with new_file(output, force=force) as temporary, temporary.open("w", encoding="utf-8") as file:
        write(file)
