"""`protrek-hm tune`: mine, train, evaluate and index a table of one's own, in one command."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from protrek_hm.cli.data import parse_columns
from protrek_hm.cli.flags import Columns, Device, Force, OnBadRecord, local, with_settings
from protrek_hm.tune.config import TuneConfig


@with_settings(TuneConfig, names={"learning_rate": "--lr"})
def tune(
    table: Annotated[Path, typer.Argument(help="Proteins with texts: TSV, CSV, Parquet, also .gz or .zst.")],
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of everything it makes.", parser=local)],
    model: Annotated[
        str, typer.Option("--model", "-m", help="Folder or hub name of the base; mini-base comes with the package.")
    ] = "mini-base",
    settings: TuneConfig,
    column: Columns = None,
    on_bad_record: OnBadRecord = "error",
    device: Device = None,
    force: Force = False,
) -> None:
    """Tune a model on a table: mine, train, evaluate, index. Once interrupted, the same command continues."""
    from protrek_hm.data import read_proteins
    from protrek_hm.files import refuse_existing, refuse_unwritable

    begun = (output / "tune.json").is_file()
    refuse_existing(output, force=force or begun, inputs=[table, Path(model)], folder=True, replaced=False)
    refuse_unwritable(output)
    proteins = read_proteins(table, columns=parse_columns(column or []), on_bad_record=on_bad_record)

    from protrek_hm.evaluate.table import print_results
    from protrek_hm.tune.run import tune as run_tune

    done = run_tune(
        proteins, model, output, settings, force=force, device=device, say=lambda line: typer.echo(line, err=True)
    )
    print_results(done.evaluation)
    query = shlex.quote(done.query)
    typer.echo(f"report: {output / 'evaluation' / 'report.html'}")
    typer.echo(f"search: protrek-hm search {shlex.quote(str(done.index))} {query}")
    typer.echo(f"page:   protrek-hm serve {shlex.quote(str(done.index))}")
