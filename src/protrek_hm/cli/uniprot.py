"""`protrek-hm data uniprot QUERY`, `data convert FILES`: UniProt's entries become a table of proteins."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from protrek_hm.cli.flags import with_settings
from protrek_hm.data.uniprot.entry import ConvertConfig
from protrek_hm.files import refuse_existing

if TYPE_CHECKING:
    from protrek_hm.data.uniprot import ConvertReport

_Output = Annotated[Path, typer.Option("--output", "-o", help="Table: .parquet, .tsv or .csv (also .gz, .zst).")]
_Twins = Annotated[
    Path | None, typer.Option(help="Also write wild types and mutants with their curated effects to this table.")
]
_NAMES = {"text_sections": "--section"}
_Force = Annotated[bool, typer.Option("--force", help="Overwrite the outputs.")]


@with_settings(ConvertConfig, names=_NAMES)
def convert_files(
    files: Annotated[list[Path], typer.Argument(help="UniProt's .dat, .xml, .json or .tsv, also .gz or .zst.")],
    *,
    output: _Output,
    gold_twins: _Twins = None,
    settings: ConvertConfig,
    force: _Force = False,
) -> None:
    """Convert files of UniProt into a table. All other commands read it."""
    from protrek_hm.cli.console import progress_bar
    from protrek_hm.data.uniprot import convert

    with progress_bar() as progress:
        report = convert(files, output, config=settings, gold_twins_path=gold_twins, force=force, progress=progress)
    _tell(report, output, gold_twins, settings.release)


@with_settings(ConvertConfig, names=_NAMES, without=["release"])
def uniprot(
    query: Annotated[str, typer.Argument(help="As at uniprot.org, such as 'reviewed:true AND organism_id:562'.")],
    *,
    output: _Output,
    gold_twins: _Twins = None,
    settings: ConvertConfig,
    base_url: Annotated[str | None, typer.Option(help="A mirror.  [default: https://rest.uniprot.org]")] = None,
    restart: Annotated[bool, typer.Option("--restart", help="Begin anew, whatever has come before.")] = False,
    force: _Force = False,
) -> None:
    """Download the entries that match QUERY as a table. An interrupted download continues where it stopped."""
    from protrek_hm.cli.console import progress_bar
    from protrek_hm.data.uniprot import convert, download
    from protrek_hm.data.uniprot.downloads import SERVER, discard

    for path in filter(None, (output, gold_twins)):
        refuse_existing(path, force=force)
    work = output.with_name(output.name + ".download")
    if restart:
        discard(work)
    server = base_url or SERVER
    with progress_bar() as progress:
        try:
            done = download(query, work, server=server, features=gold_twins is not None, progress=progress)
        except KeyboardInterrupt:
            typer.echo(f"what has come is kept in {work}: the same command goes on", file=sys.stderr)
            raise
        report = convert(
            done.paths(work),
            output,
            config=replace(settings, release=done.release),
            gold_twins_path=gold_twins,
            about={"query": query, "server": server},
            force=force,
            progress=progress,
        )
    discard(work)
    _tell(report, output, gold_twins, done.release)


def _tell(report: "ConvertReport", output: Path, gold_twins: Path | None, release: str | None) -> None:
    typer.echo(
        f"{output}: {report.proteins:,} proteins, {report.with_text:,} of them with a text, in {report.rows:,} rows"
        f" (UniProt release {release or 'not told'})"
    )
    if report.twins:
        typer.echo(f"{gold_twins}: {report.twins}")
    if report.inactive:
        entries = "entry" if report.inactive == 1 else "entries"
        typer.echo(f"{report.inactive:,} {entries} deleted or merged by UniProt, left out", file=sys.stderr)
    if report.bad:
        typer.echo(f"{report.bad:,} broken records left out, the first {report.first_bad}", file=sys.stderr)
