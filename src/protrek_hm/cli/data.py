"""`protrek-hm data`: check files of proteins; make them from UniProt's entries, structures and sets of twins."""

import sys
from dataclasses import astuple, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from protrek_hm.cli.console import progress_bar
from protrek_hm.cli.flags import Cluster, Columns, Force, with_settings
from protrek_hm.data.structures.config import StructureConfig, parse_mask
from protrek_hm.data.twins.config import TwinsConfig, TwinSet
from protrek_hm.data.uniprot.entry import ConvertConfig
from protrek_hm.errors import OptionError, counted
from protrek_hm.files import refuse_existing
from protrek_hm.locations import as_url

if TYPE_CHECKING:
    from protrek_hm.data import ProteinReport
    from protrek_hm.data.check import Spread
    from protrek_hm.data.uniprot import ConvertReport

data_app = typer.Typer(
    name="data",
    help="Check files of proteins; make tables of them.",
    no_args_is_help=True,
)

_Output = Annotated[Path, typer.Option("--output", "-o", help="Table: .parquet, .tsv or .csv (also .gz, .zst).")]
_Twins = Annotated[
    Path | None, typer.Option(help="Also write wild types and mutants with their curated effects to this table.")
]
_NAMES = {"text_sections": "--section"}
_Force = Annotated[bool, typer.Option("--force", help="Overwrite the outputs.")]


@data_app.command("check")
def data_check(
    file: Annotated[Path, typer.Argument(help="Table (TSV, CSV, Parquet) or FASTA, also .gz and .zst.")],
    *,
    output_format: Annotated[
        Literal["table", "json"], typer.Option("--format", help="For people, or for programs.")
    ] = "table",
    on_bad_record: Annotated[
        Literal["error", "skip"], typer.Option(help="With bad records exit with 1, or with 0.")
    ] = "error",
    column: Annotated[
        list[str] | None, typer.Option(help="Which column is what, as sequence=MyCol; repeatable.")
    ] = None,
    limit: Annotated[int, typer.Option(min=0, help="Bad records to list.")] = 100,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Also write the report here, as JSON.")] = None,
    force: Force = False,
) -> None:
    """Count proteins, texts and duplicates; list bad records. Also list what is suspicious; exit 1 with bad records."""
    from dataclasses import asdict

    from protrek_hm.data import check_proteins
    from protrek_hm.files import write_json

    if output is not None:
        refuse_existing(output, force=force, inputs=[file])
    report = check_proteins(file, columns=parse_columns(column or []))
    content = {"file": as_url(file), **asdict(report), "bad_records": len(report.bad)}
    content["bad"] = content["bad"][:limit]
    if output is not None:
        write_json(output, content)
    if output_format == "json":
        from json import dumps

        typer.echo(dumps(content, indent=2, ensure_ascii=False))
    else:
        _print_table(file, report, limit)
    if report.bad and on_bad_record == "error":
        raise typer.Exit(1)


def parse_columns(given: list[str]) -> dict[str, str]:
    """Split ``NAME=COLUMN`` at the first '='.

    Raises
    ------
    OptionError
        If there is no '=', or nothing on one side of it.

    Examples
    --------
    >>> parse_columns(["sequence=MyCol", "text=Function [CC]"])
    {'sequence': 'MyCol', 'text': 'Function [CC]'}
    """
    columns = {}
    for each in given:
        name, _, column = each.partition("=")
        if not (name and column):
            raise OptionError("column", each, "write NAME=COLUMN, such as sequence=MyCol")
        columns[name] = column
    return columns


def _spread(numbers: "Spread") -> str:
    """Say in a line how a number is distributed."""
    least, quartile, median, mean, upper, most = (f"{each:,.0f}" for each in astuple(numbers))
    if least == most:
        return f"{least} each"
    return f"{least} to {most}; half of them {quartile} to {upper}; median {median}, mean {mean}"


