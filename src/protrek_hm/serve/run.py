"""Listen at an address, and answer by worker processes until asked to stop.

The process that listens watches over the workers. It opens no index and answers nothing, so that nothing in a request
can keep it from its work: it hears at once when a worker dies, starts another one, and ends those that do not end by
themselves when they are told to. All workers answer from the same state of the index: one that is started later and
finds another state does not answer, as long as others answer from the old one.
"""

import contextlib
import errno
import faulthandler
import logging
import multiprocessing
import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, MutableMapping
from dataclasses import dataclass, replace
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

from protrek_hm.errors import MissingFileError, OptionError, ProTrekHMError, counted
from protrek_hm.files import digest
from protrek_hm.index.layout import INFO, read_info, read_manifest
from protrek_hm.serve.cluster import Cluster, RayParts, deploy, joined, split_manifest, withdraw
from protrek_hm.serve.config import COUNTS, ServeConfig

_BACKLOG = 2048
_TRACKER = "ignore:resource_tracker"
_CONNECTIONS = 1000
_LATE = 10.0  # seconds beyond its time after which work that no checkpoint has ended ends its process
_MARGIN = 3.0  # seconds beyond the grace after which a worker is killed
_STEADY = 10.0  # seconds after which a worker's death says nothing about the next one
_LONGEST_PAUSE = 60.0
_MOST_FAILURES = 5  # in a row, with no other worker alive
_LOCK = "lock"
_END, _RENEW = b"end", b"renew"
_PREFIX = "protrek-hm-serve-"
_DENIED = (errno.EACCES, errno.EPERM)
_PRIVILEGED = 1024  # ports below are for root alone


@dataclass(frozen=True)
class Opening:
    """What `Searcher.open` is told: the index's folder, the model's name (None is the index's own), the device.

    shards: where they are, if not in the process that answers.
    """

    index: Path
    model: str | None = None
    device: str | None = None
    shards: Cluster | None = None


class Told(NamedTuple):
    """What a worker says of its start. other: the index is not in the state that it should answer from."""

    what: Literal["ready", "failed", "other"]
    why: str = ""


@dataclass
class _Worker:
    process: Any
    pipe: Connection
    begun: float
    told: Told | None = None

    @property
    def is_ready(self) -> bool:
        return self.told is not None and self.told.what == "ready"


@dataclass
class _Old:
    """Workers of another generation. leaving: they have been told to end, others answer."""

    opening: Opening
    state: str
    workers: list[_Worker]
    leaving: bool = False


class Generations(Protocol):
    """What a server answers from: deployed where it is needed, for as long as it is."""

    def current(self) -> Opening:
        """Return what the index is now; raises ProTrekHMError if it cannot be answered from."""
        ...

    def end(self, opening: Opening) -> None:
        """Give back what a generation needed that nobody answers from any more."""
        ...


@dataclass(frozen=True)
class OneMachine:
    """The generations of an index that each worker opens."""

    opening: Opening

    def current(self) -> Opening:
        """Return what the index is now."""
        return self.opening

    def end(self, opening: Opening) -> None:
        """Do nothing: its workers held all."""


@dataclass(frozen=True)
class OnCluster:
    """The generations of an index whose shards are deployed on a cluster that this process has joined."""

    opening: Opening
    config: ServeConfig
    address: str

    def current(self) -> Opening:
        """Deploy what the index is now; what is deployed already stays."""
        application = deploy(self.opening.index, replicas=self.config.replicas, cpus=self.config.shard_cpus)
        return replace(self.opening, shards=Cluster(self.address, application))

    def end(self, opening: Opening) -> None:
        """End the replicas of a generation."""
        if opening.shards is not None:
            withdraw(opening.shards.application)


