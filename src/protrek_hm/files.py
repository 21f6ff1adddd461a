"""Outputs that are whole or not there: write under a temporary name, then rename.

>>> import tempfile
>>> folder = Path(tempfile.mkdtemp())
>>> with new_file(folder / "a.txt") as temporary:
...     _ = temporary.write_text("whole")
>>> (folder / "a.txt").read_text(), len(list(folder.iterdir()))
('whole', 1)
"""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from protrek_hm.errors import (
    BusyError,
    FileFormatError,
    MissingFileError,
    OutputError,
    OutputExistsError,
    ProTrekHMError,
)

LOCK = ".lock"
"""In a folder that is being written to: the file that its writer has locked."""
_PROBE = 65_536  # bytes that a disk must have room for


@contextmanager
def new_file(path: Path, *, force: bool = True) -> Iterator[Path]:
    """Yield a temporary path beside `path` that takes its name when the block ends without an error.

    Raises
    ------
    OutputExistsError
        If `path` exists and `force` is false.
    OutputError
        If it cannot be written; nothing half-written is left.
    """
    if path.exists() and not force:
        raise OutputExistsError(path)
    temporary = path.with_name(f".{os.getpid()}.{path.name}")  # the ending stays: writers go by it
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield temporary
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise _output_error(path, error) from error


@contextmanager
def new_folder(path: Path, *, force: bool = False) -> Iterator[Path]:
    """Yield a temporary folder beside `path` that takes its name when the block ends without an error.

    A folder that was there is replaced at the end (with `force`); an interrupted run leaves it whole.

    Raises
    ------
    OutputExistsError
        If `path` exists, is not an empty folder, and `force` is false.
    OutputError
        If it cannot be written; nothing half-written is left.
    """
    refuse_existing(path, force=force)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        temporary.mkdir(parents=True)
        yield temporary
        if path.exists():
            replaced = path.with_name(f".{path.name}.{os.getpid()}.replaced")
            path.rename(replaced)
            temporary.rename(path)
            shutil.rmtree(replaced)
        else:
            temporary.rename(path)
    except OSError as error:
        raise _output_error(path, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def new_files(folder: Path) -> Iterator[Path]:
    """Yield a temporary folder whose files are moved into `folder` when the block ends without an error.

    Files of the same names are replaced, all others in `folder` stay.

    Raises
    ------
    OutputError
        If they cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder, prefix=".") as temporary:
            made = Path(temporary) / "made"
            made.mkdir()
            yield made
            for file in sorted(made.iterdir()):
                file.replace(folder / file.name)
    except OSError as error:
        raise _output_error(folder, error) from error


def refuse_existing(path: Path, *, force: bool) -> None:
    """Raise OutputExistsError if `path` holds something and `force` is false; call it before long work.

    Raises
    ------
    OutputError
        If `path` is the working folder, the home folder or one around them: never to be replaced, forced or not.
    """
    here = {place for each in (Path.cwd(), Path.home()) for place in (each.resolve(), *each.resolve().parents)}
    if path.is_dir() and path.resolve() in here:
        raise OutputError(path, "it holds more than our output")
    occupied = path.exists() and not (path.is_dir() and not any(path.iterdir()))
    if occupied and not force:
        raise OutputExistsError(path)


def refuse_unwritable(path: Path) -> None:
    """Make sure that something can be written beside `path`; call it before long work.

    Raises
    ------
    OutputError
        If there is no permission or no space: found out by writing a small file, which is removed.

    Examples
    --------
    >>> import tempfile
    >>> refuse_unwritable(Path(tempfile.mkdtemp()) / "out" / "mined")
    """
    nearest = next(place for place in path.absolute().parents if place.exists())
    probe = nearest / f".{os.getpid()}.{path.name}.probe"
    try:
        try:
            probe.write_bytes(bytes(_PROBE))
        finally:
            probe.unlink(missing_ok=True)
    except OSError as error:
        raise _output_error(path, error) from error


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Lock a folder for writing, and make it if it is not there; the system unlocks it if the process dies.

    Raises
    ------
    BusyError
        If another process writes to it.
    OutputError
        If the folder cannot be written to, or something in it cannot.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / LOCK).open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise BusyError(folder) from None
            if not (folder / LOCK).exists():  # its writer finished just now, and took it away
                raise BusyError(folder)
            yield
    except OSError as error:
        raise _output_error(folder, error) from error


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write `content` as JSON, indented, keys in the given order, whole or not at all."""
    with new_file(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises
    ------
    MissingFileError, FileFormatError
        If it is not there, or not a JSON object.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise MissingFileError(path) from None
    except ValueError as error:
        raise FileFormatError(path, f"not JSON ({error})", "make it again") from None
    if not isinstance(content, dict):
        raise FileFormatError(path, "not a JSON object", "make it again")
    return content


def _output_error(path: Path, error: OSError) -> OSError:
    """Say which output failed, unless the error is one of ours and says what went wrong."""
    return error if isinstance(error, ProTrekHMError) else OutputError(path, error.strerror or str(error))
