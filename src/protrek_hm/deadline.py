"""Long work: it reports its progress, and asks at each step whether anyone still waits for what it does.

Outside of `until` nobody asks them to stop, and `checkpoint` does nothing.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

from protrek_hm.errors import GivenUpError

_STOP: ContextVar[Callable[[], bool] | None] = ContextVar("stop", default=None)


class Progress(Protocol):
    """A function that long work calls to report its progress."""

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        """Report that `done` of `total` steps of `stage` are done; `total` is None where it is not known."""


@contextmanager
def until(stop: Callable[[], bool]) -> Iterator[None]:
    """Let the work of this thread end at its next `checkpoint` from which on `stop()` is true.

    Examples
    --------
    >>> done = []
    >>> with until(lambda: len(done) == 2):
    ...     for step in range(9):
    ...         checkpoint()
    ...         done.append(step)
    Traceback (most recent call last):
        ...
    protrek_hm.errors.GivenUpError: nobody waits for this any more
    >>> done
    [0, 1]
    """
    token = _STOP.set(stop)
    try:
        yield
    finally:
        _STOP.reset(token)


def checkpoint() -> None:
    """Raise GivenUpError if the work shall stop."""
    stop = _STOP.get()
    if stop is not None and stop():
        raise GivenUpError("nobody waits for this any more")
