"""Checkpoints that are whole: weights as safetensors, a list of all files, and nothing read that is cut off.

The trainer writes weights, optimizer, schedule and random states, then our list of these files with their sizes,
then its own state, and only then deletes older checkpoints: whenever it dies, one whole checkpoint is left.
"""

import re
import shutil
from pathlib import Path

from safetensors.torch import load_file, save_file
from torch import nn

from protrek_hm.errors import ProTrekHMError
from protrek_hm.files import read_json, write_json

STATE = "trainer_state.json"
_WEIGHTS = "weights.safetensors"
_SEAL = "files.json"


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
    """List the files of a checkpoint with their sizes: what does not agree with it later is not whole."""
    write_json(folder / _SEAL, {path.name: path.stat().st_size for path in sorted(folder.iterdir())})


def is_whole(folder: Path) -> bool:
    """Tell whether a checkpoint has all its files, each of its size.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "weights").write_text("1234")
    >>> seal(folder)
    >>> _ = (folder / STATE).write_text("{}")
    >>> is_whole(folder)
    True
    >>> _ = (folder / "weights").write_text("12")
    >>> is_whole(folder)
    False
    """
    try:
        read_json(folder / STATE)
        sizes = read_json(folder / _SEAL)
    except ProTrekHMError:
        return False
    return all((folder / name).is_file() and (folder / name).stat().st_size == size for name, size in sizes.items())


def last_checkpoint(checkpoints: Path) -> Path | None:
    """Return the latest whole checkpoint; those that an interruption left half-written are deleted.

    The checkpoint remembers where the best one lies; it is told anew, as the run may have been moved.
    """
    steps = {
        int(match[1]): path
        for path in checkpoints.glob("checkpoint-*")
        if (match := re.fullmatch(r"checkpoint-(\d+)", path.name))
    }
    for step in sorted(steps, reverse=True):
        if not is_whole(steps[step]):
            shutil.rmtree(steps[step])
            continue
        state = read_json(steps[step] / STATE)
        if best := state.get("best_model_checkpoint"):
            moved = {"best_model_checkpoint": str(checkpoints / Path(best).name)}
            write_json(steps[step] / STATE, {**state, **moved})
        return steps[step]
    return None
