"""Encoding that survives an interruption: inputs go to the model in shards, and finished shards are kept on disk.

A shard's name is the hash of the model's fingerprint, the precision, the batches and the inputs. So nothing needs to be
written down about a run: the same command finds what it has done already, and a changed one what it still can use.
Shards are encoded by `workers`; which inputs are in one does not depend on how many these are.
"""

import hashlib
import logging
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
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
from protrek_hm.model.sharing import in_shards, map_encoding

log = logging.getLogger(__name__)
_VERSION = "one thread"
"""Changed whenever the same inputs could give other bytes: shards of earlier versions are not reused."""
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
    chosen = in_shards(first)
    order = [row for shard in chosen for row in shard]
    shards = [[first[row] for row in shard] for shard in chosen]
    name = partial(_name, _VERSION, model.fingerprint(), config.precision, task, str(config.batch_size))
    paths = [folder / f"{name(shard)}.npy" for shard in shards]
    parts = [_finished(path, len(shard)) for path, shard in zip(paths, shards, strict=True)]
    missing = [shard for shard, part in zip(shards, parts, strict=True) if part is None]
    folder.mkdir(parents=True, exist_ok=True)
    work = partial(_encode, task=task, config=config)
    with (
        Progress(console=Console(stderr=True), disable=not sys.stderr.isatty()) as bars,
        map_encoding(work, missing, model) as encoded,
    ):
        bar = bars.add_task(f"encoding, {task}", total=len(order))
        for number, (shard, path) in enumerate(zip(shards, paths, strict=True)):
            if parts[number] is None:
                parts[number] = _keep(path, *next(encoded), task=task)
            bars.update(bar, advance=len(shard))
    done = [part for part in parts if part is not None]
    dimension = max(1, *(part.shape[1] for part in done))
    stack = Stack([part if part.shape[1] else np.full((len(part), dimension), np.nan, "f4") for part in done])
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


_Encoded = tuple[Float[np.ndarray, "inputs dim"], list[tuple[str, str]]]
"""Vectors, NaN where there is none; the inputs that have none, with what the model says of each."""


def _keep(
    path: Path, vectors: Float[np.ndarray, "rows dim"], left_out: list[tuple[str, str]], *, task: Modality
) -> Float[np.ndarray, "rows dim"]:
    """Write the vectors of a shard and return them from disk; those of a shard that has none are not kept."""
    for each, problem in left_out:
        log.warning("%s %s left out: %s", task, shorten(each), problem)
    if not vectors.shape[1]:
        return vectors
    with new_part(path) as temporary:
        write_array(temporary, vectors.shape, "float32", [vectors])
    return open_array(path, vectors.shape, "float32")


def _encode(model: FingerprintedEncoder, inputs: Sequence[str], *, task: Modality, config: IndexConfig) -> _Encoded:
    """Encode a shard; where inputs that the model fails on are to be skipped, halve it until they stand alone."""
    try:
        return encode_unit(model, inputs, task=task, batch_size=config.batch_size, precision=config.precision), []
    except ModelError as error:
        if config.on_bad_record == "error":
            raise
        if len(inputs) == 1:
            return np.full((1, 0), np.nan, dtype=np.float32), [(inputs[0], error.problem)]
    middle = len(inputs) // 2
    halves = [_encode(model, half, task=task, config=config) for half in (inputs[:middle], inputs[middle:])]
    width = max(half.shape[1] for half, _ in halves)
    filled = [half if half.shape[1] else np.full((len(half), width), np.nan, "f4") for half, _ in halves]
    return np.concatenate(filled), [each for _, left_out in halves for each in left_out]
