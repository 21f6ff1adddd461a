"""Copies of what lies at URLs, on this machine, kept as long as it is the same there.

A file or folder is copied once, as a whole, and checked by the digests of its manifest where it has one. The copy's
place is named by what the store holds, so a changed folder gets a new one; files that are the same in both are not
fetched again. Copies of an earlier state are removed when no process uses them.
"""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from protrek_hm import locations
from protrek_hm.errors import LocationError, MissingFileError
from protrek_hm.files import digest, new_file, new_folder
from protrek_hm.locations import CLAIM, MARKER, DeniedError, Located, Location

try:
    import fcntl
except ImportError:  # not on Windows, where copies are not locked
    fcntl = None  # type: ignore[assignment]

_ATTEMPTS = 3  # each fails only if a writer has replaced files meanwhile
_USED = ".used"
_PAUSE = 0.1  # seconds between two tries for a lock
_locks: dict[str, int] = {}  # of the versions that this process uses: held as long as it lives


@dataclass(frozen=True)
class _Held:
    """What a store holds at a place: a file (whose name is empty) or a folder's files, by their names.

    `wanted` is the one of them that was asked for.
    """

    place: Location
    files: Mapping[str, Mapping[str, Any]]
    wanted: str = ""

    @property
    def version(self) -> str:
        """A name of this state."""
        content = json.dumps([str(self.place), self.files], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:16]


def local_path(given: str) -> Path:
    """Return the path of what a path or URL names: as it is given, or that of a whole copy. Raises as `copy_of`."""
    path = locations.path_of(given)
    return copy_of(given) if path is None else path


def copy_of(url: str) -> Located:
    """Return the path of a whole copy of the file or folder at a URL, fetched if there is none of its present state.

    Of a folder that has a manifest a file is copied together with those beside it, at which commands look, too.

    Raises
    ------
    MissingFileError
        If there is nothing.
    LocationError
        If it is not such a URL, cannot be read, is damaged, or was not uploaded to its end.
    OutputError
        If it cannot be written here.
    """
    place = locations.parse_url(url)
    for attempt in range(_ATTEMPTS):
        held = _look(place)
        try:
            return _fetch(held)
        except LocationError:
            if attempt + 1 == _ATTEMPTS or _look(place) == held:
                raise
    raise LocationError(url, "changed while it was read", "try again when that has finished")


def copy_to_edit(url: str) -> Located:
    """Return the path of a copy of a folder at a URL that may be changed: `files.writing` uploads what was changed.

    The copy is this process's own, removed with `discard`. Raises as `copy_of`, and LocationError if the folder has
    no manifest.
    """
    place = locations.parse_url(url)
    manifest = locations.read_bytes(place / MARKER)
    source = copy_of(url)
    if manifest is None:
        raise LocationError(url, f"has no {MARKER}", "only folders that protrek-hm wrote there can be changed")
    path = locations.located(place, version=f"edit-{os.getpid()}")
    shutil.rmtree(path, ignore_errors=True)
    shutil.copytree(source, path)
    locations.edited(path, manifest)
    return path


def discard(path: Path) -> None:
    """Remove a copy that was made to be changed."""
    place = locations.location_of(path)
    if place is not None:
        shutil.rmtree(locations.root() / path.relative_to(locations.root()).parts[0], ignore_errors=True)


def _look(place: Location) -> _Held:
    """Ask the store what it holds at a place: by the manifest of it or of a folder around it, else by its list."""
    for folder in (place, *place.parents):
        try:
            listed, claimed = locations.read_manifest(folder), locations.names_claimed(folder)
        except DeniedError:  # what is read may be all that may be read
            continue
        within = place.key[len(folder.key) + 1 :]
        if within in listed:
            return _beside(folder, within, listed)
        chosen = {
            name[len(within) + bool(within) :]: about for name, about in listed.items() if _is_below(name, within)
        }
        if chosen:
            return _Held(place, {name: _object(folder, about) for name, about in chosen.items()})
        if (claimed and not within) or any(_is_below(name, within) for name in claimed):
            raise LocationError(str(place), "was not uploaded to its end", "wait for its writer, or write it again")
    file = locations.stored(place) if place.parents else None
    found = {"": file} if file is not None else locations.files_below(place)
    if not found:
        raise MissingFileError(str(place))
    plain = {
        name: {"bytes": each.bytes, "written": each.written, "object": (place / name if name else place).key}
        for name, each in found.items()
        if name not in (CLAIM, MARKER)
    }
    return _Held(place, plain)


