"""Places that are no folder of this machine: URLs of object stores and of HDFS, by pyarrow's file systems.

A URL is worked on as a path of this machine, below `root()`, that bears its name: `located` gives the path, `as_url`
the URL again. What a command reads is copied there first (`copies.py`); what it writes is uploaded from there when it
is whole (`files.py`). An object store cannot rename, so a folder counts as there when its manifest is, which comes
last: `.protrek-hm.json` lists all files with their sizes and digests, and readers go by it alone.

>>> str(parse_url("s3://bucket/a//mined/"))
's3://bucket/a/mined'
>>> f"{located(parse_url('s3://bucket/mined'), version='out')}"
's3://bucket/mined'
"""

import errno
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PosixPath
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

from protrek_hm.errors import BusyError, LocationError, OutputError

MARKER = ".protrek-hm.json"
"""In each folder of results: the names of its files, so that nothing else is ever deleted with it."""
CLAIM = ".protrek-hm.writing"
"""Beside the files of a folder that is being uploaded: who uploads, and under which names."""
SCHEMES = ("s3", "gs", "hdfs")

_URL = re.compile(r"(?P<scheme>[a-zA-Z][a-zA-Z0-9+.-]*)://(?P<rest>.*)", re.DOTALL)
_CONNECT, _SILENCE = 5.0, 8.0  # seconds until a server that does not answer is given up
_ATTEMPTS = 2
_AT_ONCE = 8  # files that are on their way at a time
_DENIED = "access denied, or there are no credentials"
_REASONS = (  # what the libraries' messages hold, what that means, and the remedy
    (r"NO_SUCH_BUCKET|bucket does not exist", "no such bucket", "check its name, or make it"),
    (
        r"INVALID_ACCESS_KEY_ID|SIGNATURE_DOES_NOT_MATCH|EXPIRED|INVALID_CLIENT_TOKEN|UNRECOGNIZED_CLIENT|MISSING_AUTH",
        "the server does not take the credentials",
        "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN) again",
    ),
    (
        r"ACCESS_DENIED|HTTP response code: 403|[Pp]ermission denied|PERMISSION_DENIED|Forbidden",
        _DENIED,
        "check the credentials in the environment, and what they may do there",
    ),
    (
        r"[Cc]redentials|UNAUTHENTICATED",
        "no credentials",
        "set them in the environment, such as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    ),
    (
        r"NETWORK_CONNECTION|resolve host|onnection|imed? ?out|UNAVAILABLE|REQUEST_TIMEOUT|SLOW_DOWN",
        "the server cannot be reached",
        "check the network and the address (of S3: AWS_ENDPOINT_URL, AWS_REGION), and try again",
    ),
    (r"libhdfs|libjvm|HADOOP|JAVA_HOME", "HDFS needs Hadoop's libhdfs", "set JAVA_HOME, HADOOP_HOME and CLASSPATH"),
)


@dataclass(frozen=True)
class Location:
    """A file or folder at a URL: `scheme`, and `key`, which begins with the bucket or host."""

    scheme: str
    key: str

    def __str__(self) -> str:
        return f"{self.scheme}://{self.key}"

    def __truediv__(self, name: str) -> "Location":
        return Location(self.scheme, f"{self.key}/{name}")

    @property
    def bucket(self) -> "Location":
        """The bucket, or the host."""
        return Location(self.scheme, self.key.partition("/")[0])

    @property
    def path(self) -> str:
        """What its file system calls it: on HDFS from the root, in an object store from the bucket."""
        return self.key if self.scheme != "hdfs" else "/" + self.key.partition("/")[2]

    @property
    def name(self) -> str:
        """What stands behind the last slash."""
        return self.key.rpartition("/")[2]

    @property
    def parents(self) -> "list[Location]":
        """The folders around it, the nearest first, the bucket last."""
        parts = self.key.split("/")
        return [Location(self.scheme, "/".join(parts[:count])) for count in range(len(parts) - 1, 0, -1)]


@dataclass(frozen=True)
class Stored:
    """What a store says of a file: its size in bytes, and when it was written, in nanoseconds."""

    bytes: int
    written: int


class GoneError(LocationError):
    """A file that was there when it was looked for, and is not when it is read."""


class DeniedError(LocationError):
    """A place that may not be read or written so; many stores also say this of files that are not there."""


class Located(PosixPath):
    """The path by which this machine knows a URL; messages show the URL."""

    def __format__(self, form: str) -> str:
        return format(as_url(self), form)


def path_of(given: str) -> Path | None:
    """Return the path of this machine that a text names, also as file:///…; None for the URL of another place.

    >>> path_of("file:///data/a%20b.tsv"), path_of("a.tsv"), path_of("s3://bucket/a.tsv")
    (PosixPath('/data/a b.tsv'), PosixPath('a.tsv'), None)
    """
    found = _URL.fullmatch(given)
    if found is None:
        return Path(given)
    if found["scheme"].lower() == "file" and found["rest"].startswith("/"):
        return Path(unquote(found["rest"]))
    return None


def is_url(given: object) -> bool:
    """Tell whether something has the form of a URL, of whatever scheme.

    >>> is_url("s3://bucket/a.tsv"), is_url("a.tsv"), is_url(Path("s3:/bucket"))
    (True, False, False)
    """
    return isinstance(given, str) and _URL.match(given) is not None


def parse_url(url: str) -> Location:
    """Read a URL; slashes at its end, and double ones, are left out.

    Raises
    ------
    LocationError
        If its scheme is not one of `SCHEMES`, there is no bucket or host, or it carries credentials, which the message
        leaves out.
    """
    found = _URL.fullmatch(url)
    shown = without_secrets(url)
    if found is None:
        raise LocationError(shown, "is no URL", "give one such as s3://bucket/folder")
    scheme, rest = found["scheme"].lower(), found["rest"]
    if scheme not in SCHEMES:
        known = ", ".join(f"{each}://" for each in SCHEMES)
        raise LocationError(shown, f"the scheme {scheme}:// is not known", f"give {known}, file:// or a path")
    if "@" in rest.partition("/")[0] or "?" in rest or "#" in rest:
        raise LocationError(shown, "is given with credentials or a query", "put credentials into the environment")
    parts = [part for part in rest.split("/") if part]
    if not parts or rest.startswith("/") or {".", ".."} & set(parts):
        raise LocationError(shown, "names no bucket or host", "give a URL such as s3://bucket/folder")
    return Location(scheme, "/".join(parts))


def without_secrets(url: str) -> str:
    """Return a URL without what may be a secret: user, password and query.

    >>> without_secrets("https://me:secret@host/a.tsv?X-Amz-Signature=secret#secret")
    'https://host/a.tsv'
    """
    found = _URL.fullmatch(url)
    if found is None:
        return url
    host, slash, path = re.split(r"[?#]", found["rest"], maxsplit=1)[0].partition("/")
    return f"{found['scheme']}://{host.rpartition('@')[2]}{slash}{path}"


def root() -> Path:
    """Return the folder, in the user's cache by the XDG rules, below which URLs have their paths."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").resolve() / "protrek-hm" / "urls"


def located(place: Location, *, version: str) -> Located:
    """Return the path of this machine that stands for a URL, in the state or for the purpose that `version` names."""
    return Located(root() / version / place.scheme / place.key)


def location_of(path: Path) -> Location | None:
    """Return the place that a path stands for, None for an ordinary one."""
    if not path.is_relative_to(root()):
        return None
    parts = path.relative_to(root()).parts
    return Location(parts[1], "/".join(parts[2:])) if len(parts) > 2 and parts[1] in SCHEMES else None


def as_url(path: Path) -> str:
    """Return the URL that a path stands for, or the path itself."""
    place = location_of(path)
    return str(path if place is None else place)


_outputs: dict[Path, bytes | None] = {}


def output(place: Location) -> Located:
    """Return the path to write to: what is made there, whole, by `files` is uploaded to the URL."""
    path = located(place, version="out")
    _outputs[path] = None
    return path


def edited(path: Path, manifest: bytes) -> None:
    """Have the folder `path`, a copy of what a URL holds, uploaded when it was changed, if none has changed it there.

    manifest: as it was when the copy was made.
    """
    _outputs[path] = manifest


def output_at(path: Path) -> Location | None:
    """Return the place that a path is uploaded to, None if it stays on this machine."""
    return location_of(path) if path in _outputs else None


def stored(place: Location) -> Stored | None:
    """Return what the store says of a file; None if there is none of this name.

    Raises
    ------
    LocationError
        If the store cannot be asked, or there is no such bucket.
    """
    from pyarrow.fs import FileType

    with _telling(place):
        info = _system(place).get_file_info(place.path)
        if info.type == FileType.NotFound and _system(place).get_file_info(place.bucket.path).type == FileType.NotFound:
            raise FileNotFoundError("bucket does not exist")
    return Stored(info.size, info.mtime_ns or 0) if info.type == FileType.File else None


def files_below(place: Location) -> dict[str, Stored]:
    """List the files below a place by their names from there, sorted. Raises as `stored`."""
    from pyarrow.fs import FileSelector, FileType

    with _telling(place):
        found = _system(place).get_file_info(FileSelector(place.path, recursive=True, allow_not_found=True))
    start = len(place.path) + 1
    files = {each.path[start:]: Stored(each.size, each.mtime_ns or 0) for each in found if each.type == FileType.File}
    return dict(sorted(files.items()))


def read_bytes(place: Location) -> bytes | None:
    """Read a small file; None if it is not there. Raises as `stored`."""
    with _telling(place):
        try:
            with _system(place).open_input_file(place.path) as file:
                return bytes(file.read())
        except FileNotFoundError:
            return None


def write_bytes(place: Location, content: bytes) -> None:
    """Write a small file, whole or not at all. Raises as `stored`."""
    with _telling(place), _system(place).open_output_stream(place.path) as file:
        file.write(content)


def download(place: Location, path: Path) -> None:
    """Copy a file to `path`.

    Raises
    ------
    GoneError
        If it is not there, or not any more.
    LocationError, OutputError
        If it cannot be read, or there is no room for it here.
    """
    with _telling(place):
        try:
            with _system(place).open_input_stream(place.path) as source, path.open("wb") as target:
                shutil.copyfileobj(source, target, 1 << 22)
        except FileNotFoundError:
            raise GoneError(str(place), "vanished while it was read", "try again") from None
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG):
                raise OutputError(root(), os.strerror(error.errno)) from error
            raise


def upload(path: Path, place: Location) -> None:
    """Copy the file `path` to a place, where it appears when all of it is there. Raises as `stored`."""
    with _telling(place):
        system = _system(place)
        if place.scheme == "hdfs":
            system.create_dir(place.parents[0].path, recursive=True)
        target = system.open_output_stream(place.path)
        try:
            with path.open("rb") as source:
                shutil.copyfileobj(source, target, 1 << 22)
            target.close()  # raises what the store says, and pyarrow's own copying does not
        except OSError:
            raise
        except BaseException:  # such as an interruption: the stream cannot be left without ending the file
            target.close()
            system.delete_file(place.path)
            raise


def delete(place: Location) -> None:
    """Delete a file; it may be gone already. Raises as `stored`."""
    with _telling(place):
        try:
            _system(place).delete_file(place.path)
        except FileNotFoundError:
            return


def read_manifest(place: Location) -> dict[str, dict[str, Any]]:
    """Return what the manifest of a folder says of its files; empty if there is none. See `parse_manifest`."""
    return parse_manifest(read_bytes(place / MARKER))


def parse_manifest(content: bytes | None) -> dict[str, dict[str, Any]]:
    """Return the files of a manifest: `object`, the name under which each is stored, perhaps `bytes` and `sha256`."""
    try:
        files = json.loads(content or b"{}").get("files", {})
        return {str(name): {"object": name, **(files[name] if isinstance(files, dict) else {})} for name in files}
    except (ValueError, TypeError, AttributeError):
        return {}


def names_claimed(place: Location) -> set[str]:
    """Return the names of files that an upload to a folder has begun to write, or writes now."""
    return set(parse_manifest(read_bytes(place / CLAIM)))


def publish(folder: Path, files: Mapping[str, Mapping[str, Any]], path: Path) -> None:
    """Upload a folder: its files, then the manifest, which makes them count. What was there before goes afterwards.

    A file whose name is taken by another content is stored under a name with its digest, so that the manifest that is
    there stays true until it is replaced, in one step.

    Parameters
    ----------
    folder
        Where the files are.
    files
        By name: `bytes` and `sha256`.
    path
        The path that stands for the place.

    Raises
    ------
    BusyError
        If another one writes there meanwhile.
    LocationError
        If it cannot be written to.
    """
    place, expected = location_of(path), _outputs.get(path)
    assert place is not None
    before = read_bytes(place / MARKER)
    if expected not in (None, before):
        raise BusyError(as_url(path))
    old = parse_manifest(before)
    new = {name: dict(about) for name, about in files.items()}
    for name, about in new.items():
        taken = old.get(name)
        if taken is not None and taken.get("sha256") == about["sha256"]:
            about["object"] = taken["object"]
        elif name in {each["object"] for each in old.values()}:
            stem, dot, ending = Path(name).name.partition(".")
            about["object"] = str(Path(name).with_name(f"{stem}-{about['sha256'][:8]}{dot}{ending}"))
    objects = {about.get("object", name): name for name, about in new.items()}
    litter = names_claimed(place) | {each["object"] for each in old.values()}
    claim = _as_json({"writer": uuid4().hex, "files": sorted({*objects, *litter})})
    write_bytes(place / CLAIM, claim)
    held = {each["object"] for each in old.values()}
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(lambda each: upload(folder / objects[each], place / each), sorted(objects.keys() - held)))
    if read_bytes(place / CLAIM) != claim or read_bytes(place / MARKER) != before:
        raise BusyError(as_url(path))
    manifest = _as_json({"format_version": 1, "files": new})
    write_bytes(place / MARKER, manifest)
    if expected is not None:
        _outputs[path] = manifest
    for each in sorted(litter - objects.keys()):
        delete(place / each)
    delete(place / CLAIM)


def _as_json(content: Mapping[str, Any]) -> bytes:
    return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()


def _system(place: Location) -> Any:
    """Return the file system of a place; credentials come from the environment."""
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    return _open_system(place.scheme, place.bucket.key, endpoint, region, os.getpid())


@cache
def _open_system(scheme: str, host: str, endpoint: str | None, region: str | None, _process: int) -> Any:
    from datetime import timedelta

    from pyarrow import fs

    if scheme == "gs":
        return fs.GcsFileSystem(retry_time_limit=timedelta(seconds=_SILENCE))
    if scheme == "hdfs":
        name, _, port = host.partition(":")
        return fs.HadoopFileSystem(name, int(port or 8020))
    return fs.S3FileSystem(
        endpoint_override=endpoint,
        region=region or (None if endpoint else fs.resolve_s3_region(host)),
        connect_timeout=_CONNECT,
        request_timeout=_SILENCE,
        retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=_ATTEMPTS),
        allow_delayed_open=True,  # small files in one request instead of three
    )


@contextmanager
def _telling(place: Location) -> Iterator[None]:
    """Say of which URL the store complains, what that means, and what can be done."""
    try:
        yield
    except (LocationError, OutputError):
        raise
    except Exception as error:
        told = " ".join(str(error).split())
        shown = str(place.parents[0] if place.name in (MARKER, CLAIM) else place)
        for pattern, problem, remedy in _REASONS:
            if re.search(pattern, told):
                kind = DeniedError if problem == _DENIED else LocationError
                raise kind(shown, problem, remedy) from error
        if isinstance(error, OSError):
            raise LocationError(shown, without_request(told), "try again") from error
        raise


def without_request(told: str) -> str:
    """Leave out of a store's message what it repeats of the request."""
    return re.sub(r"\(Request ID: [^)]*\)|X-Amz-\S+", "", told).strip()[:200]
