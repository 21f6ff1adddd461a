"""Listen: one process or several on one socket, until asked to stop."""

import logging
import os
import socket
import sys
import tempfile
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from protrek_hm.errors import OptionError, ProTrekHMError
from protrek_hm.index.layout import read_info
from protrek_hm.serve.config import ServeConfig

_CONNECTIONS = 1000
_GRACE = 30  # seconds that open requests may still take


@dataclass(frozen=True)
class Opening:
    """What `Searcher.open` is told: the index's folder, the model's name (None is the index's own), the device."""

    index: Path
    model: str | None = None
    device: str | None = None


def serve_index(opening: Opening, config: ServeConfig) -> None:
    """Answer requests until SIGINT or SIGTERM; requests that are open then are answered.

    Raises
    ------
    MissingFileError, FileFormatError, ModelError
        If the index or its model cannot be opened.
    OptionError
        If the address cannot be listened at.
    """
    info = read_info(opening.index)
    listener = _listen(config)
    config = replace(config, port=listener.getsockname()[1])
    place = f"[{config.host}]" if ":" in config.host else config.host
    records = f"{info.counts['records']:,} records"
    _say(f"http://{place}:{config.port} answers from {opening.index} ({records}); Ctrl-C ends it")
    if not config.is_loopback and not config.api_keys:
        _say(f"warning: everybody who reaches {config.host} may ask; let in those with keys (--api-keys FILE) only")
    if config.workers == 1:
        uvicorn.Server(_settings(make_app(opening, config), config)).run(sockets=[listener])
        return
    with tempfile.TemporaryDirectory(prefix="protrek-hm-") as counts:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = counts
        factory = partial(_make_app_or_exit, opening, config)
        processes = Multiprocess(_settings(factory, config), sockets=[listener])
        processes.run()
        if any(process.exitcode == STARTUP_FAILURE for process in processes.processes):
            sys.exit(2)  # the process has said why


def make_app(opening: Opening, config: ServeConfig) -> FastAPI:
    """Open the index and its model, and make the application."""
    from protrek_hm.search.searcher import Searcher
    from protrek_hm.serve.app import create_app

    return create_app(Searcher.open(opening.index, model=opening.model, device=opening.device), config)


def _make_app_or_exit(opening: Opening, config: ServeConfig) -> FastAPI:
    """Tell what is wrong in one line, and the other processes that it is of no use to try again."""
    try:
        return make_app(opening, config)
    except ProTrekHMError as error:
        _say("error: " + " ".join(str(error).splitlines()))
        sys.exit(STARTUP_FAILURE)


def _listen(config: ServeConfig) -> socket.socket:
    """Take the port before the model is loaded: one that is taken is told at once."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            config.host, config.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
        except OSError:
            listener.close()
            raise
    except socket.gaierror as error:
        raise OptionError("host", config.host, f"no such address ({error.strerror})") from None
    except OSError as error:
        problem = f"cannot be listened at ({error.strerror}); choose another one with --port"
        raise OptionError("port", config.port, problem) from None
    listener.set_inheritable(True)
    return listener


def _settings(app: FastAPI | partial[FastAPI], config: ServeConfig) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        factory=isinstance(app, partial),
        workers=config.workers,
        log_level=logging.WARNING,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=_CONNECTIONS,
        timeout_graceful_shutdown=_GRACE,
        timeout_worker_healthcheck=120,
    )


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201
