"""Which workers do the work: those that the flags `--cluster` and `--devices` mean, for as long as a command runs."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from contextvars import ContextVar

from protrek_hm.config import require
from protrek_hm.errors import OptionError
from protrek_hm.workers.here import Here
from protrek_hm.workers.work import Needs, Result, Shard, Shared, State, Workers

_WORKERS: ContextVar[Workers | None] = ContextVar("workers", default=None)


@contextmanager
def map_shards(
    work: Callable[[State, Shard], Result],
    shards: Iterable[Shard],
    *,
    shared: Shared[State],
    needs: Needs | None = None,
) -> Iterator[Iterator[Result]]:
    """Yield the results of all shards, an iterator in the order of the shards; what is left at the end is cancelled.

    It goes to the workers that `using` names, or else to this machine. Only a few results wait at a time, so shards may
    be made as they are asked for. Progress is what the caller has taken so far.

    Parameters
    ----------
    work
        Function of a module (others cannot be sent) that takes what `shared` makes, and a shard. It may be called twice
        for a shard, if a worker dies: it must write nothing.
    shards
        Each can be pickled.

    Raises
    ------
    WorkerLostError
        If a worker dies, and trying again does not help.
    ClusterError
        If a cluster has no room for a shard, or is lost.

    Any error of `work` comes as it is.

    Examples
    --------
    >>> with map_shards(pow, [1, 2, 3], shared=Shared(int, ("2",), here=2)) as powers:
    ...     list(powers)
    [2, 4, 8]
    """
    results = (_WORKERS.get() or Here()).map(work, shards, shared=shared, needs=needs or Needs())
    with closing(results):
        yield results


@contextmanager
def workers_of(
    cluster: str | None = None, devices: str | None = None, *, device: str | None = None
) -> Iterator[Workers]:
    """Yield the workers that these flags mean.

    Parameters
    ----------
    cluster
        Address of a Ray cluster: `auto`, `local`, `ray://HOST:PORT` or `HOST:PORT`; None: this machine.
    devices
        GPUs of this machine that encode side by side: numbers with commas between them, or `all`; `cpu` can be among
        them. None: one device.
    device
        The value of `--device`, which names one device of this machine; only `cpu` goes with a cluster.

    Raises
    ------
    OptionError
        If flags exclude each other, or a device is not there.
    ClusterError
        If no cluster answers at the address.

    Examples
    --------
    >>> with workers_of(devices="cpu,cpu") as workers:
    ...     workers.devices
    ('cpu', 'cpu')
    """
    require("devices", devices, "are of this machine; leave them out with --cluster", holds=not (cluster and devices))
    require("device", device, "names one device; leave it out with --devices", holds=not (device and devices))
    if cluster is None:
        yield Here(_devices(devices))
        return
    require("device", device, "can be cpu alone with --cluster", holds=device in (None, "cpu"))
    from protrek_hm.workers.cluster import connected

    with connected(cluster, gpus=device is None) as workers:
        yield workers


@contextmanager
def using(cluster: str | None = None, devices: str | None = None, *, device: str | None = None) -> Iterator[None]:
    """Send all sharded work within, of this thread, to the workers that the flags mean; see `workers_of`.

    Examples
    --------
    >>> with using(devices="cpu,cpu"):
    ...     pass  # such as build_index(...)
    """
    with workers_of(cluster, devices, device=device) as workers:
        token = _WORKERS.set(workers)
        try:
            yield
        finally:
            _WORKERS.reset(token)


def _devices(given: str | None) -> tuple[str, ...]:
    if given is None:
        return ()
    import torch

    there = torch.cuda.device_count()
    named = tuple(map(str, range(there))) if given == "all" else tuple(each.strip() for each in given.split(","))
    for each in named:
        if each != "cpu" and not (each.isdigit() and int(each) < there):
            known = f"{there} GPUs" if there != 1 else "1 GPU, number 0"
            raise OptionError("devices", given, f"give numbers such as 0,1, or all; this machine has {known}")
    if not named:
        raise OptionError("devices", given, "this machine has no GPU; leave it out")
    return named
