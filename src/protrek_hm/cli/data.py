"""`protrek-hm data`: what stands in a file of proteins."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from protrek_hm.cli.flags import Force
from protrek_hm.errors import OptionError

if TYPE_CHECKING:
    from protrek_hm.data import ProteinReport

data_app = typer.Typer(
    name="data", help="Check files of proteins; make tables from UniProt or structures.", no_args_is_help=True
)


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
    from protrek_hm.files import refuse_existing, write_json

    if output is not None:
        refuse_existing(output, force=force, inputs=[file])
    report = check_proteins(file, columns=parse_columns(column or []))
    content = {"file": str(file), **asdict(report), "bad_records": len(report.bad)}
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


def _print_table(file: Path, report: "ProteinReport", limit: int) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, show_header=False, pad_edge=False)
    lengths, words = report.lengths, report.words
    for name, value in {
        "records": f"{report.records:,}, {len(report.bad):,} of them bad",
        "columns": ", ".join(
            f"{ours} = {theirs}" if ours != theirs else ours for ours, theirs in report.columns.items()
        ),
        "other columns": ", ".join(report.other_columns) or "none",
        "ids": f"{report.ids:,}, {report.repeated_ids:,} of them on several records",
        "sequences": f"{report.sequences:,}, {report.repeated_sequences:,} of them under several ids",
        "texts": f"{report.texts:,}, {report.repeated_texts:,} of them for several sequences",
        "without text": f"{report.without_text:,} records",
        "structures": f"{report.structures:,} records",
        "repeated": f"{report.repeated_records:,} records with id, sequence and text of an earlier one",
        "letters B Z X U O": f"in {report.unusual_letters:,} records",
        "residues": f"{report.residues:,}",
        "length": f"{lengths.minimum:,.0f} … {lengths.maximum:,.0f} residues, median {lengths.median:,.0f},"
        f" middle half {lengths.quartile:,.0f} … {lengths.upper_quartile:,.0f}, mean {lengths.mean:,.0f}",
        "text": f"{words.minimum:,.0f} … {words.maximum:,.0f} words, median {words.median:,.0f},"
        f" middle half {words.quartile:,.0f} … {words.upper_quartile:,.0f}, mean {words.mean:,.0f}",
    }.items():
        table.add_row(name, value)
    Console().print(table, markup=False, highlight=False)
    for suspicion in report.suspicions:
        typer.echo(f"warning: {suspicion}")
    for bad in report.bad[:limit]:
        typer.echo(f"{file}:{bad.line}: {bad.record}: {bad.problem}")
    if len(report.bad) > limit:
        typer.echo(f"… and {len(report.bad) - limit:,} more bad records; list more with --limit")
