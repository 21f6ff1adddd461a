"""`protrek-hm explain`: why this protein and not its twin."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from protrek_hm.cli.options import Device, Force, ModelOfIndex, OutputFile, destination


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
    output: OutputFile = None,
    figure: Annotated[Path | None, typer.Option(help="Picture to draw besides: PNG, and PDF beside it.")] = None,
    model: ModelOfIndex = None,
    device: Device = None,
    force: Force = False,
) -> None:
    """Align two candidates for a text, and say what each difference between them does to the score."""
    from protrek_hm.files import refuse_existing
    from protrek_hm.search import Searcher
    from protrek_hm.search.explain import explain as explain_candidates
    from protrek_hm.search.render_explanation import write_explanation

    for path in (output, figure):
        if path is not None:
            refuse_existing(path, force=force)
    searcher = Searcher.open(index, model=model, device=device)
    explanation = explain_candidates(searcher, text, a, b, most_differences=most_differences)
    with destination(output, force=force) as file:
        write_explanation(explanation, file, form=output_format)
    if figure is not None:
        from protrek_hm.search.render_explanation import draw_explanation

        draw_explanation(explanation, figure)
