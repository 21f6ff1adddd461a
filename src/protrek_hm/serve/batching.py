"""Questions of many requests, answered together by one thread; each gets its own answer.

What has come in while the model was busy, and within a few milliseconds more, goes to it at once if it is of one kind.
The queue is bounded: who comes when it is full is told so at once. So is the time of each request: when it is over, the
work on it ends at its next `checkpoint`, and who still waits gets GivenUpError.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from math import inf
from typing import Any

from protrek_hm.deadline import checkpoint, until
from protrek_hm.errors import GivenUpError, ProTrekHMError

Run = Callable[[list[Any]], Sequence[Any]]


class FullError(ProTrekHMError):
    """More questions wait than should."""


@dataclass(frozen=True)
class _Job:
    group: Hashable | None
    items: list[Any]
    run: Run
    deadline: float
    future: "Future[list[Any]]" = field(default_factory=Future)


class Batcher:
    """A queue and the thread that works on it.

    Parameters
    ----------
    most_waiting
        Items in the queue, at least 1; a request larger than that is taken when nobody waits.
    batch_size
        Items that are answered together, at least 1; those of one request always are.
    batch_wait
        Seconds that an item waits for others, at least 0.
    observe
        Called with the number of items before each batch.
    watch
        Called with the seconds that a batch may take before it begins, and with None when it has ended.

    Examples
    --------
    >>> batcher = Batcher(most_waiting=10, batch_size=4)
    >>> double = lambda items: [2 * item for item in items]
    >>> futures = [batcher.submit(items, double, group="double") for items in ([1, 2], [3])]
    >>> [future.result() for future in futures]
    [[2, 4], [6]]
    >>> batcher.close()
    """

    def __init__(
        self,
        *,
        most_waiting: int,
        batch_size: int,
        batch_wait: float = 0.0,
        observe: Callable[[int], None] = lambda _: None,
        watch: Callable[[float | None], None] = lambda _: None,
    ) -> None:
        self._most_waiting, self._batch_size, self._batch_wait = most_waiting, batch_size, batch_wait
        self._observe, self._watch = observe, watch
        self._jobs: deque[_Job] = deque()
        self._changed = threading.Condition()
        self._closed = self._given_up = False
        self._pool = ThreadPoolExecutor(1, "answers")
        self._thread = threading.Thread(target=self._work, name="batches", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """How many items wait."""
        return sum(len(job.items) for job in tuple(self._jobs))

    def submit(
        self, items: Sequence[Any], run: Run, *, group: Hashable | None = None, seconds: float = inf
    ) -> "Future[list[Any]]":
        """Queue the items of one request; the future holds one answer for each, or the error.

        Parameters
        ----------
        items
            At least one.
        run
            Answers a list of items, in order.
        group
            Requests of one group may be answered by one call of `run`; None is for one that stays alone.
        seconds
            From now on, after which nobody waits for the answer. Those that are answered together have the time of
            the last of them.

        Raises
        ------
        FullError
            If others wait, and these would be too many with them; also when the batcher is closed.
        """
        job = _Job(group, list(items), run, time.monotonic() + seconds)
        with self._changed:
            waiting = self.waiting
            if self._closed or (waiting and waiting + len(items) > self._most_waiting):
                raise FullError(f"{waiting} questions wait already")
            self._jobs.append(job)
            self._changed.notify()
        return job.future

    def close(self, *, answer: bool = True) -> None:
        """Answer what waits, or give it up, then stop; nothing more is taken."""
        with self._changed:
            self._closed, self._given_up = True, not answer
            self._changed.notify()
        self._thread.join()
        self._pool.shutdown()

    def _work(self) -> None:
        while jobs := self._next_jobs():
            running = [job for job in jobs if job.future.set_running_or_notify_cancel()]
            if running:
                self._answer(running)

    def _next_jobs(self) -> list[_Job]:
        """Take the oldest job and those that can be answered with it; none at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._jobs or self._closed)
            if not self._jobs:
                return []
            first = self._jobs[0]
            deadline = time.monotonic() + (0 if first.group is None else self._batch_wait)
            self._changed.wait_for(
                lambda: self._closed or self.waiting >= self._batch_size, max(deadline - time.monotonic(), 0)
            )
            taken: list[_Job] = []
            left: list[_Job] = []
            room = self._batch_size
            for job in self._jobs:
                alike = job is first or (first.group is not None and job.group == first.group)
                if alike and (not taken or len(job.items) <= room):
                    taken.append(job)
                    room -= len(job.items)
                else:
                    left.append(job)
            self._jobs = deque(left)
            return taken

    def _answer(self, jobs: list[_Job]) -> None:
        items = [item for job in jobs for item in job.items]
        deadline = max(job.deadline for job in jobs)

        def run() -> list[Any]:
            with until(lambda: self._given_up or time.monotonic() > deadline):
                checkpoint()
                return list(jobs[0].run(items))

        self._observe(len(items))
        self._watch(deadline - time.monotonic())
        call = self._pool.submit(run)
        wait([call])
        self._watch(None)
        error = call.exception()
        if error is None:
            answers = call.result()
            assert len(answers) == len(items), "one answer for each item"
            for job in jobs:
                job.future.set_result(answers[: len(job.items)])
                del answers[: len(job.items)]
        elif len(jobs) == 1 or isinstance(error, GivenUpError):
            for job in jobs:
                job.future.set_exception(error)
        else:  # the fault of one is not told to the others
            for job in jobs:
                self._answer([job])
