"""What all commands share at the console: order and names, notices and progress on stderr, exit codes."""

import codecs
import io
import json
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import typer
from typer.core import TyperGroup

from protrek_hm.deadline import Progress
from protrek_hm.errors import ProTrekHMError, visible

if TYPE_CHECKING:
    import polars as pl

    from protrek_hm.config import Modality
    from protrek_hm.model import ProTrek
    from protrek_hm.model.light import LightProTrek
    from protrek_hm.search.hits import Answer

_COLUMNS: dict["Modality", tuple[str, ...]] = {
    "text": ("text", "anchor_text", "hard_neg_text"),
    "sequence": ("sequence", "anchor_seq", "hard_neg_seq"),
    "structure": ("structure",),
}


class CommandsInOrder(TyperGroup):
    """A group whose help lists the commands in the order of work."""

    order = (
        *("demo", "tune", "data", "mine", "model", "train", "merge", "evaluate"),
        *("index", "search", "describe", "explain", "score", "scan", "serve", "mcp"),
    )

    def list_commands(self, ctx: Any) -> list[str]:
        """List the commands in this order; one that it does not name comes last."""
        return sorted(super().list_commands(ctx), key=lambda name: (*self.order, name).index(name))


class DefaultCommandGroup(TyperGroup):
    """A group whose first command is meant where no command is named: `mine FILE` is `mine run FILE`."""

    default = "run"

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the default command's name before arguments that name none."""
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = [self.default, *args]
        return super().parse_args(ctx, args)


def tell_check(problems: Iterable[str], *, sound: str) -> None:
    """Print what a check found, a line each, and exit 1; or that all is `sound`."""
    found = list(problems)
    for problem in found:
        typer.echo(problem)
    if found:
        raise typer.Exit(1)
    typer.echo(sound)


def tell_cuts(model: "LightProTrek | ProTrek", tables: Iterable["pl.DataFrame"]) -> None:
    """Say how many distinct sequences, structures and texts of the tables the model cuts, if any."""
    from protrek_hm.model.inputs import describe_cut

    frames = list(tables)
    for task, names in _COLUMNS.items():
        if task not in model.tasks:
            continue
        columns = [frame[name] for frame in frames for name in names if name in frame.columns]
        distinct = sorted({each for column in columns for each in column if each is not None})
        notice = describe_cut(model, distinct, task=task)
        if notice:
            typer.echo(notice, err=True)


@contextmanager
def notices_told() -> Iterator[None]:
    """Print what the library says of its answers by warnings, as a line each."""
    from protrek_hm.search.reading import NoticeWarning

    with warnings.catch_warnings():
        warnings.simplefilter("default", NoticeWarning)
        others = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> None:
            if issubclass(category, NoticeWarning):
                typer.echo(str(message), err=True)
            else:
                others(message, category, *place, **more)

        warnings.showwarning = show
        yield


def tell_of_answers(answers: "Mapping[str, Answer[Any]]") -> None:
    """Say which queries were cut, and what else should be known of their answers."""
    from protrek_hm.search.reading import tell_cut_queries

    cut = tell_cut_queries(list(answers), [each.cut for each in answers.values()])
    notes = dict.fromkeys(note for each in answers.values() for note in each.notes if note != str(each.cut))
    for note in ([cut] if cut else []) + list(notes):
        typer.echo(note, err=True)


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """Show a bar for each stage that is reported; nothing is drawn where stderr is not a terminal."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        TaskID,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.progress import (
        Progress as Bars,
    )

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Bars(*columns, console=console, disable=not console.is_terminal) as bars:
        tasks: dict[str, TaskID] = {}

        def report(stage: str, done: int, total: int | None) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total, rate="")
            task = bars.tasks[tasks[stage]]
            rate = f"{done / task.elapsed:,.0f}/s" if task.elapsed else ""
            bars.update(tasks[stage], completed=done, total=total, rate=rate)

        yield report


@contextmanager
def destination(output: Path | None, *, force: bool) -> Iterator[TextIO]:
    """Open what an answer is written to: the file, which appears whole or not at all, or stdout without one."""
    if output is None:
        yield sys.stdout
        return
    from protrek_hm.files import new_file

    with new_file(output, force=force) as temporary, temporary.open("w", encoding="utf-8") as file:
        yield file


def guard(command: Callable[[], object]) -> None:
    r"""Run a command line. Exit codes: 0 done, 1 no (or a closed pipe), 2 bad input, 130 interrupted.

    Letters that stdout cannot show are written as in JSON: é as \u00e9.
    """
    codecs.register_error("escape", _escape)
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="escape")
    try:
        try:
            command()
        finally:
            sys.stdout.flush()  # a closed pipe shows here, not when the interpreter ends
    except ProTrekHMError as error:
        _fail(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # `protrek-hm … | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except ImportError as error:
        _fail(f"{error}; a package is missing or damaged: install protrek-hm again with pip")
    except OSError as error:
        _fail(str(error))


def _fail(message: str) -> None:
    print("error:", visible(" ".join(message.splitlines())), file=sys.stderr)  # noqa: T201
    sys.exit(2)


def _escape(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end
