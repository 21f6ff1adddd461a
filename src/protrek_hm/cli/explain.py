"""`protrek-hm explain`: why this protein and not its twin."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer


def explain(
    index: Annotated[Path, typer.Argument(help="Folder of the index.")],
    text: Annotated[str, typer.Argument(help="What the protein should do.")],
    a: Annotated[str, typer.Argument(help="A protein: an id of the index, or a sequence.")],
    b: Annotated[str, typer.Argument(help="The other one.")],
    *,
    most_differences: Annotated[
        int, typer.Option(help="Pairs with more are aligned and scored, their single differences are not.")
    ] = 100,
    output_format: Annotated[
        Literal["table", "json"], typer.Option("--format", help="table for people, json complete.")
    ] = "table",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write instead of stdout.")] = None,
    figure: Annotated[Path | None, typer.Option(help="Picture to draw besides: PNG, and PDF beside it.")] = None,
    model: Annotated[
        str | None,
        typer.Option("--model", "-m", help="Folder or hub id of the model; the one in the index by default."),
    ] = None,
    device: Annotated[str | None, typer.Option(help="cpu, cuda, …; the best there is by default.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the output.")] = False,
) -> None:
    """Align two candidates for a text, and say what each difference between them does to the score."""
    from protrek_hm.files import new_file, refuse_existing
    from protrek_hm.search import Searcher
    from protrek_hm.search.explain import explain as explain_candidates
    from protrek_hm.search.explain_table import write_explanation

    for path in (output, figure):
        if path is not None:
            refuse_existing(path, force=force)
    searcher = Searcher.open(index, model=model, device=device)
    explanation = explain_candidates(searcher, text, a, b, most_differences=most_differences)
    if figure is not None:
        from protrek_hm.search.explain_figure import draw_explanation

        draw_explanation(explanation, figure)
    if output is None:
        write_explanation(explanation, sys.stdout, form=output_format)
        return
    with new_file(output, force=force) as temporary, temporary.open("w", encoding="utf-8") as file:
        write_explanation(explanation, file, form=output_format)