def serve_index(opening: Opening, config: ServeConfig, *, cluster: str | None = None) -> None:
    """Answer requests until SIGINT or SIGTERM; requests that are open then are answered, for `config.grace` seconds.

    On SIGUSR1 the index is opened anew: other workers answer from then on, and the old ones end when they have answered
    what they were asked. Each answer is of one generation.

    cluster: of Ray, where the shards of the index are held, as `cluster.joined` takes it.

    The workers are processes that are spawned: a script calls this below `if __name__ == "__main__":`.

    Raises
    ------
    MissingFileError, FileFormatError
        If the index cannot be opened.
    ProTrekHMError
        If its model cannot.
    OptionError
        If the address cannot be listened at.
    """
    info, shards = read_info(opening.index), len(read_manifest(opening.index).shards)
    if cluster is not None:
        split_manifest(opening.index)
    with contextlib.ExitStack() as at_last, _listen(config) as listener, own_folder() as folder:
        generations: Generations = OneMachine(opening)
        if cluster is not None:
            generations = OnCluster(opening, config, at_last.enter_context(joined(cluster)))
        environment = at_last.enter_context(_environment())
        environment["TMPDIR"] = str(folder)  # of the workers, and of what they start
        if config.workers > 1:
            environment[COUNTS] = str(folder)
        # a worker that is killed leaves its semaphores to the tracker, which removes them: no warning is due
        environment["PYTHONWARNINGS"] = ",".join(filter(None, (os.environ.get("PYTHONWARNINGS"), _TRACKER)))
        config = replace(config, port=listener.getsockname()[1])

        def when_ready() -> None:
            place = f"[{config.host}]" if ":" in config.host else config.host
            records = f"{info.counts['records']:,} records"
            where = f", {counted(shards, 'shard')} on {cluster}" if cluster is not None else ""
            _say(f"http://{place}:{config.port} answers from {opening.index} ({records}{where}); Ctrl-C ends it")
            if not config.is_loopback and not config.api_keys:
                keys = "let in those with keys (--api-keys FILE) only"
                _say(f"warning: everybody who reaches {config.host} may ask; {keys}")

        Workers(work_until_told, generations, config, listener, when_ready=when_ready, say=_say).run()


@contextlib.contextmanager
def _environment() -> Iterator[MutableMapping[str, str]]:
    """Yield the environment, which will be at last what it was."""
    before = dict(os.environ)
    try:
        yield os.environ
    finally:
        os.environ.clear()
        os.environ.update(before)


