"""What sharded work and its workers say to each other: what shards read, what they need, their results in order."""

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

State = TypeVar("State")
Shard = TypeVar("Shard")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Needs:
    """What a shard takes while it is worked on.

    cpus: cores, at least 1. device: whether a GPU is used where there is one. interpreter: whether the work is done by
    Python itself, so that threads would wait for each other; it then goes to processes. at_once: shards at a time on
    this machine, 0 for every core; a cluster takes as many as it has room for.
    """

    cpus: int = 1
    device: bool = False
    interpreter: bool = False
    at_once: int = 0


@dataclass(frozen=True)
class Shared(Generic[State]):
    """What every shard reads and none changes, such as a model or all sequences.

    make, arguments: how another process makes it, once; both can be pickled. Large arguments travel once to each node,
    also if several calls of `map_shards` have them in common. here: the thing itself, for workers in this process.
    """

    make: Callable[..., State]
    arguments: tuple[Any, ...]
    here: State

    @classmethod
    def of(cls, state: State) -> "Shared[State]":
        """Share what can be pickled itself, and is sent as it is.

        >>> shared = Shared.of("ACD")
        >>> shared.make(*shared.arguments), shared.here
        ('ACD', 'ACD')
        """
        return cls(_as_it_is, (state,), here=state)


def _as_it_is(state: State) -> State:
    return state


class Workers(Protocol):
    """A place where shards are worked on: `Here`, `RayCluster`."""

    def map(
        self, work: Callable[[State, Shard], Result], shards: Iterable[Shard], *, shared: Shared[State], needs: Needs
    ) -> Generator[Result, None, None]:
        """Yield `work(shared, shard)` for each shard, in their order; closed early, it cancels what is not done."""
        ...