def _print_table(file: Path, report: "ProteinReport", limit: int) -> None:
    from rich.table import Table

    from protrek_hm.figures.terminal import print_table

    table = Table(box=None, show_header=False, pad_edge=False)
    for name, value in {
        "records": f"{report.records:,}, {len(report.bad):,} of them bad",
        "columns": ", ".join(
            f"{ours} = {theirs}" if ours != theirs else ours for ours, theirs in report.columns.items()
        ),
        "other columns": ", ".join(report.other_columns) or "none",
        "ids": f"{report.ids:,}, {report.repeated_ids:,} of them on several records",
        "sequences": f"{report.sequences:,}, {report.repeated_sequences:,} of them under several ids",
        "texts": f"{report.texts:,}, {report.repeated_texts:,} of them for several sequences",
        "without text": counted(report.without_text, "record"),
        "structures": counted(report.structures, "record"),
        "repeated": f"{counted(report.repeated_records, 'record')} with id, sequence and text of an earlier one",
        "letters B Z X U O": f"in {counted(report.unusual_letters, 'record')}",
        "residues": f"{report.residues:,}",
        "residues a sequence": _spread(report.lengths),
        "words a text": _spread(report.words),
    }.items():
        table.add_row(name, value)
    print_table(table)
    for suspicion in report.suspicions:
        typer.echo(f"warning: {suspicion}")
    for bad in report.bad[:limit]:
        typer.echo(f"{file}:{bad.line}: {bad.record}: {bad.problem}")
    if len(report.bad) > limit:
        typer.echo(f"… and {counted(len(report.bad) - limit, 'more bad record')}; list more with --limit")


@data_app.command("convert")
@with_settings(ConvertConfig, names=_NAMES)
def convert_files(
    files: Annotated[list[Path], typer.Argument(help="UniProt's .dat, .xml, .json or .tsv, also .gz or .zst.")],
    *,
    output: _Output,
    gold_twins: _Twins = None,
    settings: ConvertConfig,
    cluster: Cluster = None,
    force: _Force = False,
) -> None:
    """Convert files of UniProt into a table. All other commands read it."""
    from protrek_hm.data.uniprot import convert
    from protrek_hm.workers import using

    with progress_bar() as progress, using(cluster):
        report = convert(files, output, config=settings, gold_twins_path=gold_twins, force=force, progress=progress)
    _tell(report, output, gold_twins, settings.release)


@data_app.command("uniprot")
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
        typer.echo(
            f"{counted(report.inactive, 'entry', 'entries')} deleted or merged by UniProt, left out", file=sys.stderr
        )
    if report.bad:
        typer.echo(f"{counted(report.bad, 'broken record')} left out, the first {report.first_bad}", file=sys.stderr)


