"""The folder of a run: begun, gone on with after an interruption, finished."""

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import polars as pl

from protrek_hm.errors import OptionError
from protrek_hm.files import read_json, refuse_existing, write_json
from protrek_hm.train.checkpoints import last_checkpoint

IfExists = Literal["refuse", "resume", "overwrite"]
CHECKPOINTS = "checkpoints"
MODEL = "model"


def begin(folder: Path, resolved: Mapping[str, Any], if_exists: IfExists) -> Path | None:
    """Make the run folder ready; return the checkpoint to go on from, if any.

    Raises
    ------
    OutputExistsError
        If it holds something, and `if_exists` is "refuse".
    OptionError
        If a run is to be resumed that was begun with other settings, data or weights.
    """
    if if_exists == "resume" and (folder / "config.json").is_file():
        before = read_json(folder / "config.json")
        for name, value in resolved.items():
            if before.get(name) != value:
                wanted = f"{folder} was begun with {before.get(name)!r}; resume with that, or train anew"
                raise OptionError(name, value, wanted)
        return last_checkpoint(folder / CHECKPOINTS)
    refuse_existing(folder, force=if_exists == "overwrite")
    for name in (MODEL, CHECKPOINTS):  # nothing else: the folder may hold what is not ours
        shutil.rmtree(folder / name, ignore_errors=True)
    write_json(folder / "config.json", resolved)
    return None


def is_finished(folder: Path) -> bool:
    """Tell whether the run in `folder` has its model, and has cleared its checkpoints away."""
    return (folder / MODEL / "modules.json").is_file() and not (folder / CHECKPOINTS).exists()


def clear_checkpoints(folder: Path) -> None:
    """Delete the checkpoints of a finished run; it is finished at once, however long the deletion takes."""
    doomed = folder / f".{CHECKPOINTS}"
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
