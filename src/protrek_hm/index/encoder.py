"""How an index has its proteins and queries encoded, and by which model."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from protrek_hm.config import Modality
from protrek_hm.errors import MissingFileError, ModelError
from protrek_hm.index.layout import IndexInfo
from protrek_hm.model.encoder import FingerprintedEncoder, compare_fingerprints, is_current, unit_vectors
from protrek_hm.model.reader import Reader, packaged_reader


@dataclass(frozen=True)
class NamedModel:
    """A model by the name that it was given, its fingerprint, and how many numbers its vectors have, if known."""

    name: str
    sha256: str
    dimension: int | None = None


def locate_model(index: Path, info: IndexInfo) -> str | Path:
    """Find the model that made an index: a folder as seen from the index, or a hub id.

    Raises
    ------
    MissingFileError
        If the folder is no longer there.

    Examples
    --------
    >>> locate_model(Path("index"), IndexInfo("user/model", None, "hash", 8, {"records": 1}))
    'user/model'
    """
    if info.model_path is None:
        return info.model
    folder = (index.resolve() / info.model_path).resolve()
    if not folder.exists():
        raise MissingFileError(folder, f"{index} was built with this model; name its new place with -m")
    return folder


log = logging.getLogger(__name__)


def check_model(info: IndexInfo, model: FingerprintedEncoder, index: Path | str = "the index") -> None:
    """Make sure that `model` made the index; of one built before fingerprints covered all, the weights are compared.

    Raises
    ------
    ModelError
        If it did not: other weights, or the same ones with another tokenizer, window or arithmetic.
    """
    wanted, found = info.model_sha256, model.fingerprint()
    likeness = compare_fingerprints(wanted, found)
    if likeness != "same":
        built = f"{index} was built with the model {info.model} (fingerprint {wanted[:12]}…)"
        other = "which has its weights, but another tokenizer, window or arithmetic" * (likeness == "same weights")
        problem = f"{built}, not with this one ({other or f'{found[:12]}…'})"
        raise ModelError(problem, "name that model with -m, or build the index again with this one")
    if is_current(found) and not is_current(wanted):
        log.warning(
            "%s: its fingerprint is of an earlier kind: the model's weights are those that it was built with, whether "
            "tokenizer and window are, too, cannot be told; built again, it can",
            index,
        )


def reader_of(info: IndexInfo, index: Path | str = "the index") -> Reader | None:
    """Return the sentence encoder that read the texts of an index; None where none did.

    Raises
    ------
    ModelError
        If it was another one than this version comes with.
    """
    if info.reader is None:
        return None
    reader = packaged_reader()
    if reader.fingerprint() != info.reader_sha256:
        problem = f"the texts of {index} were read by another sentence encoder than this version comes with"
        raise ModelError(problem, "build the index again, or search it with --signals model,words")
    return reader


def encode_unit(
    model: FingerprintedEncoder,
    inputs: Sequence[str],
    *,
    task: Modality,
    batch_size: int = 32,
    progress: bool = False,
    precision: str = "float32",
) -> Float[np.ndarray, "n dim"]:
    """Encode `inputs` as float32 vectors of length 1, whatever precision the model computes in.

    Raises
    ------
    ModelError
        If the model has no such route, or gives a vector that has no direction (zero, infinite or NaN).
    """
    if task not in model.tasks:
        raise ModelError(f"the model has no route for {task!r}", f"it encodes {', '.join(model.tasks)}")
    return unit_vectors(model, inputs, task=task, batch_size=batch_size, progress=progress, precision=precision)
