"""Workers of one machine: a loop, threads, or processes; a process for each device where several are named."""

import multiprocessing
import os
import pickle
import signal
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextvars import copy_context
from typing import Any

from protrek_hm.deadline import checkpoint
from protrek_hm.errors import WorkerLostError
from protrek_hm.workers.work import Needs, Result, Shard, Shared, State

_AHEAD = 4  # shards that wait, or results, for each worker
VISIBLE = "CUDA_VISIBLE_DEVICES"
"""The variable by which a process sees some GPUs alone; torch, CUDA and Ray go by it."""


def cores() -> int:
    """Return how many cores this process may use, at least 1."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Here:
    """Workers of this machine.

    devices: what shards that need a device are given to, a process each, such as ``("0", "1")`` for two GPUs or
    ``("cpu", "cpu")``; without any they are worked on in this process.

    Examples
    --------
    >>> list(Here().map(pow, [3, 2], shared=Shared(int, ("2",), here=2), needs=Needs(at_once=2)))
    [8, 4]
    """

    def __init__(self, devices: Sequence[str] = ()) -> None:
        self.devices = tuple(devices)

    def map(
        self, work: Callable[[State, Shard], Result], shards: Iterable[Shard], *, shared: Shared[State], needs: Needs
    ) -> Generator[Result, None, None]:
        """Yield `work(shared, shard)` in order; see `map_shards`."""
        at_once = needs.at_once or max(cores() // needs.cpus, 1)
        if self.devices and needs.device:
            yield from self._in_processes(work, shards, shared, self.devices)
        elif at_once == 1:
            for shard in shards:
                checkpoint()
                yield work(shared.here, shard)
        elif needs.interpreter:
            yield from self._in_processes(work, shards, shared, ("",) * at_once)
        else:
            with ThreadPoolExecutor(at_once) as pool:
                yield from _in_order(
                    pool, lambda shard: pool.submit(copy_context().run, work, shared.here, shard), shards, at_once
                )

    def _in_processes(
        self,
        work: Callable[[State, Shard], Result],
        shards: Iterable[Shard],
        shared: Shared[State],
        devices: Sequence[str],
    ) -> Generator[Result, None, None]:
        """Work in a process for each device; each sees its own alone."""
        context = multiprocessing.get_context("spawn")
        free: Any = context.SimpleQueue()
        for device in devices:
            free.put(device)
        sent = pickle.dumps((work, shared.make, shared.arguments))
        with ProcessPoolExecutor(len(devices), context, initializer=_begin, initargs=(free, sent)) as pool:
            yield from _in_order(pool, lambda shard: pool.submit(_work_on, shard), shards, len(devices))


def _in_order(
    pool: Executor, submit: Callable[[Shard], Future[Result]], shards: Iterable[Shard], workers: int
) -> Generator[Result, None, None]:
    under_way: deque[tuple[Shard, Future[Result]]] = deque()

    def finish() -> Result:
        checkpoint()
        shard, result = under_way.popleft()
        try:
            return result.result()
        except BrokenProcessPool:
            raise WorkerLostError("a process died while it worked", shard=shard) from None

    try:
        for shard in shards:
            under_way.append((shard, submit(shard)))
            if len(under_way) >= _AHEAD * workers:
                yield finish()
        while under_way:
            yield finish()
    finally:  # an interrupted search does not go on
        pool.shutdown(cancel_futures=True)


_OWN: list[Any] = []  # of a process: what it works with, once that is made


def _begin(free: Any, sent: bytes) -> None:
    """Begin a process of a pool: take a device, and leave interruptions to the main process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    device = free.get()
    if device:
        given = [each for each in os.environ.get(VISIBLE, "").split(",") if each]
        own = given[int(device)] if device.isdigit() and given else device
        os.environ[VISIBLE] = "" if device == "cpu" else own
    _OWN[:] = [sent]


def _work_on(shard: Any) -> Any:
    if len(_OWN) == 1:
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

        work, make, arguments = pickle.loads(_OWN[0])
        _OWN[:] = [work, make(*arguments)]
        threadpool_limits(1)
    work, state = _OWN
    return work(state, shard)
