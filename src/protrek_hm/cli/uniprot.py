"""`protrek-hm data uniprot QUERY`, `data convert FILES`: UniProt's entries become a table of proteins."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from protrek_hm.config import OnBadRecord, resolve
from protrek_hm.data.uniprot.config import ConvertConfig, TextPer
from protrek_hm.files import refuse_existing

if TYPE_CHECKING:
    from protrek_hm.data.uniprot import ConvertReport

_Output = Annotated[Path, typer.Option("--output", "-o", help="Table: .parquet, .tsv or .csv (also .gz, .zst).")]
_Twins = Annotated[
    Path | None, typer.Option(help="Also write wild types and mutants with their curated effects to this table.")
]
_Section = Annotated[
    list[str] | None,
    typer.Option(
        help="Section of the text; repeatable, in order. [default: function, catalytic_activity, cofactor, "
        "activity_regulation, pathway]"
    ),
]
_TextPer = Annotated[TextPer | None, typer.Option(help="A row per protein, or per section. [default: protein]")]
_OnBad = Annotated[OnBadRecord | None, typer.Option(help="Stop at a broken record, or leave it out. [default: error]")]
_Force = Annotated[bool, typer.Option("--force", help="Overwrite the outputs.")]


def convert_files(
    files: Annotated[list[Path], typer.Argument(help="UniProt's .dat, .xml, .json or .tsv, also .gz or .zst.")],
    *,
    output: _Output,
    gold_twins: _Twins = None,
    section: _Section = None,
    text_per: _TextPer = None,
    release: Annotated[str | None, typer.Option(help="UniProt's release, to be recorded, as 2026_03.")] = None,
    on_bad_record: _OnBad = None,
    force: _Force = False,
) -> None:
    """Convert files of UniProt into a table that all other commands read."""
    from protrek_hm.cli.progress import progress_bar
    from protrek_hm.data.uniprot import convert

    settings = _settings(section, text_per, on_bad_record, release)
    with progress_bar() as progress:
        report = convert(files, output, config=settings, gold_twins_path=gold_twins, force=force, progress=progress)
    _tell(report, output, gold_twins, release)


def uniprot(
    query: Annotated[str, typer.Argument(help="As at uniprot.org, such as 'reviewed:true AND organism_id:562'.")],
    *,
    output: _Output,
    gold_twins: _Twins = None,
    section: _Section = None,
    text_per: _TextPer = None,
    base_url: Annotated[str | None, typer.Option(help="A mirror. [default: https://rest.uniprot.org]")] = None,
    restart: Annotated[bool, typer.Option("--restart", help="Begin anew, whatever has come before.")] = False,
    on_bad_record: _OnBad = None,
    force: _Force = False,
) -> None:
    """Download the entries that match QUERY as a table; an interrupted download goes on where it stopped."""
    from protrek_hm.cli.progress import progress_bar
    from protrek_hm.data.uniprot import convert, download
    from protrek_hm.data.uniprot.downloads import SERVER, discard

    for path in filter(None, (output, gold_twins)):
        refuse_existing(path, force=force)
    work = output.with_name(output.name + ".download")
    if restart:
        discard(work)
    server = base_url or SERVER
    _settings(section, text_per, on_bad_record, None)  # before the download, not after it
    with progress_bar() as progress:
        try:
            done = download(query, work, server=server, features=gold_twins is not None, progress=progress)
        except KeyboardInterrupt:
            typer.echo(f"what has come is kept in {work}: the same command goes on", file=sys.stderr)
            raise
        report = convert(
            done.paths(work),
            output,
            config=_settings(section, text_per, on_bad_record, done.release),
            gold_twins_path=gold_twins,
            about={"query": query, "server": server},
            force=force,
            progress=progress,
        )
    discard(work)
    _tell(report, output, gold_twins, done.release)


def _settings(
    section: list[str] | None, text_per: TextPer | None, on_bad_record: OnBadRecord | None, release: str | None
) -> ConvertConfig:
    flags = {
        "text_sections": tuple(section) if section else None,
        "text_per": text_per,
        "on_bad_record": on_bad_record,
        "release": release,
    }
    return resolve(ConvertConfig, {}, flags)


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
