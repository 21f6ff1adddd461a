"""What all commands share at the console: how they are named, what they say on stderr, and how they end."""

import codecs
import io
import json
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup

from protrek_hm.errors import ProTrekHMError

if TYPE_CHECKING:
    import polars as pl

    from protrek_hm.config import Modality
    from protrek_hm.model import ProTrek
    from protrek_hm.search.hits import Answer

_COLUMNS: dict["Modality", tuple[str, ...]] = {
    "text": ("text", "anchor_text", "hard_neg_text"),
    "sequence": ("sequence", "anchor_seq", "hard_neg_seq"),
    "structure": ("structure",),
}


class DefaultCommandGroup(TyperGroup):
    """A group whose first command is meant where no command is named: `mine FILE` is `mine run FILE`."""

    default = "run"

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the default command's name before arguments that name none."""
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = [self.default, *args]
        return super().parse_args(ctx, args)


def tell_cuts(model: "ProTrek", tables: Iterable["pl.DataFrame"]) -> None:
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
    print("error:", " ".join(message.splitlines()), file=sys.stderr)  # noqa: T201
    sys.exit(2)


def _escape(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end
