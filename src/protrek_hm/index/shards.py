"""Encoding that survives an interruption: inputs go to the model in shards, and finished shards are kept on disk.

A shard's name is the hash of the model's fingerprint, the precision and the inputs. So nothing needs to be written down
about a run: the same command finds what it has done already, and a changed one what it still can use.
"""

import hashlib
import logging
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int
from rich.console import Console
from rich.progress import Progress

from protrek_hm.config import Modality
from protrek_hm.errors import ModelError, shorten
from protrek_hm.files import is_whole, new_part
from protrek_hm.index.config import IndexConfig
from protrek_hm.index.encoder import encode_unit
from protrek_hm.index.segments import Stack, open_array, write_array
from protrek_hm.model.encoder import FingerprintedEncoder

log = logging.getLogger(__name__)
SHARD = 1_024
_BLOCK = 16_384


@dataclass(frozen=True)
class Encoded:
    """Vectors of a list of inputs, on disk.

    Attributes
    ----------
    stack, place
        The vectors as they were encoded, and where in `stack` the vector of each input is.
    usable
        Whether an input has a vector: false for those that the model failed on.
    """

    stack: Stack
    place: Int[np.ndarray, " inputs"]
    usable: Bool[np.ndarray, " inputs"]

    def blocks(self) -> Iterator[Float[np.ndarray, "some dim"]]:
        """Yield the usable vectors in the order of the inputs."""
        place = self.place[self.usable]
        for start in range(0, len(place), _BLOCK):
            yield self.stack[place[start : start + _BLOCK]]

    @property
    def numbers(self) -> Int[np.ndarray, " inputs"]:
        """The number of each input's vector in `blocks`; -1 where there is none."""
        return np.where(self.usable, np.cumsum(self.usable) - 1, -1)


def encode_in_shards(
    model: FingerprintedEncoder, inputs: Sequence[str], *, task: Modality, config: IndexConfig, folder: Path
) -> Encoded:
    """Encode `inputs`, the longest first, keeping shards in `folder`; a bar goes to stderr if that is a terminal.

    Inputs that the model reads alike get one vector: in two shards, theirs would differ in their last digits. The
    order of the inputs changes no shard.

    Raises
    ------
    ModelError
        If the model fails on an input, unless `config.on_bad_record` is "skip".
    """
    read_once = getattr(model, "read_once", None)
    first, row = (inputs, range(len(inputs))) if read_once is None else read_once(inputs, task=task)
    order = sorted(range(len(first)), key=lambda each: (-len(first[each]), first[each]))
    fingerprint = model.fingerprint()
    folder.mkdir(parents=True, exist_ok=True)
    parts = []
    with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty()) as bars:
        bar = bars.add_task(f"encoding, {task}", total=len(order))
        for start in range(0, len(order), SHARD):
            shard = [first[i] for i in order[start : start + SHARD]]
            path = folder / f"{_name(fingerprint, config.precision, task, shard)}.npy"
            vectors = _finished(path, len(shard))
            if vectors is None:
                vectors = _encode(model, shard, task=task, config=config)
                if vectors.shape[1]:
                    with new_part(path) as temporary:
                        write_array(temporary, vectors.shape, "float32", [vectors])
                    vectors = open_array(path, vectors.shape, "float32")
            parts.append(vectors)
            bars.update(bar, advance=len(shard))
    dimension = max(1, *(part.shape[1] for part in parts))
    stack = Stack([part if part.shape[1] else np.full((len(part), dimension), np.nan, "f4") for part in parts])
    usable = np.concatenate([np.isfinite(part[:, 0]) for part in stack.parts])
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    place = place[list(row)]
    return Encoded(stack, place, usable[place])


def _name(*parts: "str | Sequence[str]") -> str:
    digest = hashlib.sha256()
    for part in parts:
        for each in [part] if isinstance(part, str) else part:
            digest.update(each.encode() + b"\0")
    return digest.hexdigest()[:32]


def _finished(path: Path, rows: int) -> Float[np.ndarray, "rows dim"] | None:
    if not is_whole(path):
        return None
    array = open_array(path, None, "float32")
    return array if array.ndim == 2 and len(array) == rows else None


def _encode(
    model: FingerprintedEncoder, inputs: Sequence[str], *, task: Modality, config: IndexConfig
) -> Float[np.ndarray, "inputs dim"]:
    """Encode a shard; where inputs that the model fails on are to be skipped, halve it until they stand alone."""
    try:
        return encode_unit(model, inputs, task=task, batch_size=config.batch_size, precision=config.precision)
    except ModelError as error:
        if config.on_bad_record == "error":
            raise
        if len(inputs) == 1:
            log.warning("%s %s left out: %s", task, shorten(inputs[0]), error.problem)
            return np.full((1, 0), np.nan, dtype=np.float32)
    middle = len(inputs) // 2
    halves = [_encode(model, half, task=task, config=config) for half in (inputs[:middle], inputs[middle:])]
    width = max(half.shape[1] for half in halves)
    return np.concatenate([half if half.shape[1] else np.full((len(half), width), np.nan, "f4") for half in halves])
