"""`protrek-hm`: the commands in one place. Results go to stdout, progress and errors to stderr."""

import os
import sys

import typer

from protrek_hm.cli.data import data_app
from protrek_hm.cli.demo import demo
from protrek_hm.cli.evaluate import evaluate
from protrek_hm.cli.index import index_app
from protrek_hm.cli.mine import mine_app
from protrek_hm.cli.model import model_app
from protrek_hm.cli.search import search
from protrek_hm.cli.train import train
from protrek_hm.errors import ProTrekHMError

app = typer.Typer(
    name="protrek-hm",
    help="Search proteins by words and tell twins apart.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(data_app)
app.add_typer(index_app)
app.add_typer(mine_app)
app.add_typer(model_app)
app.command()(demo)
app.command()(train)
app.command()(evaluate)
app.command()(search)


def main() -> None:
    """Run the command line. Exit codes: 0 done, 1 no (or a closed pipe), 2 bad input, 130 interrupted."""
    try:
        try:
            app()  # itself turns wrong flags into 2, Ctrl-C into 130, a closed pipe into 1
        finally:
            sys.stdout.flush()  # a closed pipe shows here, not when the interpreter ends
    except ProTrekHMError as error:
        print("error:", " ".join(str(error).splitlines()), file=sys.stderr)  # noqa: T201
        sys.exit(2)
    except BrokenPipeError:  # `protrek-hm … | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
