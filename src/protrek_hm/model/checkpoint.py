"""ProTrek's checkpoints: tensors by name, read without running any code that a file may carry."""

import pickle
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from protrek_hm.errors import FileFormatError

_PROGRESS = ("epoch", "global_step", "best_value")
_SHOWN = 12
_AGAIN = "copy or download it again"


@dataclass(frozen=True)
class Checkpoint:
    """The tensors of a checkpoint by name, and how far its training had come: epoch, global_step, best_value."""

    path: Path
    tensors: Mapping[str, Tensor]
    progress: Mapping[str, float]


def read_checkpoint(path: Path) -> Checkpoint:
    """Read the `model` of a checkpoint; optimizers and settings beside it are passed over.

    Tensors of files in today's format are read from the disk when they are used.

    Raises
    ------
    FileFormatError
        If the file is cut off or damaged, holds other things than tensors and plain values, or no model.
    """
    with path.open("rb") as file:
        if file.read(40).startswith(b"version https://git-lfs"):
            problem = "a pointer of Git LFS, not the weights"
            raise FileFormatError(path, problem, "fetch them with `git lfs pull`, or give the hub's name of the model")
    try:
        zipped = zipfile.is_zipfile(path)
        if zipped:
            _check_sums(path)
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=zipped)
    except pickle.UnpicklingError as error:
        first = str(error).split(". ")[0].splitlines()[0]
        raise FileFormatError(path, f"not a checkpoint of tensors alone ({first})", _AGAIN) from error
    except (RuntimeError, EOFError, OSError, ValueError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise FileFormatError(path, f"cut off or damaged ({reason})", _AGAIN) from error
    tensors = content.get("model") if isinstance(content, dict) else None
    if not (isinstance(tensors, dict) and all(isinstance(each, Tensor) for each in tensors.values())):
        raise FileFormatError(path, 'no checkpoint of ProTrek: it has no tensors under "model"', "give another one")
    progress = {name: content[name] for name in _PROGRESS if isinstance(content.get(name), int | float)}
    # Training on several devices puts a word before each name
    return Checkpoint(path, {name.removeprefix("module."): each for name, each in tensors.items()}, progress)


def _check_sums(path: Path) -> None:
    """Compare each part of a file with its checksum, which torch does not do: a flipped bit would be a weight."""
    with zipfile.ZipFile(path) as archive:
        # Who writes without checksums leaves 0 for each
        if any(each.CRC for each in archive.infolist()) and (part := archive.testzip()) is not None:
            raise zipfile.BadZipFile(f"{part} does not agree with its checksum")


def check_tensors(
    checkpoint: Checkpoint, expected: Mapping[str, tuple[int, ...] | None], *, optional: Iterable[str] = ()
) -> None:
    """Make sure that a checkpoint has the tensors `expected`, by name and shape, and no others but the `optional`.

    A shape of None is any shape.

    Raises
    ------
    FileFormatError
        If it has not: the message lists the names.
    """
    found = checkpoint.tensors
    missing = [name for name in expected if name not in found]
    surplus = sorted(found.keys() - expected.keys() - set(optional))
    wrong = [
        f"{name} {list(found[name].shape)} instead of {list(shape)}"
        for name, shape in expected.items()
        if shape is not None and name in found and tuple(found[name].shape) != shape
    ]
    problems = [
        f"{len(names)} {what}: {_enumerate(names)}"
        for what, names in (("missing", missing), ("unexpected", surplus), ("of another size", wrong))
        if names
    ]
    if problems:
        problem = f"tensors do not fit the folders beside it: {'; '.join(problems)}"
        raise FileFormatError(checkpoint.path, problem, "give the folders that belong to this checkpoint")


def read_scalar(checkpoint: Checkpoint, name: str) -> float:
    """Return a number that is kept as a tensor.

    Raises
    ------
    FileFormatError
        If it is not one number above 0.
    """
    tensor: Any = checkpoint.tensors[name]
    value = tensor.item() if tensor.numel() == 1 else None
    if not (value is not None and value > 0):
        raise FileFormatError(checkpoint.path, f"the temperature (tensor {name!r}) is not a number above 0", _AGAIN)
    return float(value)


def _enumerate(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
