"""Embeddings that are made once: kept by the model's fingerprint and the input's hash.

A folder holds one file for each model and task, in safetensors: the hash of each input, and its vector. A
second evaluation of the same model on the same inputs encodes nothing, whatever else was changed.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from protrek_hm.files import new_file
from protrek_hm.model.encoder import FingerprintedEncoder, Task

_HASH_BYTES = 16


class CachedEncoder:
    """An encoder that looks into a folder before it encodes, and keeps there what it had to encode.

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
        self, inputs: list[str], /, *, task: Task, batch_size: int, show_progress_bar: bool
    ) -> Float[np.ndarray, "inputs dim"]:
        """Return one float32 vector per input, in order; only those that are not there yet are encoded."""
        reduced = {} if self.precision == "float32" else {"precision": self.precision}
        path = self.folder / f"{'-'.join([self._fingerprint, task, *reduced.values()])}.safetensors"
        hashes, vectors = _read(path)
        known = {each.tobytes(): row for row, each in enumerate(hashes)}
        wanted = [_hash(each) for each in inputs]
        missing = {digest: each for digest, each in zip(wanted, inputs, strict=True) if digest not in known}
        if missing:
            options: dict[str, Any] = {"batch_size": batch_size, "show_progress_bar": show_progress_bar, **reduced}
            fresh = np.asarray(self.model.encode(list(missing.values()), task=task, **options), dtype=np.float32)
            self.encoded += len(fresh)
            vectors = np.concatenate([vectors, fresh]) if len(vectors) else fresh
            known.update({digest: len(known) + place for place, digest in enumerate(missing)})
            _write(path, list(known), vectors)
        return vectors[[known[digest] for digest in wanted]]


def _hash(text: str) -> bytes:
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=_HASH_BYTES).digest()


def _read(path: Path) -> tuple[UInt8[np.ndarray, "rows bytes"], Float[np.ndarray, "rows dim"]]:
    """Return what is kept; a file that is not there, or damaged, holds nothing and will be made anew."""
    try:
        arrays = load_file(path)
        hashes, vectors = arrays["hashes"], arrays["vectors"]
        if np.array_equal(arrays["checksum"], _checksum(hashes, vectors)):
            return hashes, vectors
    except (OSError, SafetensorError, KeyError):
        pass
    return np.zeros((0, _HASH_BYTES), dtype=np.uint8), np.zeros((0, 0), dtype=np.float32)


def _write(path: Path, hashes: Sequence[bytes], vectors: Float[np.ndarray, "rows dim"]) -> None:
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
