"""Notices on stderr that several commands give."""

import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    import polars as pl

    from protrek_hm.model import ProTrek
    from protrek_hm.model.encoder import Task
    from protrek_hm.search.searcher import Answer

_COLUMNS: dict["Task", tuple[str, ...]] = {
    "text": ("text", "anchor_text", "hard_neg_text"),
    "sequence": ("sequence", "anchor_seq", "hard_neg_seq"),
    "structure": ("structure",),
}


def tell_cuts(model: "ProTrek", tables: Iterable["pl.DataFrame"]) -> None:
    """Say how many distinct sequences, structures and texts of the tables the model cuts, if any."""
    from protrek_hm.model.window import describe_cut

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
