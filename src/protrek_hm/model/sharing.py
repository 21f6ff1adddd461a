"""A model that several workers encode with, so that each vector has the same bytes wherever it is made.

The last digits of a matrix product depend on how many threads share it. So a shard is encoded by one thread, and cores
are used by encoding several shards at a time.
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from protrek_hm.errors import MissingFileError, ModelError
from protrek_hm.model.encoder import FingerprintedEncoder
from protrek_hm.model.reader import Reader, packaged_reader
from protrek_hm.workers import Needs, Shared


def shared_encoder(model: FingerprintedEncoder) -> Shared[FingerprintedEncoder]:
    """Say how other processes get `model`: by the name or folder that `load_encoder` was given, and as the same one.

    A model that was not loaded travels itself.

    Examples
    --------
    >>> shared_encoder(packaged_reader()).arguments
    ()
    """
    if isinstance(model, Reader):
        return Shared(packaged_reader, (), here=model)
    origin = getattr(model, "origin", None)
    if origin is None:
        return Shared(_as_it_is, (model,), here=model)
    return Shared(_load_same, (*origin, model.fingerprint()), here=model)


def _as_it_is(model: FingerprintedEncoder) -> FingerprintedEncoder:
    return model


def _load_same(path: str, revision: str | None, wanted: str) -> FingerprintedEncoder:
    from protrek_hm.model.light import load_encoder

    here = socket.gethostname()
    try:
        model = load_encoder(path, revision=revision)
    except MissingFileError as error:
        remedy = "put it into a folder that all nodes see, or give its name on the hub"
        raise ModelError(f"the machine {here} does not find the model {path}", remedy) from error
    if model.fingerprint() != wanted:
        raise ModelError(f"the machine {here} has another model at {path}", "give all machines the same one")
    return cast("FingerprintedEncoder", model)


def encoding_needs(model: FingerprintedEncoder) -> Needs:
    """Say what a shard takes that `model` encodes: a GPU where there is one, else one of the cores that torch may use.

    A stand-in that torch knows nothing of encodes one shard at a time.
    """
    place = getattr(model, "device", None)
    if isinstance(model, Reader) or getattr(place, "type", None) == "cpu":
        import torch

        return Needs(device=not isinstance(model, Reader), at_once=torch.get_num_threads())
    return Needs(device=place is not None, at_once=1)


def use_one_thread(model: Any) -> None:
    """Let this thread, and this process until `threads_restored` ends, compute matrix products alone."""
    if _is_of_torch(model):
        import torch

        torch.set_num_threads(1)


@contextmanager
def threads_restored(model: Any) -> Iterator[None]:
    """Set back at the end what `use_one_thread` did within, in any thread."""
    if not _is_of_torch(model):
        yield
        return
    import torch

    before = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _is_of_torch(model: Any) -> bool:
    return isinstance(model, Reader) or getattr(model, "device", None) is not None
