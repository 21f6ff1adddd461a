"""The folder of a run: begun, gone on with after an interruption, finished."""

import hashlib
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import polars as pl

from protrek_hm.errors import OptionError, ProtectedOutputError
from protrek_hm.files import (
    LOCK,
    foreign_files,
    read_json,
    refuse_existing,
    sweep_litter,
    write_json,
    writing,
)
from protrek_hm.train.checkpoints import last_checkpoint

IfExists = Literal["refuse", "resume", "overwrite"]
CHECKPOINTS = "checkpoints"
MODEL = "model"
_DOOMED = ".checkpoints"


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Lock the run folder, remove what killed runs left there, and leave no lock behind. Raises as `writing`."""
    with writing(folder):
        for place in (folder, folder / CHECKPOINTS):
            if place.is_dir():
                sweep_litter(place)
        shutil.rmtree(folder / _DOOMED, ignore_errors=True)
        try:
            yield
        finally:
            (folder / LOCK).unlink(missing_ok=True)


def begin(folder: Path, resolved: Mapping[str, Any], if_exists: IfExists) -> Path | None:
    """Make the run folder ready; return the checkpoint to go on from, if any.

    Raises
    ------
    OutputExistsError, ProtectedOutputError
        If it holds something, and `if_exists` is "refuse"; if a model or checkpoints would go that are not of a run.
    OptionError
        If a run is to be resumed that was begun with other settings, data or weights.
    FileFormatError
        If it cannot be resumed, as its checkpoints are damaged.
    """
    if if_exists == "resume" and (folder / "config.json").is_file():
        before = read_json(folder / "config.json")
        for name, value in resolved.items():
            if before.get(name) != value:
                wanted = f"{folder} was begun with {before.get(name)!r}; resume with that, or train anew"
                raise OptionError(name, value, wanted)
        return last_checkpoint(folder / CHECKPOINTS)
    refuse_existing(folder, force=if_exists == "overwrite", folder=True, replaced=False, carried=(LOCK,))
    _refuse_foreign(folder)
    shutil.rmtree(folder / CHECKPOINTS, ignore_errors=True)  # nothing else: the folder may hold what is not ours
    if (folder / MODEL).exists():  # it goes when the new one is whole; until then the run is not finished
        (folder / CHECKPOINTS).mkdir()
    write_json(folder / "config.json", resolved)
    return None


def _refuse_foreign(folder: Path) -> None:
    """Raise ProtectedOutputError if model or checkpoints hold what no run wrote; a run's own may be damaged."""
    begun = (folder / "config.json").is_file()
    for place in (folder / MODEL, *(folder / CHECKPOINTS).glob("[!.]*")):
        ours = begun and re.fullmatch(r"checkpoint-\d+", place.name)
        if not ours and (place.is_file() or (place.is_dir() and foreign_files(place))):
            raise ProtectedOutputError(place, "no such command wrote it")


def is_finished(folder: Path) -> bool:
    """Tell whether the run in `folder` has its model, and has cleared its checkpoints away."""
    return (folder / MODEL / "modules.json").is_file() and not (folder / CHECKPOINTS).exists()


def clear_checkpoints(folder: Path) -> None:
    """Delete the checkpoints of a finished run; it is finished at once, however long the deletion takes."""
    doomed = folder / _DOOMED
    if (folder / CHECKPOINTS).exists():
        (folder / CHECKPOINTS).rename(doomed)
    shutil.rmtree(doomed, ignore_errors=True)


def digest(table: pl.DataFrame | None, columns: Sequence[str]) -> str | None:
    """Name what a run reads of its data, order included, so that it is resumed with the same.

    columns: those that it reads if the table has them.

    Examples
    --------
    >>> digest(pl.DataFrame({"text": ["a", "b"], "other": [1, 2]}), ["text", "absent"])
    '2 rows, 799bcab46b87'
    """
    if table is None:
        return None
    content = table.select(column for column in columns if column in table.columns).write_csv().encode()
    return f"{table.height} rows, {hashlib.sha256(content).hexdigest()[:12]}"
