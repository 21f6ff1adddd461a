"""Where a server listens, whom it lets in, and how much it takes on."""

from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

from protrek_hm.config import require
from protrek_hm.errors import FileFormatError, MissingFileError

_POSITIVE = (
    *(
        "workers",
        "replicas",
        "shard_cpus",
        "max_k",
        "max_queries",
        "max_hits",
        "max_query_length",
        "max_letters",
        "max_variants",
    ),
    *("max_answer_bytes", "max_body_bytes", "max_upload_bytes", "max_waiting", "batch_size", "timeout", "grace"),
)


COUNTS = "PROMETHEUS_MULTIPROC_DIR"
"""The environment variable that names a folder for the counts of several processes."""


@dataclass(frozen=True)
class ServeConfig:
    """Settings of `create_app` and `serve_index`.

    Attributes
    ----------
    host
        Address to listen at; 0.0.0.0 lets other machines in.
    port
        Port; 0 is any free one.
    workers
        Processes, each with a model of its own.
    replicas
        Processes that hold each shard of the index, on a cluster.
    shard_cpus
        Processors of the cluster that each of them takes.
    api_keys
        Keys, one of which must come with each request, unless there are none. Each has at least 16 ASCII characters.
    allow_hosts
        Name that the server answers to; repeatable. By default those of this machine if it listens on loopback, so
        that no web page can reach it under a name of its own (DNS rebinding), else all.
    timeout
        Seconds until a request is given up. The work on it is given up, too.
    batch_size
        Queries answered together.
    batch_wait
        Seconds that a query waits for others to be answered with, at least 0.
    max_waiting
        Queries that wait, at most. Requests beyond that are refused with status 429.
    max_k
        Hits per query, at most.
    max_queries
        Queries (or sequences, or texts) per request, at most.
    max_hits
        Hits of all queries of a request, at most.
    max_query_length
        Characters of a query, at most.
    max_letters
        Characters of all queries of a request, at most.
    max_variants
        Variants of a scan that the model encodes, at most.
    max_answer_bytes
        Bytes of an answer, at most.
    max_body_bytes
        Bytes of a request, at most.
    max_upload_bytes
        Bytes of a request with a structure file, at most. The file may not be larger when it is decompressed, either.
    grace
        Seconds that open requests may still take when the server is told to end.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    replicas: int = 1
    shard_cpus: float = 1.0
    api_keys: tuple[str, ...] = field(default=(), repr=False)
    allow_hosts: tuple[str, ...] = ()
    max_k: int = 1000
    max_queries: int = 256
    max_hits: int = 20_000
    max_query_length: int = 10_000
    max_letters: int = 250_000
    max_variants: int = 1000
    max_answer_bytes: int = 16 << 20
    max_body_bytes: int = 2 << 20
    max_upload_bytes: int = 64 << 20
    max_waiting: int = 1024
    batch_size: int = 32
    batch_wait: float = 0.003
    timeout: float = 60.0
    grace: int = 30

    def __post_init__(self) -> None:
        for name in _POSITIVE:
            value = getattr(self, name)
            require(name, value, "must be above 0", holds=value > 0)
        require("port", self.port, "must lie in [0, 65535]", holds=0 <= self.port <= 65_535)
        require("batch_wait", self.batch_wait, "must be at least 0", holds=self.batch_wait >= 0)
        require("host", self.host, "must be a name or an address", holds=bool(self.host))
        for key in self.api_keys:
            fine = len(key) >= 16 and key.isascii() and key.isprintable() and " " not in key
            require("api_keys", f"{key[:4]}…", "must be at least 16 ASCII characters without spaces", holds=fine)

    @property
    def is_loopback(self) -> bool:
        """Whether only programs of this machine can reach it.

        >>> [ServeConfig(host=host).is_loopback for host in ("localhost", "127.0.0.1", "::1", "0.0.0.0", "lab")]
        [True, True, True, False, False]
        """
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def hosts(self) -> frozenset[str] | None:
        """Names that the server answers to; None for any.

        >>> sorted(ServeConfig().hosts), ServeConfig(host="0.0.0.0").hosts
        (['127.0.0.1', '::1', 'localhost'], None)
        """
        here = {"localhost", "127.0.0.1", "::1", self.host}
        if self.is_loopback:
            return frozenset(name.lower() for name in (*here, *self.allow_hosts))
        return frozenset(name.lower() for name in self.allow_hosts) or None


def read_keys(path: Path) -> tuple[str, ...]:
    """Read API keys, one a line; empty lines and those that begin with # are passed over.

    Raises
    ------
    MissingFileError, FileFormatError
        If the file is not there, or holds no key: a server that should be locked must not stand open.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise MissingFileError(path) from None
    except (OSError, ValueError) as error:
        raise FileFormatError(path, f"cannot be read ({error})", "give a text file with one key a line") from None
    keys = tuple(line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#"))
    if not keys:
        raise FileFormatError(path, "holds no key", "write one a line, such as that of openssl rand -hex 24")
    return keys
