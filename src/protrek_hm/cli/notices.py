"""Notices on stderr that several commands give."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    import polars as pl

    from protrek_hm.model import ProTrek

_TASKS = {
    "sequence": ("sequence", "anchor_seq", "hard_neg_seq"),
    "structure": ("structure",),
    "text": ("text", "anchor_text", "hard_neg_text"),
}


def tell_cuts(model: "ProTrek", tables: Iterable["pl.DataFrame"]) -> None:
    """Say how many distinct sequences, structures and texts of the tables the model cuts, if any."""
    from protrek_hm.model.window import describe_cut

    frames = list(tables)
    for task in model.tasks:
        columns = [frame[name] for frame in frames for name in _TASKS[task] if name in frame.columns]
        distinct = sorted({each for column in columns for each in column if each is not None})
        notice = describe_cut(model, distinct, task=task)
        if notice:
            typer.echo(notice, err=True)
