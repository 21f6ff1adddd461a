"""A scan as text, TSV, JSON or a picture.

Text: the substitutions that score highest, and lowest. TSV: a row a substitution. Picture: a heatmap with the protein's
own letters and the known variants marked.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TextIO

import polars as pl
from rich.table import Table

from protrek_hm.data.schema import AMINO_ACIDS
from protrek_hm.errors import counted, shorten
from protrek_hm.figures.terminal import PlainConsole, print_table
from protrek_hm.files import new_folder, write_json
from protrek_hm.search.config import SCAN_SIGNALS
from protrek_hm.search.scan import Scan, ScannedSubstitution

COLUMNS = ("position", "wild_type", "residue", "model", "head", "known")
"""Of the TSV."""

FORMAT_VERSION = 1
_IDS = 3  # known variants that the table names
_SAID = {
    "model": "model: change of the cosine",
    "head": "head: preference of the twin head, in log odds",
}


def write_scan(scan: Scan, file: TextIO, *, form: Literal["table", "tsv", "json"], top: int = 10) -> None:
    """Write a scan to `file`: its `top` highest and lowest as a table, or all of it as TSV or JSON."""
    if form == "json":
        file.write(json.dumps(scan.as_dict(), ensure_ascii=False) + "\n")
    elif form == "tsv":
        file.write(scan_table(scan).write_csv(separator="\t"))
    else:
        _print(scan, file, top)


def scan_table(scan: Scan) -> pl.DataFrame:
    """Return a row for each substitution, with `COLUMNS`; scores have seven decimals, known ids blanks between them."""
    rows = [
        (each.position, each.wild_type, each.residue, _rounded(each.model), _rounded(each.head), " ".join(each.known))
        for each in scan.substitutions()
    ]
    kinds: list[Any] = [pl.Int64, pl.String, pl.String, pl.Float64, pl.Float64, pl.String]
    table = pl.DataFrame(rows, schema=dict(zip(COLUMNS, kinds, strict=True)), orient="row")
    return table.with_columns(pl.col("known").replace("", None))


def save_scan(scan: Scan, folder: Path, facts: Mapping[str, Any], *, force: bool = False) -> None:
    """Write scan.tsv, scan.json (with `facts` of how it was made), scan.png and scan.pdf into a new folder.

    Raises
    ------
    OutputExistsError, ProtectedOutputError, OutputError
        As `files.new_folder`.
    """
    with new_folder(folder, force=force) as temporary:
        scan_table(scan).write_csv(temporary / "scan.tsv", separator="\t")
        write_json(temporary / "scan.json", {"format_version": FORMAT_VERSION, **facts, **scan.as_dict()})
        draw_scan(scan, temporary / "scan.png")


def draw_scan(scan: Scan, path: Path) -> None:
    """Draw a scan as a heatmap and save it as PNG, and as PDF beside it."""
    from protrek_hm.figures.heatmap import Heatmap, draw_heatmaps

    panels = [
        Heatmap(_SAID[name], values, AMINO_ACIDS)
        for name in SCAN_SIGNALS
        if (values := getattr(scan, name)) is not None
    ]
    known = {(position - scan.first, residue) for position, residue in scan.known}
    draw_heatmaps(panels, scan.residues, path, first=scan.first, marked=known, title=title(scan))


def title(scan: Scan) -> str:
    """Say in a line what was scanned towards what."""
    name = scan.protein.id or f"protein of {counted(len(scan.protein.sequence), 'residue')}"
    asked = f"“{shorten(scan.text, width=90)}”"
    if scan.from_text is not None:
        asked = f"from “{shorten(scan.from_text, width=60)}” to “{shorten(scan.text, width=60)}”"
    return f"{shorten(name)}: {asked}"


def _print(scan: Scan, file: TextIO, top: int) -> None:
    console = PlainConsole(file=file, soft_wrap=True)
    console.print(title(scan))
    scanned = sum(1 for _ in scan.substitutions())
    known = sum(map(len, scan.known.values()))
    said = f"residues {scan.first} to {scan.last}, {counted(scanned, 'substitution')}, ordered by the {scan.ordered_by}"
    console.print(f"{said}; {counted(known, 'known variant')}" if scan.known else said)
    for lowest in (False, True):
        if best := scan.best(top, lowest=lowest):
            console.print(f"\n{'lowest' if lowest else 'highest'}")
            print_table(_table(best, scan), file)
    console.print()
    for signal in SCAN_SIGNALS:
        if getattr(scan, signal) is not None:
            console.print(_SAID[signal])
    for note in scan.notes:
        console.print(f"note: {note}")


def _table(found: list[ScannedSubstitution], scan: Scan) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    shown = [signal for signal in SCAN_SIGNALS if getattr(scan, signal) is not None]
    for signal in shown:
        table.add_column(signal, justify="right")
    if scan.known:
        table.add_column("known as", overflow="fold")
    for each in found:
        more = f" and {len(each.known) - _IDS} more" if len(each.known) > _IDS else ""
        known = [", ".join(map(shorten, each.known[:_IDS])) + more] if scan.known else []
        table.add_row(each.notation, *(_signed(getattr(each, signal)) for signal in shown), *known)
    return table


def _signed(value: float) -> str:
    """Write four decimals with a sign, nothing as +.

    >>> _signed(-0.03), _signed(-1e-9)
    ('-0.0300', '+0.0000')
    """
    return f"{round(value, 4) + 0.0:+.4f}"


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 7) + 0.0
