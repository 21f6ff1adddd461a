"""A cluster of Ray: each shard is a task, and Ray decides where it runs, and runs it again if its worker dies.

What shards share is put into its object store once, and made once in each worker process; results come back through
the store and are taken in order. Nodes write nothing and need to see no folder but the
model's.
"""

import logging
import os
import socket
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from itertools import islice
from typing import Any, NamedTuple
from uuid import uuid4

from protrek_hm.deadline import checkpoint
from protrek_hm.errors import ClusterError, OptionError, ProTrekHMError, WorkerLostError
from protrek_hm.workers.here import VISIBLE
from protrek_hm.workers.work import Needs, Result, Shard, Shared, State

log = logging.getLogger(__name__)
_AHEAD = 4  # shards that are under way, or whose results wait, for each that the cluster has room for
_TRIES_AGAIN = 4
_LOOK = 5.0  # seconds between two looks at the cluster while nothing comes back
_LISTENS = 10.0  # seconds within which a cluster must answer
_KEPT = 4  # arguments that stay in the object store for the next call
_SAME = ("protrek-hm", "torch", "numpy")  # packages on which bytes depend


@contextmanager
def connected(address: str, *, gpus: bool = True, patience: float = 60.0) -> Iterator["RayCluster"]:
    """Connect to a cluster for as long as the block runs; one that this process is connected to already is taken.

    Parameters
    ----------
    address
        `auto`: of this machine, or of the variable RAY_ADDRESS; `local`: one that is started here and stopped at the
        end; `ray://HOST:PORT`: from outside, through Ray's client; `HOST:PORT`: a head, from a node.
    gpus
        Whether GPUs are used where nodes have them.
    patience
        Seconds to wait for room for a shard.

    Raises
    ------
    OptionError
        If Ray is not installed.
    ClusterError
        If no cluster answers.
    """
    ours = join(address)
    try:
        yield RayCluster(gpus=gpus, patience=patience)
    finally:
        if ours:
            import ray

            ray.shutdown()


def join(address: str, *, namespace: str | None = None) -> bool:
    """Join a cluster, unless this process is in one already; return whether it joined now, and so has to leave.

    Raises as `connected`.
    """
    try:
        import ray
    except ImportError:
        raise OptionError("cluster", address, "takes Ray: pip install 'protrek-hm[cluster]'") from None
    if ray.is_initialized():
        return False
    _refuse_silent(address)
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR, **_OPTIONS.get(address, {})}
    try:
        ray.init(address, namespace=namespace, **quiet)
    except Exception as error:  # Ray raises bare ones, too, as where a node does not start in time
        told = " ".join(str(error).split())[:200]
        remedy = "start one with `ray start --head`, or give its HOST:PORT; RAY_AUTH_MODE must be one there and here"
        raise ClusterError(f"no cluster at {address} ({told})", remedy) from error
    return True


