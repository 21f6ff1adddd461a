"""Vectors that are kept on disk, so that no model encodes an input twice."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file
from tqdm.auto import tqdm

from protrek_hm.config import Modality
from protrek_hm.files import new_file
from protrek_hm.model.encoder import Encoder, FingerprintedEncoder, read_once
from protrek_hm.model.sharing import in_shards, map_encoding

KEPT_AT_ONCE = 4096
"""Inputs that are encoded, at least, before they are written."""
_HASH_BYTES = 16
_Vectors = Float[np.ndarray, "inputs dim"]


class CachedEncoder:
    """An encoder that looks into a folder before it encodes, and keeps there what it had to encode.

    The folder holds one file for each model (by its fingerprint) and task, in safetensors: the hash of each input, and
    its vector. A second use of the same model on the same inputs encodes nothing, whatever else was changed.

    `precision` other than "float32" is passed on to the model, and has files of its own.

    Attributes
    ----------
    encoded
        How many inputs had to be encoded so far.

    Examples
    --------
    >>> import tempfile
    >>> class Letters:
    ...     temperature, tasks = 0.07, ("text",)
    ...     def fingerprint(self): return "abc"
    ...     def encode(self, inputs, *, task, batch_size, show_progress_bar):
    ...         return np.array([[each.count("K"), each.count("R")] for each in inputs], dtype=np.float32)
    >>> folder = Path(tempfile.mkdtemp())
    >>> for _ in range(2):
    ...     encoder = CachedEncoder(Letters(), folder)
    ...     vectors = encoder.encode(["KR", "KK"], task="text", batch_size=8, show_progress_bar=False)
    ...     print(vectors.tolist(), encoder.encoded)
    [[1.0, 1.0], [2.0, 0.0]] 2
    [[1.0, 1.0], [2.0, 0.0]] 0
    """

    def __init__(self, model: FingerprintedEncoder, folder: Path, *, precision: str = "float32") -> None:
        self.model, self.folder, self.precision = model, folder, precision
        self.temperature, self.tasks = model.temperature, model.tasks
        self._fingerprint = model.fingerprint()
        self.encoded = 0

    def fingerprint(self) -> str:
        """Return the model's."""
        return self._fingerprint

    def encode(
        self, inputs: list[str], /, *, task: Modality, batch_size: int, show_progress_bar: bool
    ) -> Float[np.ndarray, "inputs dim"]:
        """Return one float32 vector per input, in order; only those that are not there yet are encoded."""
        reduced: dict[str, Any] = {} if self.precision == "float32" else {"precision": self.precision}
        path = self.folder / f"{'-'.join([self._fingerprint, task, *reduced.values()])}.safetensors"
        hashes, vectors = _read_vectors(path)
        known = {each.tobytes(): row for row, each in enumerate(hashes)}
        wanted = [_hash_input(each) for each in inputs]
        missing = {digest: each for digest, each in zip(wanted, inputs, strict=True) if digest not in known}
        work = partial(_encode, task=task, batch_size=batch_size, **reduced)
        for fresh in self._encoded(missing, work, task, progress=show_progress_bar) if missing else ():
            self.encoded += len(fresh)
            known |= {digest: len(known) + at for at, digest in enumerate(fresh)}
            new = np.stack(list(fresh.values()))
            vectors = np.concatenate([vectors, new]) if len(vectors) else new
            _write_vectors(path, list(known), vectors)  # what is interrupted goes on from here
        return vectors[[known[digest] for digest in wanted]]

    def _encoded(
        self, missing: Mapping[bytes, str], work: Callable[..., _Vectors], task: Modality, *, progress: bool
    ) -> Iterator[dict[bytes, Float[np.ndarray, " dim"]]]:
        """Encode inputs in shards, and yield the vectors of some at a time; inputs that are read alike get one."""
        first, place = read_once(self.model, list(missing.values()), task=task)
        alike: list[list[bytes]] = [[] for _ in first]
        for digest, row in zip(missing, place, strict=True):
            alike[row].append(digest)
        shards = in_shards(first)
        given = ([first[row] for row in shard] for shard in shards)
        bar = tqdm(total=len(first), desc="Encoding", disable=not progress)
        fresh: dict[bytes, Float[np.ndarray, " dim"]] = {}
        with bar, map_encoding(work, given, self.model, alone=len(shards) == 1) as encoded:
            for shard, rows in zip(shards, encoded, strict=True):
                fresh |= {digest: rows[at] for at, row in enumerate(shard) for digest in alike[row]}
                bar.update(len(shard))
                if len(fresh) >= KEPT_AT_ONCE or shard is shards[-1]:
                    yield fresh
                    fresh = {}


def _encode(model: Encoder, inputs: list[str], *, task: Modality, batch_size: int, **reduced: Any) -> _Vectors:
    encoded = model.encode(inputs, task=task, batch_size=batch_size, show_progress_bar=False, **reduced)
    return np.asarray(encoded, dtype=np.float32)


def _hash_input(text: str) -> bytes:
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=_HASH_BYTES).digest()


def _read_vectors(path: Path) -> tuple[UInt8[np.ndarray, "rows bytes"], Float[np.ndarray, "rows dim"]]:
    """Return what is kept; a file that is not there, or damaged, holds nothing and will be made anew."""
    try:
        arrays = load_file(path)
        hashes, vectors = arrays["hashes"], arrays["vectors"]
        if np.array_equal(arrays["checksum"], _checksum(hashes, vectors)):
            return hashes, vectors
    except (OSError, SafetensorError, KeyError):
        pass
    return np.zeros((0, _HASH_BYTES), dtype=np.uint8), np.zeros((0, 0), dtype=np.float32)


def _write_vectors(path: Path, hashes: Sequence[bytes], vectors: Float[np.ndarray, "rows dim"]) -> None:
    vectors = np.ascontiguousarray(vectors)
    digests = np.frombuffer(b"".join(hashes), dtype=np.uint8).reshape(-1, _HASH_BYTES)
    with new_file(path) as temporary:
        save_file({"hashes": digests.copy(), "vectors": vectors, "checksum": _checksum(digests, vectors)}, temporary)


def _checksum(
    hashes: UInt8[np.ndarray, "rows bytes"], vectors: Float[np.ndarray, "rows dim"]
) -> UInt8[np.ndarray, " bytes"]:
    made = hashlib.blake2b(np.ascontiguousarray(hashes).data, digest_size=_HASH_BYTES)
    made.update(np.ascontiguousarray(vectors).data)
    return np.frombuffer(made.digest(), dtype=np.uint8).copy()
