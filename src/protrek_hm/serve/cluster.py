"""The shards of an index on a Ray cluster: a group of replicas for each, deployed by Ray Serve, asked over its handles.

One Serve application is one generation of one folder: its name holds the digest of `index.json`, and a replica opens no
other. A server answers from the application that it was told, so no answer mixes two generations. Serve starts replicas
that died, and asks each how it is. Ray is imported when a cluster is asked for (extra `cluster`).
"""

import asyncio
import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from protrek_hm.config import require
from protrek_hm.deadline import checkpoint
from protrek_hm.errors import FileFormatError, OptionError, ProTrekHMError, ShardDownError
from protrek_hm.files import digest
from protrek_hm.index.fanout import Part, Question
from protrek_hm.index.layout import INFO, Manifest, read_manifest
from protrek_hm.workers.cluster import join

_NAMESPACE = "protrek-hm"
_PATIENCE = 10.0  # seconds that a shard has for one question
_START = 600.0  # seconds until all shards must have been opened
_STEP = 0.5  # seconds between two looks whether anybody still waits
_SILENT = 2.0  # seconds that a shard is left alone which did not answer
_QUIET = {"log_level": "WARNING", "enable_access_log": False}
_TRIES = 2  # of a question whose replica died over it: another one may be there


@dataclass(frozen=True)
class Cluster:
    """Where shards are, and of which application.

    address: of the Ray cluster, as `ray.init` takes it. application: see `name_of`.
    """

    address: str
    application: str


def name_of(folder: Path) -> str:
    """Name the application of the index that lies in `folder` now."""
    return f"{_NAMESPACE}-{digest(folder / INFO)[:16]}"


class ShardReplica:
    """A process that holds one shard: a `Part`, asked over a handle."""

    def __init__(self, folder: str, number: int, application: str) -> None:
        place = Path(folder)
        manifest = read_manifest(place)
        self._part = Part(place, manifest, number)
        if name_of(place) != application:
            raise FileFormatError(place, "has changed since it was deployed", "deploy it again")

    async def ask(self, question: Question, given: tuple[Any, ...]) -> Any:
        """Ask the shard a method of `Part`, in a thread: meanwhile it is still asked how it is."""
        return await asyncio.to_thread(getattr(self._part, question), *given)


@dataclass(frozen=True)
class RayParts:
    """The shards of an application: an `Asked` over the handles of Ray Serve, all at once.

    seconds: that a shard has for a question. silent: until when shards are not asked that did not answer.
    """

    handles: Mapping[int, Any]
    names: Mapping[int, str]
    seconds: float = _PATIENCE
    silent: dict[int, float] = field(default_factory=dict)

    @classmethod
    def connect(cls, cluster: Cluster, folder: Path) -> "RayParts":
        """Find the shards of the index `folder` in a cluster.

        Raises
        ------
        FileFormatError
            If the index has changed since they were deployed.
        """
        from ray import serve

        _join(cluster.address)
        manifest = read_manifest(folder)
        if name_of(folder) != cluster.application:
            raise FileFormatError(folder, "has changed since its shards were deployed", "deploy it again")
        names = {number: each.name for number, each in enumerate(manifest.shards)}
        handles = {number: serve.get_deployment_handle(name, cluster.application) for number, name in names.items()}
        return cls(handles, names)

    def __call__(self, question: Question, calls: Mapping[int, tuple[Any, ...]]) -> dict[int, Any]:
        """Ask some of them; see `Asked`."""
        for number in calls:
            if time.monotonic() < self.silent.get(number, 0.0):
                raise ShardDownError(number, self.names[number], "nor did it a moment ago")
        asked = {number: self.handles[number].ask.remote(question, given) for number, given in calls.items()}
        end = time.monotonic() + self.seconds
        try:
            return {
                number: self._answer(number, each, (question, calls[number]), end) for number, each in asked.items()
            }
        except ShardDownError as error:
            self.silent[error.number] = time.monotonic() + _SILENT
            raise

    def _answer(self, number: int, response: Any, asked: tuple[Any, ...], end: float) -> Any:
        from ray.exceptions import RayActorError, RayError, RayTaskError
        from ray.serve.exceptions import RayServeException

        for left in reversed(range(_TRIES)):
            try:
                return self._wait(number, response, end)
            except RayTaskError as error:
                if isinstance(error.cause, ProTrekHMError):
                    raise error.cause from None
                raise ShardDownError(number, self.names[number], f"it failed: {error.cause!r:.200}") from error
            except RayActorError as error:
                if not left:
                    raise ShardDownError(number, self.names[number], "its process died") from error
                response = self.handles[number].ask.remote(*asked)
            except (RayError, RayServeException) as error:
                raise ShardDownError(number, self.names[number], type(error).__name__) from error
        raise AssertionError("the last try answers or raises")

    def _wait(self, number: int, response: Any, end: float) -> Any:
        while True:
            checkpoint()
            left = end - time.monotonic()
            try:
                return response.result(timeout_s=max(min(left, _STEP), 0.0))
            except TimeoutError:
                if left <= _STEP:
                    response.cancel()
                    reason = f"not within {self.seconds:g} s"
                    raise ShardDownError(number, self.names[number], reason) from None