def _refuse_silent(address: str) -> None:
    """Make sure that someone listens at HOST:PORT, for which Ray itself waits for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():
        return
    try:
        socket.create_connection((host, int(port)), timeout=_LISTENS).close()
    except (OSError, OverflowError) as error:
        remedy = "check the address, or start a cluster with `ray start --head`"
        raise ClusterError(f"no cluster answers at {address} ({error})", remedy) from error


_OPTIONS: dict[str, dict[str, Any]] = {"local": {"include_dashboard": False}}


class RayCluster:
    """Workers of the cluster that this process is connected to; see `connected`.

    Examples
    --------
    >>> RayCluster(gpus=False, patience=5).patience
    5
    """

    def __init__(self, *, gpus: bool = True, patience: float = 60.0) -> None:
        self.gpus, self.patience = gpus, patience
        self._sent: dict[int, tuple[object, Any]] = {}
        self._tried: set[tuple[int, int]] = set()
        self._begun: Any = None  # the actor to which shards tell that they have begun

    def map(
        self, work: Callable[[State, Shard], Result], shards: Iterable[Shard], *, shared: Shared[State], needs: Needs
    ) -> Generator[Result, None, None]:
        """Yield `work(shared, shard)` in order; see `map_shards`."""
        import ray

        wanted = (needs.cpus, int(needs.device and self.gpus and self._most("GPU") > 0))
        waiting = iter(shards)
        some = list(islice(waiting, 1))
        if not some:
            return
        self._try_out(wanted)
        task = _task(wanted)
        sent = [self._send(each) for each in shared.arguments]
        make = shared.make
        state = (":".join([make.__module__, make.__qualname__, *(each.hex() for each in sent)]), make, sent)
        if self._begun is None:
            self._begun = ray.remote(num_cpus=0)(_Begun).remote()
        under_way: deque[_UnderWay] = deque()
        try:
            while True:
                room = _AHEAD * self._slots(wanted) - len(under_way)
                for shard in (*some, *islice(waiting, max(room - len(some), 0))):
                    name = uuid4().hex
                    under_way.append(_UnderWay(name, shard, task.remote(state, work, shard, self._begun, name)))
                some = []
                if not under_way:
                    return
                yield self._take(under_way, wanted)
                under_way.popleft()
        finally:
            for _, _, result in under_way:
                with _ignoring_lost():
                    ray.cancel(result)  # not by force: Ray 2.60 would end this process when a result comes meanwhile

    def _send(self, argument: object) -> Any:
        """Put an argument into the object store, or find it there."""
        import ray

        held = self._sent.pop(id(argument), None) or (argument, ray.put(argument))
        self._sent[id(argument)] = held  # the last used one last
        while len(self._sent) > _KEPT:
            del self._sent[next(iter(self._sent))]
        return held[1]

    def _take(self, under_way: "Sequence[_UnderWay]", wanted: tuple[int, int]) -> Any:
        """Wait for the first result, and look meanwhile whether there is still hope for it."""
        import ray

        first = under_way[0]
        since, patience = time.monotonic(), self.patience
        while not ray.wait([first.result], timeout=_LOOK)[0]:
            checkpoint()
            if _head_is_gone():
                raise _lost()
            quiet = time.monotonic() - since
            if quiet <= patience:
                continue
            if self._slots(wanted) == 0:
                raise self._no_room(wanted, "no node is left that has room for a shard")
            if self._begun is not None and self._none_begun(under_way):
                raise self._no_room(wanted, f"no shard was begun within {quiet:.0f} s")
            log.warning("a shard has not come back for %d s; the cluster has %s", quiet, _describe_cluster())
            patience *= 2
        checkpoint()
        return _unwrap(first.result, first.shard)

    def _none_begun(self, under_way: "Sequence[_UnderWay]") -> bool:
        """Say whether it is sure that no shard is being worked on."""
        import ray

        try:
            return not ray.get(self._begun.any.remote([each.name for each in under_way]), timeout=_LISTENS)
        except ray.exceptions.RayError:  # lost with its node, or not begun itself
            self._begun = None
            return False

    def _try_out(self, wanted: tuple[int, int]) -> None:
        """Run an empty task, which also compares versions, before the first shard of its kind."""
        import ray

        if wanted in self._tried:
            return
        here, result = _versions(), _task(wanted, bare=True).remote()
        if not ray.wait([result], timeout=self.patience)[0]:
            ray.cancel(result)
            raise self._no_room(wanted, f"no node had room for a shard within {self.patience:.0f} s")
        there = _unwrap(result, None)
        if there != here:
            differ = ", ".join(f"{name} {there[name]}, here {here[name]}" for name in here if there[name] != here[name])
            raise ClusterError(f"a node has {differ}", "install the same versions on all nodes")
        self._tried.add(wanted)

    def _no_room(self, wanted: tuple[int, int], problem: str) -> ClusterError:
        cpus, gpus = wanted
        asked = f"{cpus} CPU" + f" and {gpus} GPU" * bool(gpus)
        remedy = "add nodes (`ray start --address=HEAD:6379`), or wait until others have finished"
        return ClusterError(f"{problem}: it takes {asked} of one node; the cluster has {_describe_cluster()}", remedy)

    def _most(self, resource: str) -> float:
        """Return the most of a resource that one node has."""
        return max((each.get(resource, 0.0) for each in _resources()), default=0.0)

    def _slots(self, wanted: tuple[int, int]) -> int:
        """Return how many shards the nodes could work on at a time if they were free."""
        cpus, gpus = wanted
        return sum(
            int(min(each.get("CPU", 0) // cpus, each.get("GPU", 0) // gpus if gpus else float("inf")))
            for each in _resources()
        )


def _resources() -> list[dict[str, float]]:
    """Return what each node that is alive has."""
    import ray

    try:
        return [each["Resources"] for each in ray.nodes() if each["Alive"]]  # type: ignore[no-untyped-call]
    except (ConnectionError, ray.exceptions.RayError) as error:
        raise _lost() from error


def _describe_cluster() -> str:
    """Say what the nodes have, and what of it is free.

    >>> _describe([{"CPU": 8.0, "GPU": 1.0}, {"CPU": 4.0}], {"CPU": 0.0})
    'nodes of 8 CPU and 1 GPU, 4 CPU; 0 CPU are free'
    """
    import ray

    free: dict[str, float] = ray.available_resources()  # type: ignore[no-untyped-call]
    return _describe(_resources(), free)


def _describe(nodes: list[dict[str, float]], free: dict[str, float]) -> str:
    def told(some: dict[str, float]) -> str:
        return " and ".join(f"{some[name]:g} {name}" for name in ("CPU", "GPU") if name in some) or "no CPU"

    return f"nodes of {', '.join(map(told, nodes))}; {told({'CPU': 0.0, **free})} are free" if nodes else "no node"


def _lost() -> ClusterError:
    return ClusterError("the cluster is lost", "start it again; the same command goes on from the shards that are kept")


def _head_is_gone() -> bool:
    """Say whether nobody listens where the head was: Ray itself ends this process then, after a minute."""
    import ray

    if ray.util.client.ray.is_connected():  # type: ignore[no-untyped-call]
        return False  # its connection says so itself
    host, _, port = ray.get_runtime_context().gcs_address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=_LISTENS).close()
    except ConnectionRefusedError:
        return True
    except OSError:  # slow, or behind a firewall
        return False
    return False


@contextmanager
def _ignoring_lost() -> Iterator[None]:
    """Ignore that the cluster is gone: then nothing needs to be cancelled."""
    import ray

    try:
        yield
    except (ConnectionError, RuntimeError, ray.exceptions.RayError):
        pass


def _unwrap(result: Any, shard: object) -> Any:
    """Return what a task returned, or raise what went wrong."""
    import ray

    exceptions = ray.exceptions
    try:
        found = ray.get(result)
    except exceptions.RayTaskError as error:
        if isinstance(error.cause, ModuleNotFoundError) and "protrek_hm" in str(error.cause):
            raise ClusterError("a node has no protrek-hm", "install the same version on all nodes") from None
        raise error.cause from error
    except (exceptions.WorkerCrashedError, exceptions.OutOfMemoryError, exceptions.NodeDiedError) as error:
        told = f"a worker died {_TRIES_AGAIN + 1} times over one shard ({' '.join(str(error).split())[:150]})"
        raise WorkerLostError(told, shard=shard) from None
    except (ConnectionError, exceptions.RayError) as error:
        raise _lost() from error
    if isinstance(found, _Raised):
        raise found.error
    return found


class _Raised:
    """An error of ours, which Ray would wrap and log."""

    def __init__(self, error: ProTrekHMError) -> None:
        self.error = error


def _versions() -> dict[str, str]:
    found = {}
    for name in _SAME:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "none"
    return found


def _task(wanted: tuple[int, int], *, bare: bool = False) -> Any:
    import ray

    cpus, gpus = wanted
    remote = ray.remote(
        num_cpus=cpus,
        num_gpus=gpus,
        max_retries=_TRIES_AGAIN,
        scheduling_strategy="SPREAD",
        max_calls=0,  # a worker with a GPU would otherwise end, and load its model again, after each shard
    )
    return remote(_versions if bare else _work_on)


class _UnderWay(NamedTuple):
    """A shard that was sent, and what stands for its result."""

    name: str
    shard: Any
    result: Any


class _Begun:
    """An actor that is told which shards were begun: Ray itself tells that only where its dashboard runs."""

    def __init__(self) -> None:
        self._names: set[str] = set()

    def add(self, name: str) -> None:
        self._names.add(name)

    def any(self, names: list[str]) -> bool:
        return not self._names.isdisjoint(names)


_OWN: dict[str, Any] = {}  # of a worker process: what it works with, the last used one last
_OWN_AT_MOST = 2  # a model and the reader of texts, in turn


def _work_on(
    sent: tuple[str, Callable[..., Any], list[Any]], work: Callable[[Any, Any], Any], shard: Any, begun: Any, own: str
) -> Any:
    """Run one shard in a worker process of the cluster, which makes what shards share when it meets the first."""
    import ray

    begun.add.remote(own)
    name, make, arguments = sent
    try:
        if name in _OWN:
            _OWN[name] = _OWN.pop(name)
        else:
            while len(_OWN) >= _OWN_AT_MOST:
                del _OWN[next(iter(_OWN))]
            if not ray.get_gpu_ids():
                os.environ[VISIBLE] = ""  # Ray leaves GPUs visible that it has not given
            _OWN[name] = make(*ray.get(arguments))
        return work(_OWN[name], shard)
    except ProTrekHMError as error:
        return _Raised(error)