@data_app.command("structure")
@with_settings(StructureConfig, names={"chains": "--chain"}, parsers={"mask_plddt": parse_mask})
def structure(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Structures, or folders of them: PDB, mmCIF or BinaryCIF, also .gz or .zst."),
    ] = None,
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="Table to write: .parquet, .tsv or .csv.")],
    alphafold: Annotated[
        list[str] | None,
        typer.Option(help="UniProt accession whose AlphaFold prediction is fetched, or a file with one a line."),
    ] = None,
    alphafold_url: Annotated[str | None, typer.Option(help="A mirror.  [default: https://alphafold.ebi.ac.uk]")] = None,
    cache: Annotated[
        Path | None, typer.Option(help="Folder that keeps predictions.  [default: ~/.cache/protrek-hm/alphafold]")
    ] = None,
    settings: StructureConfig,
    texts: Annotated[
        Path | None, typer.Option(help="Table of texts, joined by id, file name or UniProt accession.")
    ] = None,
    on_bad_record: Annotated[
        Literal["error", "skip"], typer.Option(help="At a bad file stop, or leave it out and say so.")
    ] = "error",
    cluster: Cluster = None,
    force: Force = False,
) -> None:
    """Read sequences and 3Di letters of the chains of structures. Both are as long as each other."""
    from protrek_hm.data.tables import check_ending

    if not paths and not alphafold:
        raise OptionError("paths", "none", "give structure files, folders of them, or accessions with --alphafold")
    refuse_existing(output, force=force, inputs=[*(paths or []), *(alphafold or []), *([texts] if texts else [])])
    check_ending(output)

    import polars as pl

    from protrek_hm.data import write_proteins
    from protrek_hm.data.structures import find_structure_files, join_texts, read_structures, read_texts
    from protrek_hm.data.structures.alphafold import (
        ALPHAFOLD_URL,
        AlphaFold,
        default_cache,
        fetch_predictions,
        read_accessions,
    )
    from protrek_hm.workers import using

    told = None if texts is None else read_texts(texts)
    files = find_structure_files(paths or [])
    source = AlphaFold(cache or default_cache(), alphafold_url or ALPHAFOLD_URL)
    with progress_bar() as progress:
        fetched, lacking = fetch_predictions(
            read_accessions(alphafold or []), source, on_bad_record=on_bad_record, progress=progress
        )
        with using(cluster):
            table = read_structures([*files, *fetched], settings, on_bad_record=on_bad_record, progress=progress)
    frame = table.frame if told is None else join_texts(table.frame, told)
    write_proteins(frame, output, force=force)
    for bad in (*lacking, *table.bad):
        typer.echo(f"left out: {bad}", err=True)
    counts = f"{table.frame.height:,} chains of {table.frame['file'].n_unique():,} files"
    if told is not None:
        counts += f", {frame.drop_nulls('text')['id'].n_unique():,} of them with a text"
    typer.echo(f"{output}: {counts}")
    for column, problem in (("unknown", "are X, as nobody says of what"), ("left_out", "are left out")):
        some = table.frame.filter(pl.col(column) > 0)
        if some.height:
            first = ", ".join(some["id"].head(3))
            number = some[column].sum()
            typer.echo(f"{number:,} residues of {some.height:,} chains {problem}, such as in {first}", err=True)


@data_app.command("twins")
@with_settings(TwinsConfig)
def twins(
    name: Annotated[TwinSet, typer.Argument(metavar="SET", help="Which set; labels is any table with labels.")],
    files: Annotated[list[Path], typer.Argument(help="Its files as published; for dms also folders and tar archives.")],
    *,
    output: _Output,
    settings: TwinsConfig,
    column: Columns = None,
    report: Annotated[
        Path | None, typer.Option(help="Also write counts and the names of all that was left out here, as JSON.")
    ] = None,
    force: _Force = False,
) -> None:
    """Read a public set of twins.

    Near-identical proteins whose function differs: a row a protein, texts made of its labels.

    SET is ncbi-point, mutadescribe, dms, terpene-synthases, adenylation-domains, catpred or labels. Every substitution
    is checked against its reference; what does not apply is counted and named on stderr.
    """
    from dataclasses import asdict

    from protrek_hm.data import write_proteins
    from protrek_hm.data.tables import check_ending
    from protrek_hm.data.twins import read_twins
    from protrek_hm.files import write_json

    for path in filter(None, (output, report)):
        refuse_existing(path, force=force, inputs=files)
    if output == report:
        raise OptionError("report", str(report), "must be another file than --output")
    check_ending(output)
    table = read_twins(name, files, config=settings, columns=parse_columns(column or []))
    write_proteins(table.frame, output, force=force)
    told = table.report
    if report is not None:
        write_json(report, {"format_version": 1, **asdict(told)})
    for line in told.lines():
        typer.echo(line, err=True)
    typer.echo(
        f"{output}: {told.proteins:,} proteins of {told.records:,} records: {told.wild_types:,} wild types,"
        f" {told.mutants:,} mutants ({told.controls:,} controls), {told.natural:,} others;"
        f" {told.with_text:,} with a text"
    )