@contextmanager
def joined(address: str) -> Iterator[str]:
    """Join a Ray cluster, and leave it at the end, with all that was deployed from here; yield its address.

    address: `auto` for the cluster of this machine, `HOST:PORT`, or `local`, which starts one here.

    Raises
    ------
    OptionError, ClusterError
        If Ray is not installed, the address is of Ray's client, or no cluster answers there.
    """
    if address.startswith("ray://"):
        remedy = "needs a process of the cluster: start serve on one of its machines, with --cluster auto"
        raise OptionError("cluster", address, remedy)
    _join(address)
    import ray
    from ray import serve

    try:
        serve.start(proxy_location="Disabled", logging_config=_QUIET)
        yield str(ray.get_runtime_context().gcs_address)
    finally:
        if address == "local":
            leave: Any = serve.shutdown  # its types do not say what it returns
            leave()
        ray.shutdown()


def deploy(folder: Path, *, replicas: int, cpus: float) -> str:
    """Deploy the shards of an index, wait until all are open, and return the name of their application.

    replicas: of each shard. cpus: that each of them takes.

    Raises
    ------
    MissingFileError, FileFormatError
        If it is no index, or one without shards.
    OptionError
        If the cluster has fewer cores than that takes.
    ProTrekHMError
        If they are not all open within ten minutes: it says why.
    """
    import ray
    from ray import serve
    from ray.serve.schema import ApplicationStatus

    manifest, name = split_manifest(folder), name_of(folder)
    there: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    asked, cores = len(manifest.shards) * replicas * cpus, there.get("CPU", 0.0)
    remedy = f"must be at most {cores * cpus / asked:.3g}: the cluster has {cores:g} CPU, all shards take {asked:g}"
    require("shard_cpus", cpus, remedy, holds=asked <= cores)
    place = str(folder.resolve())
    shards = []
    for number, each in enumerate(manifest.shards):
        deployment: Any = serve.deployment(
            ShardReplica,
            name=each.name,
            num_replicas=replicas,
            ray_actor_options={"num_cpus": cpus},
            logging_config=_QUIET,
            health_check_period_s=2.0,
            health_check_timeout_s=10.0,
            graceful_shutdown_timeout_s=5.0,
        )
        shards.append(deployment.bind(place, number, name))
    root: Any = serve.deployment(_Root, name="root", ray_actor_options={"num_cpus": 0})
    serve._run(root.bind(*shards), _blocking=False, name=name, route_prefix=None)
    end = time.monotonic() + _START
    while True:
        found = serve.status().applications[name]
        if found.status == ApplicationStatus.RUNNING:
            return name
        waiting = {key: each for key, each in found.deployments.items() if each.status != "HEALTHY"}
        if found.status == ApplicationStatus.DEPLOY_FAILED or time.monotonic() > end:
            serve.delete(name, _blocking=False)
            why = "; ".join(f"{key}: {' '.join(each.message.split())[-300:]}" for key, each in waiting.items())
            raise ProTrekHMError(f"{folder}: its shards cannot be opened on the cluster: {why or found.message}")
        time.sleep(_STEP)


def withdraw(application: str) -> None:
    """End the replicas of an application."""
    from ray import serve

    serve.delete(application)


def split_manifest(folder: Path) -> Manifest:
    """Read the manifest of an index of shards; raises FileFormatError for one without."""
    manifest = read_manifest(folder)
    if not manifest.shards:
        raise FileFormatError(folder, "an index without shards", "split it with protrek-hm index split")
    return manifest


class _Root:
    """What holds the shards of an application together; nobody asks it."""

    def __init__(self, *_: Any) -> None:
        pass


def _is_error(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.ERROR


def _join(address: str) -> None:
    logging.getLogger("ray.serve").addFilter(_is_error)
    join(address, namespace=_NAMESPACE)
