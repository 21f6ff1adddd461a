"""`protrek-hm scan`: every single substitution of a protein, scored towards a text."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from protrek_hm.cli.console import progress_bar
from protrek_hm.cli.flags import Cluster, Device, Devices, Force, with_settings
from protrek_hm.errors import OptionError
from protrek_hm.search.config import ScanConfig, parse_region

if TYPE_CHECKING:
    from protrek_hm.model.encoder import FingerprintedEncoder
    from protrek_hm.search.searcher import Searcher


def _names(given: str) -> tuple[str, ...]:
    return tuple(each.strip() for each in given.split(","))


@with_settings(ScanConfig, parsers={"region": parse_region, "signals": _names})
def scan(
    text: Annotated[str, typer.Argument(help="What the protein should do; or --towards says it.")],
    protein: Annotated[str | None, typer.Argument(help="A sequence, a FASTA file, or an id of the index.")] = None,
    *,
    towards: Annotated[str | None, typer.Option(help="The text, where it does not stand before the protein.")] = None,
    from_text: Annotated[
        str | None, typer.Option("--from", help="Text whose score is taken off: what leads from it to the other.")
    ] = None,
    index: Annotated[
        Path | None, typer.Option("--index", "-i", help="Folder of an index: its ids, relatives and known variants.")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option("--model", "-m", help="Folder or hub id of the model.  [default: that of the index, or mini]"),
    ] = None,
    settings: Any,
    top: Annotated[int, typer.Option(help="Substitutions that are listed, of the highest and of the lowest.")] = 10,
    output_format: Annotated[
        Literal["table", "tsv", "json"], typer.Option("--format", help="table for people, tsv and json complete.")
    ] = "table",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="New folder for scan.tsv, scan.json, scan.png and scan.pdf.")
    ] = None,
    device: Device = None,
    devices: Devices = None,
    cluster: Cluster = None,
    force: Force = False,
) -> None:
    """Score every single substitution of a protein towards a text.

    By the model's vectors, and by the twin head where the model's folder holds one.
    """
    import sys

    from protrek_hm.config import require
    from protrek_hm.files import refuse_existing, refuse_unwritable
    from protrek_hm.search.render_scan import save_scan, write_scan
    from protrek_hm.search.scan import read_protein, scan_protein
    from protrek_hm.workers import using

    asked, given = _text_and_protein(text, protein, towards)
    require("top", top, "must be 0 or more", holds=top >= 0)
    if output is not None:
        refuse_existing(output, force=force, inputs=[Path(given)], folder=True)
        refuse_unwritable(output)
    searcher, loaded = _open(index, model, device)
    found = read_protein(given, searcher.index if searcher else None)
    with progress_bar() as progress, using(cluster, devices, device=device):
        result = scan_protein(
            loaded, asked, found, from_text=from_text, searcher=searcher, config=settings, progress=progress
        )
    if output is not None:
        facts = {"fingerprint": loaded.fingerprint(), "settings": vars(settings)}
        save_scan(result, output, facts, force=force)
    write_scan(result, sys.stdout, form=output_format, top=top)


def _text_and_protein(first: str, second: str | None, towards: str | None) -> tuple[str, str]:
    """Tell the text from the protein: it stands before it, or behind --towards."""
    if towards is None and second is not None:
        return first, second
    if towards is not None and second is None:
        return towards, first
    wanted = 'give "text" and a protein' if towards is None else f"give the protein alone, not {first!r} besides"
    raise OptionError("protein", second, wanted)


def _open(index: Path | None, model: str | None, device: str | None) -> "tuple[Searcher | None, FingerprintedEncoder]":
    if index is not None:
        from protrek_hm.search import Searcher

        searcher = Searcher.open(index, model=model, device=device)
        return searcher, searcher.model
    from protrek_hm.model import load_encoder

    return None, load_encoder(model or "mini", device=device)