def _listen(config: ServeConfig) -> socket.socket:
    """Take the port before the model is loaded: one that is taken is told at once."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            config.host, config.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError, ValueError) as error:
        problem = getattr(error, "strerror", None) or "no name of a machine"
        raise OptionError("host", config.host, f"no such address ({problem}); give one of this machine") from None
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        of_port = error.errno == errno.EADDRINUSE or (error.errno in _DENIED and 0 < config.port < _PRIVILEGED)
        if of_port:
            problem = f"cannot be listened at ({error.strerror}); choose another one with --port"
            raise OptionError("port", config.port, problem) from None
        problem = f"cannot be listened at ({error.strerror}); give an address of this machine"
        raise OptionError("host", config.host, problem) from None
    return listener


def _say(line: str) -> None:
    print(" ".join(line.splitlines()), file=sys.stderr, flush=True)  # noqa: T201


class Workers:
    """Keeps as many workers alive as wanted, until SIGINT or SIGTERM.

    Parameters
    ----------
    work
        What a worker does, as `work_until_told`.
    when_ready
        Called once, when the first worker answers.
    say
        Told each line for whoever runs the server.
    """

    def __init__(
        self,
        work: Callable[..., None],
        generations: Generations,
        config: ServeConfig,
        listener: socket.socket,
        *,
        when_ready: Callable[[], None],
        say: Callable[[str], None],
    ) -> None:
        self._work, self._generations, self._config, self._listener = work, generations, config, listener
        self._when_ready, self._say = when_ready, say
        self._context = multiprocessing.get_context("spawn")
        self._workers: list[_Worker] = []
        self._opening = generations.current()
        self._state = state_of(self._opening.index)
        self._old: _Old | None = None
        self._answered = False
        self._failures = 0
        self._next = 0.0

    def run(self) -> None:
        """Start the workers, and return when all have ended after a signal.

        Raises
        ------
        ProTrekHMError
            If none can be started.
        """
        with _signals() as told, contextlib.ExitStack() as at_last:
            at_last.callback(self._kill_all)
            while True:
                self._start_missing()
                pause = None if len(self._workers) == self._config.workers else max(self._next - time.monotonic(), 0)
                pipes = [each.pipe for each in self._workers if each.told is None]
                wait([told, *pipes, *(each.process.sentinel for each in self._all())], pause)
                for worker in tuple(self._workers):
                    self._look_at(worker)
                self._look_at_old()
                if told.poll():
                    if told.recv_bytes() == _END:
                        break
                    self._renew()
            self._end(told)

    def _all(self) -> list[_Worker]:
        return [*self._workers, *(self._old.workers if self._old is not None else ())]

    def _renew(self) -> None:
        """Start workers that answer from what the index is now; the others go on until these are ready."""
        if self._old is not None:
            self._say("warning: the index is being opened anew already")
            return
        try:
            state, opening = state_of(self._opening.index), self._generations.current()
        except ProTrekHMError as error:
            self._say(f"warning: the index is not opened anew ({error}); the server goes on from the one that it has")
            return
        if (opening, state) == (self._opening, self._state):
            self._say("the index is the one that is answered from")
            return
        self._old = _Old(self._opening, self._state, self._workers)
        self._opening, self._state, self._workers, self._next = opening, state, [], 0.0

    def _look_at_old(self) -> None:
        """Let the workers of the old generation end once those of the new one are ready, or the other way round."""
        old = self._old
        if old is None:
            return
        for worker in [each for each in old.workers if each.process.exitcode is not None]:
            old.workers.remove(worker)
            worker.pipe.close()
            _forget_counts(worker.process.pid)
        if not old.leaving and sum(each.is_ready for each in self._workers) == self._config.workers:
            old.leaving = True
            for worker in old.workers:
                worker.process.terminate()
            self._say(f"answers from the index of {read_info(self._opening.index).updated} now")
        if not old.workers and old.leaving:
            self._old = None
            if old.opening != self._opening:
                self._generations.end(old.opening)

    def _go_back(self, old: "_Old", why: str) -> None:
        """Answer from the old generation again, since the new one cannot be answered from."""
        self._say(f"warning: the index cannot be opened anew ({why}); the server goes on from the one that it has")
        for worker in self._workers:
            worker.process.kill()
            worker.process.join()
        if old.opening != self._opening:
            self._generations.end(self._opening)
        self._opening, self._state, self._workers, self._old = old.opening, old.state, old.workers, None

    def _start_missing(self) -> None:
        if time.monotonic() < self._next:
            return
        while len(self._workers) < self._config.workers:
            own, theirs = self._context.Pipe(duplex=False)
            given = (self._opening, self._config, self._listener, self._state, theirs)
            process = self._context.Process(target=self._work, args=given, daemon=True)
            resource_tracker.ensure_running()  # else `start` does it, and takes the mask away
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])  # Ctrl-C, which all get, is for the watcher alone
            process.start()
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
            theirs.close()
            self._workers.append(_Worker(process, own, time.monotonic()))

    def _look_at(self, worker: _Worker) -> None:
        if worker.told is None and worker.pipe.poll():
            with contextlib.suppress(EOFError):
                worker.told = worker.pipe.recv()
            if worker.is_ready:
                worker.begun = time.monotonic()
                if not self._answered:
                    self._answered = True
                    self._when_ready()
        if worker.process.exitcode is None:
            return
        self._workers.remove(worker)
        worker.pipe.close()
        _forget_counts(worker.process.pid)
        if self._old is not None and not self._old.leaving:
            self._go_back(self._old, worker.told.why if worker.told and worker.told.why else "a worker ended")
            return
        self._replace(worker)

    def _replace(self, worker: _Worker) -> None:
        """Say what became of a worker, and when another one is to be started."""
        code = worker.process.exitcode
        how = f"ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
        if worker.is_ready:
            steady = time.monotonic() - worker.begun >= _STEADY
            pause = self._pause(failed=not steady)
            self._say(f"warning: worker {worker.process.pid} {how}; another one is started in {pause:g} s")
        elif worker.told is not None and worker.told.what == "other":
            others = any(each.is_ready for each in self._workers)
            pause = self._pause(failed=others)
            if others:
                problem = "the index has changed, and the others answer from the old one; start the server again"
                self._say(f"warning: a worker is not replaced: {problem}")
            else:
                self._opening = self._generations.current()
                self._state = state_of(self._opening.index)
        else:
            why = worker.told.why if worker.told is not None else f"it {how}"
            if not self._answered or (not self._workers and self._failures >= _MOST_FAILURES):
                raise ProTrekHMError(why if worker.told is not None else f"no worker can be started: {why}")
            pause = self._pause(failed=True)
            left = len(self._workers)
            self._say(f"warning: a worker cannot be started ({why}); {left} go on, another one is tried in {pause:g} s")
        self._next = time.monotonic() + pause

    def _pause(self, *, failed: bool) -> float:
        """Return the seconds until the next start: the more, the more have failed in a row."""
        self._failures = self._failures + 1 if failed else 0
        return float(min(2 ** (self._failures - 1), _LONGEST_PAUSE)) if failed else 0.0

    def _end(self, told: Connection) -> None:
        """Let all workers answer what is open, for no longer than the grace; a second signal ends that, too."""
        for worker in self._all():
            worker.process.terminate()
        deadline = time.monotonic() + self._config.grace + _MARGIN
        alive = self._all()
        while alive and (left := deadline - time.monotonic()) > 0 and not told.poll():
            wait([told, *(each.process.sentinel for each in alive)], left)
            alive = [each for each in alive if each.process.exitcode is None]
        if alive:
            self._say(f"warning: {len(alive)} workers did not end within {self._config.grace} s, and were killed")

    def _kill_all(self) -> None:
        for worker in self._all():
            worker.process.kill()
            worker.process.join()


def work_until_told(
    opening: Opening, config: ServeConfig, listener: socket.socket, state: str, pipe: Connection
) -> None:
    """Be a worker: open the index, answer until SIGTERM, and say in `pipe` how it begins."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    import uvicorn

    from protrek_hm.search.searcher import Searcher
    from protrek_hm.serve.app import create_app
    from protrek_hm.serve.guard import KeepingUp

    try:
        asked = None if opening.shards is None else RayParts.connect(opening.shards, opening.index)
        searcher = Searcher.open(opening.index, model=opening.model, device=opening.device, asked=asked)
        if asked is not None:
            searcher.measure()
        if state_of(opening.index) != state:
            pipe.send(Told("other"))
            sys.exit(1)
    except ProTrekHMError as error:
        pipe.send(Told("failed", str(error)))
        sys.exit(1)

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            pipe.send(Told("ready"))

    settings = uvicorn.Config(
        create_app(searcher, config, watch=_end_if_stuck),
        http=KeepingUp,
        log_level=logging.WARNING,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=_CONNECTIONS,
        timeout_graceful_shutdown=config.grace,
    )
    signal.signal(signal.SIGTERM, lambda *_: None)  # uvicorn raises it once more at the end
    Server(settings).run(sockets=[listener])