def _beside(folder: Location, name: str, listed: Mapping[str, Mapping[str, Any]]) -> _Held:
    around = name.rpartition("/")[0]
    files = {each: about for each, about in listed.items() if each.rpartition("/")[0] == around}
    within = {each.rpartition("/")[2]: _object(folder, about) for each, about in files.items()}
    return _Held(folder / around if around else folder, within, name.rpartition("/")[2])


def _object(folder: Location, about: Mapping[str, Any]) -> dict[str, Any]:
    return {**about, "object": f"{folder.key}/{about['object']}"}


def _is_below(name: str, folder: str) -> bool:
    return not folder or name == folder or name.startswith(f"{folder}/")


def _fetch(held: _Held) -> Located:
    path = locations.located(held.place, version=held.version)
    if held.version not in _locks:
        with _locked(locations.root() / held.version, path) as lock:
            if not path.exists():
                earlier = _versions(held.place)
                if "" not in held.files:
                    with new_folder(path) as temporary:
                        for name, about in held.files.items():
                            (temporary / name).parent.mkdir(parents=True, exist_ok=True)
                            _fetch_file(about, temporary / name, held, [each / name for each in earlier])
                else:
                    with new_file(path) as temporary:
                        _fetch_file(held.files[""], temporary, held, earlier)
            _lock(lock)
            _locks[held.version] = lock
        _sweep(held)
    return path / held.wanted if held.wanted else path


@contextmanager
def _locked(version: Path, path: Path) -> Iterator[int]:
    """Lock a version's folder: for reading if the copy `path` is there, else to fetch it; wait for who fetches it."""
    while True:
        version.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            lock = os.open(version / _USED, os.O_RDWR | os.O_CREAT)
            _lock(lock)
            if (version / _USED).exists():  # else it was taken away just now
                if not path.exists():
                    with suppress(BlockingIOError):
                        _lock(lock, alone=True)
                        break
                else:
                    break
            os.close(lock)
        time.sleep(_PAUSE)
    try:
        yield lock
    except BaseException:
        os.close(lock)
        raise


def _fetch_file(about: Mapping[str, Any], path: Path, held: _Held, earlier: Sequence[Path]) -> None:
    """Fetch a file to `path`, or link it there from a copy of an earlier state that has the same content."""
    place = Location(held.place.scheme, about["object"])
    for same in earlier:
        if "sha256" in about and same.is_file() and same.stat().st_size == about["bytes"]:
            if digest(same) == about["sha256"]:
                path.unlink(missing_ok=True)
                os.link(same, path)
                return
    locations.download(place, path)
    size = path.stat().st_size
    if size != about.get("bytes", size):
        raise LocationError(str(place), f"cut off or changed ({size} bytes, not {about['bytes']})", "write it again")
    if "sha256" in about and digest(path) != about["sha256"]:
        raise LocationError(str(place), "damaged (not as it was written)", "write it again")


def _lock(handle: IO[bytes] | int, *, alone: bool = False) -> None:
    """Lock a file with other readers, or alone, at once or not at all (BlockingIOError)."""
    if fcntl is not None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB if alone else fcntl.LOCK_SH)


def _versions(place: Location) -> list[Path]:
    """List the copies of all states of a place."""
    versions = sorted(each.parent for each in locations.root().glob(f"*/{_USED}"))
    return [path for each in versions if (path := each / place.scheme / place.key).exists()]


def _sweep(held: _Held) -> None:
    """Remove the copies of other states of the same place that no process uses."""
    for each in _versions(held.place):
        version = locations.root() / each.relative_to(locations.root()).parts[0]
        if version.name == held.version:
            continue
        with suppress(OSError), (version / _USED).open("rb") as lock:
            _lock(lock, alone=True)
            shutil.rmtree(version, ignore_errors=True)
