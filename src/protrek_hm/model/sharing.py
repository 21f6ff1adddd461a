"""A model that several workers encode with, so that each vector has the same bytes wherever it is made.

The last digits of a matrix product depend on how many threads share it. So a shard is encoded by one thread, and cores
are used by encoding several shards at a time.
"""

import socket
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar, cast

from protrek_hm.errors import MissingFileError, ModelError
from protrek_hm.model.encoder import FingerprintedEncoder
from protrek_hm.model.reader import Reader, packaged_reader
from protrek_hm.workers import Needs, Shared, map_shards

State = TypeVar("State")
Shard = TypeVar("Shard")
Result = TypeVar("Result")


SHARD = 1_024
"""Inputs of a shard at most; fewer where there are few, so that several workers have something to do."""
_LEAST, _SHARDS = 64, 32
_MOST_SHARDS = 16_384  # beyond, shards grow: each is a file that is mapped, and Linux maps 65,530


def in_shards(inputs: Sequence[str]) -> list[list[int]]:
    """Divide inputs into shards of like length, the longest first: the numbers of each one's inputs.

    The order of the inputs changes no shard.

    >>> in_shards(["MK", "MKV", "MKL"])
    [[2, 1, 0]]
    """
    order = sorted(range(len(inputs)), key=lambda each: (-len(inputs[each]), inputs[each]))
    size = max(min(SHARD, max(_LEAST, -(-len(order) // _SHARDS))), -(-len(order) // _MOST_SHARDS))
    return [order[start : start + size] for start in range(0, len(order), size)]


@contextmanager
def map_encoding(
    work: Callable[[State, Shard], Result],
    shards: Iterable[Shard],
    model: FingerprintedEncoder,
    *,
    shared: Shared[State] | None = None,
    alone: bool = False,
) -> Iterator[Iterator[Result]]:
    """Yield the results of shards in which `model` encodes, in their order, as `workers.map_shards` does.

    A shard is worked on by one thread, so that its vectors have the same bytes wherever it is.

    Parameters
    ----------
    shared
        What the work takes instead of the model, such as a searcher that has it.
    alone
        There is and was one shard: it is worked on here, by all threads.
    """
    if alone:
        yield map(partial(work, cast("State", model) if shared is None else shared.here), shards)
        return
    taken = cast("Shared[State]", shared_encoder(model)) if shared is None else shared
    one = partial(_by_one_thread, work=work, of_torch=_is_of_torch(model))
    with (
        _threads_restored(model),
        map_shards(one, shards, shared=taken, needs=encoding_needs(model)) as results,
    ):
        yield results


def _by_one_thread(state: State, shard: Shard, *, work: Callable[[State, Shard], Result], of_torch: bool) -> Result:
    if of_torch:
        import torch

        torch.set_num_threads(1)  # of this thread, and of this process until `_threads_restored` ends
    return work(state, shard)


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
        return Shared.of(model)
    return Shared(_load_same, (*origin, model.fingerprint()), here=model)


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


@contextmanager
def _threads_restored(model: Any) -> Iterator[None]:
    """Set back at the end how many threads compute a matrix product."""
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
