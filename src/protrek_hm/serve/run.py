"""Listen: one process or several on one socket, until asked to stop."""

import errno
import os
import socket
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import replace

from protrek_hm.errors import OptionError
from protrek_hm.index.layout import read_info
from protrek_hm.serve.config import ServeConfig
from protrek_hm.serve.metrics import SHARED
from protrek_hm.serve.workers import Opening, Workers, own_folder, work_until_told

_BACKLOG = 2048
_OF_THE_PORT = (errno.EADDRINUSE, errno.EACCES, errno.EPERM)


def serve_index(opening: Opening, config: ServeConfig) -> None:
    """Answer requests until SIGINT or SIGTERM; requests that are open then are answered, for `config.grace` seconds.

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
    info = read_info(opening.index)
    with _listen(config) as listener, own_folder() as folder, _environment() as environment:
        environment["TMPDIR"] = str(folder)  # of the workers, and of what they start
        if config.workers > 1:
            environment[SHARED] = str(folder)
        config = replace(config, port=listener.getsockname()[1])

        def when_ready() -> None:
            place = f"[{config.host}]" if ":" in config.host else config.host
            records = f"{info.counts['records']:,} records"
            _say(f"http://{place}:{config.port} answers from {opening.index} ({records}); Ctrl-C ends it")
            if not config.is_loopback and not config.api_keys:
                keys = "let in those with keys (--api-keys FILE) only"
                _say(f"warning: everybody who reaches {config.host} may ask; {keys}")

        Workers(work_until_told, opening, config, listener, when_ready=when_ready, say=_say).run()


@contextmanager
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
        if error.errno in _OF_THE_PORT:
            problem = f"cannot be listened at ({error.strerror}); choose another one with --port"
            raise OptionError("port", config.port, problem) from None
        problem = f"cannot be listened at ({error.strerror}); give an address of this machine"
        raise OptionError("host", config.host, problem) from None
    return listener


def _say(line: str) -> None:
    print(" ".join(line.splitlines()), file=sys.stderr, flush=True)  # noqa: T201
