"""`protrek-hm`: the commands in one place. Results go to stdout, progress and errors to stderr."""

import os
from typing import Annotated

import typer

import protrek_hm
from protrek_hm.cli.console import CommandsInOrder, guard
from protrek_hm.cli.data import data_app
from protrek_hm.cli.demo import demo
from protrek_hm.cli.evaluate import evaluate_app
from protrek_hm.cli.flags import take_urls
from protrek_hm.cli.index import index_app
from protrek_hm.cli.merge import merge
from protrek_hm.cli.mine import mine_app
from protrek_hm.cli.model import model_app
from protrek_hm.cli.scan import scan
from protrek_hm.cli.search import describe, explain, score, search
from protrek_hm.cli.serve import mcp, serve
from protrek_hm.cli.train import train_app
from protrek_hm.cli.tune import tune

app = typer.Typer(
    name="protrek-hm",
    cls=CommandsInOrder,
    help="Search proteins by words and tell twins apart.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(data_app)
app.add_typer(evaluate_app)
app.add_typer(index_app)
app.add_typer(mine_app)
app.add_typer(model_app)
app.command()(demo)
app.command()(tune)
app.add_typer(train_app)
app.command()(merge)
app.command()(search)
app.command()(serve)
app.command()(mcp)
app.command()(explain)
app.command()(describe)
app.command()(score)
app.command()(scan)
take_urls(app)


def _print_version(wanted: bool) -> None:  # noqa: FBT001 — typer gives a flag's value so
    if wanted:
        typer.echo(f"protrek-hm {protrek_hm.__version__}")
        raise typer.Exit


Version = Annotated[
    bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
]


@app.callback()
def options(*, version: Version = False) -> None:
    """Take the options that stand before a command."""


def main() -> None:
    """Run the command line; see `guard` for its exit codes."""
    os.environ["PYTHONSAFEPATH"] = "1"  # worker processes load no module from the folder that they are started in
    guard(app)
