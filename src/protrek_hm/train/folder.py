"""The folder of a run and its checkpoints: begun, gone on with after an interruption, finished.

A checkpoint holds weights as safetensors and a digest of every file; nothing is read that was damaged. It is written
beside its place, and takes its name once it is whole; only then older ones are deleted. So whenever a run dies, the
last checkpoint and that of the best epoch are left.
"""

import hashlib
import logging
import re
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import polars as pl
from safetensors.torch import load_file, save_file
from torch import nn

from protrek_hm.errors import FileFormatError, OptionError, ProtectedOutputError, ProTrekHMError
from protrek_hm.files import (
    LOCK,
    digest,
    foreign_files,
    read_json,
    refuse_existing,
    require_format,
    sweep_litter,
    write_json,
    writing,
)
from protrek_hm.train.config import TrainConfig
from protrek_hm.train.history import best_step

STATE = "trainer_state.json"
_WEIGHTS = "weights.safetensors"
_SEAL = "files.json"
FORMAT_VERSION = 1  # of a checkpoint
log = logging.getLogger(__name__)


def checkpoint_of(checkpoints: Path, step: int) -> Path:
    """Return the place of the checkpoint after `step`."""
    return checkpoints / f"checkpoint-{step}"


def save_weights(folder: Path, model: nn.Module, objective: nn.Module) -> None:
    """Write everything that learns, and what stands still beside it, into `folder`."""
    parts = {"model": model.state_dict(), "objective": objective.state_dict()}
    flat = {f"{part}.{name}": value.contiguous() for part, state in parts.items() for name, value in state.items()}
    save_file(flat, folder / _WEIGHTS)


def load_weights(folder: Path, model: nn.Module, objective: nn.Module) -> None:
    """Read what `save_weights` wrote."""
    flat = load_file(folder / _WEIGHTS)
    for part, module in (("model.", model), ("objective.", objective)):
        module.load_state_dict({name.removeprefix(part): flat[name] for name in flat if name.startswith(part)})


def seal(folder: Path) -> None:
    """Write down the digest of each file of a checkpoint: what does not agree with it later is damaged."""
    files = {path.name: digest(path) for path in sorted(folder.iterdir())}
    write_json(folder / _SEAL, {"format_version": FORMAT_VERSION, "files": files})


def damage(folder: Path) -> str | None:
    """Say what is wrong with a checkpoint, None if it is as it was written.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "weights").write_text("1234")
    >>> seal(folder)
    >>> damage(folder)
    >>> _ = (folder / "weights").write_text("1235")
    >>> damage(folder)
    'weights is damaged'
    """
    if not folder.is_dir():
        return "it is missing"
    try:
        content = read_json(folder / _SEAL)
    except ProTrekHMError:
        return f"{_SEAL} is missing or damaged"
    try:
        require_format(content, folder / _SEAL, reads=FORMAT_VERSION, remedy="train anew with --force")
    except FileFormatError as error:
        return error.problem
    digests = content.get("files")
    if not isinstance(digests, dict):
        return f"{_SEAL} has no digests"
    for name, recorded in digests.items():
        if not (folder / name).is_file():
            return f"{name} is missing"
        if digest(folder / name) != recorded:
            return f"{name} is damaged"
    return None


def last_checkpoint(checkpoints: Path) -> Path | None:
    """Return the latest checkpoint from which the run ends as it would have; None if there is no checkpoint at all.

    That is the latest one that is whole, as is the one of the best epoch before it. Later ones are deleted, which a
    warning says.

    Raises
    ------
    FileFormatError
        If there are checkpoints, but none like that; nothing is deleted then.
    """
    steps = _steps(checkpoints)
    problems: dict[Path, str] = {}
    for step in sorted(steps, reverse=True):
        place = steps[step]
        problem = damage(place)
        if problem is None:
            best = best_step(read_json(place / STATE)["log_history"])
            problem = None if best is None else damage(checkpoint_of(checkpoints, best))
            if problem is None:
                for later, told in problems.items():
                    log.warning("%s: %s; going on from %s", later, told, place.name)
                    shutil.rmtree(later)
                return place
            problem = f"its best epoch is {checkpoint_of(checkpoints, best or 0).name}, of which {problem}"
        problems[place] = problem
    if not steps:
        return None
    raise damaged(steps[max(steps)], problems[steps[max(steps)]])


def damaged(place: Path, problem: str) -> FileFormatError:
    """Return the error of a checkpoint that is needed and not whole."""
    return FileFormatError(place, problem, "put back a copy of it and --resume, or train anew with --force")


def forget_checkpoints(checkpoints: Path, *, but: Collection[int | None]) -> None:
    """Delete the checkpoints of all other steps."""
    for step, path in _steps(checkpoints).items():
        if step not in but:
            shutil.rmtree(path, ignore_errors=True)


def _steps(checkpoints: Path) -> dict[int, Path]:
    return {
        int(match[1]): path
        for path in checkpoints.glob("checkpoint-*")
        if (match := re.fullmatch(r"checkpoint-(\d+)", path.name))
    }


_DEFAULTS = asdict(TrainConfig())
"""What a run was begun with where its `config.json`, of an earlier version, does not name a setting."""
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
        before = _DEFAULTS | read_json(folder / "config.json")
        if later := before.keys() - resolved.keys():
            problem = f"a setting {min(later)!r}, which this version of protrek-hm does not have"
            raise FileFormatError(folder / "config.json", problem, "update protrek-hm, or train anew with --force")
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


def digest_table(table: pl.DataFrame | None, columns: Sequence[str]) -> str | None:
    """Name what a run reads of its data, order included, so that it is resumed with the same.

    columns: those that it reads if the table has them.

    Examples
    --------
    >>> digest_table(pl.DataFrame({"text": ["a", "b"], "other": [1, 2]}), ["text", "absent"])
    '2 rows, 799bcab46b87'
    """
    if table is None:
        return None
    content = table.select(column for column in columns if column in table.columns).write_csv().encode()
    return f"{table.height} rows, {hashlib.sha256(content).hexdigest()[:12]}"