def state_of(index: Path) -> str:
    """Return a checksum of what an index says of itself; each change gives another.

    Raises
    ------
    MissingFileError
        If it is not there.
    """
    try:
        return digest(index / INFO)
    except OSError:
        raise MissingFileError(index / INFO) from None


@contextlib.contextmanager
def own_folder() -> Iterator[Path]:
    """Make a folder for temporary files of this process and its children, and remove those that servers have left.

    A folder is in use while its lock is held; a process that is killed loses its lock.
    """
    import fcntl  # Windows has none; nothing else here needs it

    place = Path(tempfile.gettempdir())
    for stale in place.glob(f"{_PREFIX}*/{_LOCK}"):
        with contextlib.suppress(OSError), stale.open("r+b") as lock:
            if not stale.parent.is_symlink() and stale.parent.stat().st_uid == os.getuid():
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(stale.parent, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=place))
    with (folder / _LOCK).open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _signals() -> Iterator[Connection]:
    """Yield a connection at which `_END` comes when the process shall end, and `_RENEW` when it shall open anew."""
    own, theirs = multiprocessing.Pipe(duplex=False)
    told: dict[int, bytes] = {signal.SIGINT: _END, signal.SIGTERM: _END, signal.SIGUSR1: _RENEW}
    before = {each: signal.signal(each, lambda number, _: theirs.send_bytes(told[number])) for each in told}
    try:
        yield own
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)


def _end_if_stuck(seconds: float | None) -> None:
    """Have this process end, with a trace in the log, if some work goes on long after its time; None: it is done."""
    if seconds is None:
        faulthandler.cancel_dump_traceback_later()
    else:
        faulthandler.dump_traceback_later(max(seconds, 0.0) + _LATE, exit=True)


def _forget_counts(pid: int) -> None:
    """Take what a dead worker had waiting out of the shared counts."""
    if COUNTS in os.environ:
        from prometheus_client.multiprocess import mark_process_dead

        mark_process_dead(pid)  # type: ignore[no-untyped-call]
