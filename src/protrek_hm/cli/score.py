"""`protrek-hm score`: how well loose texts and proteins fit, without an index."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from protrek_hm.cli.console import notices_told
from protrek_hm.cli.options import BatchSize, Device, Force, ModelOrMini, OutputFile, RowsFormat, destination


def score(
    text: Annotated[str | None, typer.Argument(help="What the proteins should do.")] = None,
    sequences: Annotated[
        list[str] | None, typer.Argument(help="Sequences or FASTA files; with --by structure also structure files.")
    ] = None,
    *,
    model: ModelOrMini = "mini",
    file: Annotated[
        Path | None, typer.Option(help="Table of pairs instead: columns text and sequence (or structure).")
    ] = None,
    by: Annotated[Literal["sequence", "structure"], typer.Option(help="What the text is compared with.")] = "sequence",
    output_format: RowsFormat = "table",
    output: OutputFile = None,
    batch_size: BatchSize = 32,
    device: Device = None,
    force: Force = False,
) -> None:
    """Score a text with proteins, or the pairs of a table: cosine, and ProTrek's own scale."""
    from protrek_hm.errors import OptionError
    from protrek_hm.files import refuse_existing
    from protrek_hm.search.pairs import ScoredPair, read_pairs, score_pairs
    from protrek_hm.search.query import read_queries
    from protrek_hm.search.render import write_pairs

    if output is not None:
        refuse_existing(output, force=force, inputs=[*(sequences or []), *([file] if file else [])])
    if (file is None) != bool(text and sequences):
        raise OptionError("pairs", text or "", 'give "text" SEQUENCE…, or a table of pairs with --file')
    if file is not None:
        texts, proteins = read_pairs(file, by)
    else:
        proteins = read_queries(sequences or [], by)
        texts = [each.content for each in read_queries([text or ""], "text")] * len(proteins)

    from protrek_hm.model import ProTrek

    loaded = ProTrek.from_pretrained(model, device=device)
    letters = [protein.content for protein in proteins]
    progress = sys.stderr.isatty()
    with notices_told():
        scores = score_pairs(loaded, texts, letters, target_type=by, batch_size=batch_size, progress=progress).tolist()
    pairs = [
        ScoredPair(each, protein.name, protein.content, cosine, cosine / loaded.temperature)
        for each, protein, cosine in zip(texts, proteins, scores, strict=True)
    ]
    with destination(output, force=force) as stream:
        write_pairs(pairs, stream, form=output_format)
