"""Outputs that are whole or not there: write under a temporary name, then rename.

>>> import tempfile
>>> folder = Path(tempfile.mkdtemp())
>>> with new_file(folder / "a.txt") as temporary:
...     _ = temporary.write_text("whole")
>>> (folder / "a.txt").read_text(), len(list(folder.iterdir()))
('whole', 1)

Temporary names carry the process id (`.NAME.PID.partial`) and are locked while they are written, so that the next run
can tell what a killed one left behind, and removes that.
"""

import ctypes
import errno
import hashlib
import json
import os
import re
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from protrek_hm import locations
from protrek_hm.errors import (
    BusyError,
    FileFormatError,
    LocationError,
    MissingFileError,
    OutputError,
    OutputExistsError,
    ProtectedOutputError,
    ProTrekHMError,
)
from protrek_hm.locations import MARKER

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

LOCK = ".lock"
"""In a folder that is being written to: the file that its writer has locked."""
_PROBE = 65_536  # bytes that a disk must have room for
_LITTER = re.compile(r"\.(?:(?P<file>\d+)\..+|.+\.(?P<folder>\d+)\.partial|(?P<name>.+)\.(?P<old>\d+)\.replaced)")
_DISK_ERROR = re.compile(r"\(os error (?P<number>\d+)\)|iostream error|inline_container\.cc")  # Rust; C++; torch.save
_EXCHANGE = 2  # RENAME_EXCHANGE of Linux and RENAME_SWAP of macOS
_HERE = -100  # AT_FDCWD of Linux


@contextmanager
def new_file(path: Path, *, force: bool = True) -> Iterator[Path]:
    """Yield a temporary path beside `path` that takes its name when the block ends without an error.

    The file is on disk (fsync) before it takes the name. What is no file, such as `/dev/stdout` or a pipe, gets the
    bytes at the end.

    Raises
    ------
    OutputExistsError
        If `path` exists and `force` is false.
    ProtectedOutputError
        If it is a folder.
    OutputError
        If it cannot be written; nothing half-written is left.
    """
    refuse_existing(path, force=force)
    path = path.resolve() if path.is_symlink() else path
    with _telling(path):
        if path.exists() and not path.is_file() and not path.is_dir():
            with TemporaryDirectory() as elsewhere:
                yield Path(elsewhere) / path.name
                with (Path(elsewhere) / path.name).open("rb") as made, path.open("wb") as out:
                    shutil.copyfileobj(made, out)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        sweep_litter(path.parent)
        temporary = path.with_name(f".{os.getpid()}.{path.name}")  # the ending stays: writers go by it
        temporary.touch()
        try:
            with _held(temporary):
                yield temporary
                _sync(temporary)
                if (place := locations.output_at(path)) is not None:
                    with _kept(temporary, path):
                        locations.upload(temporary, place)
                    return
                temporary.replace(path)
                _sync(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def new_folder(
    path: Path, *, force: bool = False, inputs: Iterable[Path] = (), carried: Collection[str] = ()
) -> Iterator[Path]:
    """Yield a temporary folder beside `path` that takes its name when the block ends without an error.

    A folder that was there is exchanged for the new one in a single step (with `force`), and removed after that; an
    interrupted run leaves it whole. Only folders that this function made are replaced, and only while they hold
    nothing else.

    Parameters
    ----------
    inputs
        Files or folders that are read meanwhile.
    carried
        Subfolders that outlive the replacement: what they hold stands in the new folder too.

    Raises
    ------
    OutputExistsError
        If `path` exists, is not an empty folder, and `force` is false.
    ProtectedOutputError
        If it would be replaced, and an input lies in it, or something that this function did not write, or results
        with other names than the new ones. If that is so only at the end, the results stay beside it, and the message
        says where.
    OutputError
        If it cannot be written; nothing half-written is left.
    """
    inputs = list(inputs)
    refuse_existing(path, force=force, inputs=inputs, folder=True, carried=carried)
    path = path.resolve() if path.is_symlink() else path
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    with _telling(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        sweep_litter(path.parent)
        shutil.rmtree(temporary, ignore_errors=True)  # of a killed run that had our process id, as in a container
        temporary.mkdir()
        try:
            with _held(temporary):
                yield temporary
                for name in carried:
                    if (path / name).is_dir():
                        shutil.copytree(path / name, temporary / name, copy_function=_link, dirs_exist_ok=True)
                _mark(temporary)
                if locations.output_at(path) is not None:
                    with _kept(temporary, path):
                        refuse_existing(path, force=force, inputs=inputs, folder=True, carried=carried)
                        _publish(temporary, path)
                    return
                for place in (*temporary.rglob("*"), temporary):
                    _sync(place)
                try:  # again: hours may have passed
                    refuse_existing(path, force=force, inputs=inputs, folder=True, carried=carried)
                    _refuse_another_kind(path, temporary)
                except (OutputExistsError, ProtectedOutputError) as error:
                    spare = path.with_name(f"{path.name}.{os.getpid()}")
                    temporary.rename(spare)
                    raise ProtectedOutputError(path, f"{error.reason}; the results are in {spare}") from error
                _move(temporary, path)
                _sync(path.parent)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)  # what was replaced, or what was not finished


@contextmanager
def new_files(folder: Path) -> Iterator[Path]:
    """Yield a temporary folder whose files are moved into `folder` when the block ends without an error.

    Files of the same names are replaced, all others in `folder` stay.

    Raises
    ------
    OutputError
        If they cannot be written.
    """
    with _telling(folder):
        folder.mkdir(parents=True, exist_ok=True)
        sweep_litter(folder)
        made = folder / f".{folder.name}.{os.getpid()}.partial"
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir()
        try:
            with _held(made):
                yield made
                for file in sorted(made.iterdir()):
                    _sync(file)
                for file in sorted(made.iterdir()):
                    file.replace(folder / file.name)
                _sync(folder)
        finally:
            shutil.rmtree(made, ignore_errors=True)


def refuse_existing(
    path: Path,
    *,
    force: bool,
    inputs: Iterable[str | Path] = (),
    folder: bool = False,
    replaced: bool = True,
    carried: Collection[str] = (),
) -> None:
    """Raise an error if something at `path` would be lost that should not be; call it before long work.

    Parameters
    ----------
    force
        Whether results of an earlier run may be overwritten.
    inputs
        What the run reads: none of it may lie at or below `path`. Texts and sequences among it are passed over.
    folder
        Whether the output is a folder; otherwise it is a file.
    replaced
        Whether a folder is replaced as a whole, and so must hold nothing but what `new_folder` wrote.
    carried
        Subfolders that are not replaced; a folder with nothing else is as good as empty.

    Raises
    ------
    OutputExistsError
        If `path` holds something and `force` is false.
    ProtectedOutputError
        If it is a file and the output a folder, or the reverse; if it is the working folder, the home folder or one
        around them; if it holds an input, or (where it is `replaced`) anything that `new_folder` did not write.
    """
    if (place := locations.output_at(path)) is not None:
        _refuse_stored(path, place, force=force, inputs=inputs, folder=folder)
        return
    here = {place for each in (Path.cwd(), Path.home()) for place in (each.resolve(), *each.resolve().parents)}
    if path.is_dir() and path.resolve() in here:
        raise ProtectedOutputError(path, "it holds more than our output, the working or home folder")
    for each in (Path(given) for given in inputs if os.path.exists(given)):  # noqa: PTH110, as in `is_a_file`
        if path.resolve() in (each.resolve(), *each.resolve().parents):
            raise ProtectedOutputError(path, f"the input {each} would be overwritten")
    if path.exists() and path.is_dir() is not folder:
        raise ProtectedOutputError(path, "no folder" if folder else "a folder, and the output is a file")
    if not _occupied(path, but=carried):
        return
    if not force:
        raise OutputExistsError(path)
    others = foreign_files(path) if replaced and path.is_dir() else []
    others = [name for name in others if Path(name).parts[0] not in carried]
    if others:
        more = f" and {len(others) - 1} more" * (len(others) > 1)
        raise ProtectedOutputError(path, f"holds {others[0]}{more}, which is not among its results")


def foreign_files(folder: Path) -> list[str]:
    """List the files below `folder` that `new_folder` did not write there, as sorted relative paths.

    A link is never followed. Of a folder that `new_folder` did not make, all are foreign.

    Examples
    --------
    >>> import tempfile
    >>> out = Path(tempfile.mkdtemp()) / "out"
    >>> with new_folder(out) as temporary:
    ...     _ = (temporary / "result.csv").write_text("1")
    >>> _ = (out / "notes.md").write_text("mine")
    >>> foreign_files(out)
    ['notes.md']
    """
    try:
        own = {MARKER, *read_json(folder / MARKER)["files"]}
    except (MissingFileError, FileFormatError, KeyError, TypeError):
        own = set()
    return [name for name in _files_below(folder) if name not in own]


def sweep_litter(folder: Path) -> None:
    """Remove what killed runs left in `folder` under their temporary names; what is still being written stays.

    A folder whose replacement was interrupted between two renames (only where the system cannot exchange folders in
    one step) gets its name back.
    """
    with os.scandir(folder) as places:
        hidden = [Path(each) for each in places if each.name.startswith(".") and not each.is_symlink()]
    for place in hidden:
        named = _LITTER.fullmatch(place.name)
        if named is None or _alive(int(named["file"] or named["folder"] or named["old"])):
            continue
        with suppress(OSError), _held(place, needed=True):
            if named["name"] and not (folder / named["name"]).exists():
                place.rename(folder / named["name"])
            elif place.is_dir():
                shutil.rmtree(place)
            else:
                place.unlink()


def is_a_file(given: str | Path) -> bool:
    r"""Say whether something that may as well be a text or a sequence names a file; whatever cannot be a path does not.

    Examples
    --------
    >>> is_a_file("MKV" * 1_000), is_a_file("a\0b"), is_a_file(__file__)
    (False, False, True)
    """
    return os.path.isfile(given)  # noqa: PTH113, since Path.is_file raises on what is too long for a path


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
    if (stored := locations.output_at(path)) is not None:
        locations.write_bytes(beside := stored.parents[0] / f".{stored.name}.probe", b"")
        locations.delete(beside)
    nearest = next(place for place in path.absolute().parents if place.exists())
    probe = nearest / f".{os.getpid()}.{path.name}.probe"
    with _telling(path):
        try:
            probe.write_bytes(bytes(_PROBE))
        finally:
            probe.unlink(missing_ok=True)


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
    with _telling(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / LOCK).open("w") as lock:
            try:
                _lock(lock.fileno())
            except BlockingIOError:
                raise BusyError(folder) from None
            if not (folder / LOCK).exists():  # its writer finished just now, and took it away
                raise BusyError(folder)
            yield
            if locations.output_at(folder) is not None and folder.is_dir():
                _publish(folder, folder)


@contextmanager
def new_part(path: Path) -> Iterator[Path]:
    """Yield a temporary path as `new_file`, for a part of work that a later run takes up if `is_whole` says so.

    Beside the file lies its digest, in the form of `sha256sum`.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "part.txt"
    >>> with new_part(path) as temporary:
    ...     _ = temporary.write_text("long work")
    >>> whole = is_whole(path)
    >>> _ = path.write_text("long wo")
    >>> whole, is_whole(path)
    (True, False)
    """
    with new_file(path) as temporary:
        yield temporary
        with new_file(_digest_of(path)) as beside:
            beside.write_text(f"{digest(temporary)}  {path.name}\n", encoding="utf-8")


def is_whole(path: Path) -> bool:
    """Tell whether a part of work is there as `new_part` wrote it."""
    try:
        return _digest_of(path).read_text(encoding="utf-8").split()[:1] == [digest(path)]
    except (OSError, UnicodeDecodeError):
        return False


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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


def content_digest(content: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a JSON object, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def require_format(
    content: Mapping[str, Any], path: Path, *, reads: int, remedy: str, absent: int | None = None
) -> None:
    """Refuse a file of another format than this version reads, with both and the remedy; see docs/formats.md.

    remedy: what to do with a file of an earlier format. absent: what a file is of that does not say.

    Raises
    ------
    FileFormatError
        Unless `format_version` in `content` is `reads`.

    Examples
    --------
    >>> require_format({"format_version": 3}, Path("board.json"), reads=2, remedy="measure again")
    Traceback (most recent call last):
    protrek_hm.errors.FileFormatError: board.json: format_version 3, and this version of protrek-hm reads 2; update...
    """
    found = content.get("format_version", absent)
    if found != reads:
        later = isinstance(found, int) and found > reads
        problem = f"format_version {found!r}, and this version of protrek-hm reads {reads}"
        raise FileFormatError(path, problem, f"update protrek-hm, or {remedy}" if later else remedy)


def _refuse_stored(
    path: Path, place: locations.Location, *, force: bool, inputs: Iterable[str | Path], folder: bool
) -> None:
    """Do for a URL what `refuse_existing` does for a path of this machine."""
    for each in inputs:
        read = locations.location_of(Path(each))
        if read is not None and place in (read, *read.parents):
            raise ProtectedOutputError(path, f"the input {read} would be overwritten")
    held = locations.files_below(place)
    if folder and locations.stored(place) is not None:
        raise ProtectedOutputError(path, "no folder")
    if not folder and (held or not place.parents):
        raise ProtectedOutputError(path, "a folder, and the output is a file")
    if not folder:
        if locations.stored(place) is not None and not force:
            raise OutputExistsError(path)
        return
    own = {each["object"] for each in locations.read_manifest(place).values()}
    left = {MARKER, locations.CLAIM, *locations.names_claimed(place)} - own  # of an upload that was interrupted
    others = [name for name in held if name not in own | left]
    if (own or others) and not force:
        raise OutputExistsError(path)
    if others:
        more = f" and {len(others) - 1} more" * (len(others) > 1)
        raise ProtectedOutputError(path, f"holds {others[0]}{more}, which is not among its results")


def _publish(folder: Path, path: Path) -> None:
    """Upload the files of a finished folder to where `path` stands for."""
    names = [name for name in _files_below(folder) if Path(name).name not in (MARKER, LOCK)]
    files = {name: {"bytes": (folder / name).stat().st_size, "sha256": digest(folder / name)} for name in names}
    locations.publish(folder, files, path)


@contextmanager
def _kept(made: Path, path: Path) -> Iterator[None]:
    """Keep on this machine what could not be uploaded, and say where it is; else remove what an earlier run kept."""
    try:
        yield
        _remove(path)
    except BaseException as error:
        _remove(path)
        made.replace(path)
        if not isinstance(error, ProTrekHMError):
            raise
        remedy = f"the results are in {path!s}"
        raise LocationError(locations.as_url(path), f"not written ({error})", remedy) from error


def _remove(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def _digest_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


def _refuse_another_kind(path: Path, new: Path) -> None:
    """Raise ProtectedOutputError if `path` holds results with other names than the new ones: a model, not triplets."""
    names = [{each.name for each in folder.iterdir()} - {MARKER} for folder in (path, new) if folder.is_dir()]
    if all(names) and len(names) == 2 and not names[0] & names[1]:
        raise ProtectedOutputError(path, f"holds {min(names[0])}, results of another kind")


def _occupied(path: Path, but: Collection[str] = ()) -> bool:
    """Tell whether there is something at `path` that could be lost: a file, or a folder that holds more than `but`."""
    return path.is_file() or (path.is_dir() and any(each.name not in but for each in path.iterdir()))


def _link(source: str, target: str) -> None:
    """Give a file a second name, or copy it where the file system has no such links."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _files_below(folder: Path) -> list[str]:
    return sorted(
        str((Path(parent) / name).relative_to(folder))
        for parent, folders, files in os.walk(folder)
        for name in (*files, *(each for each in folders if (Path(parent) / each).is_symlink()))
    )


def _mark(folder: Path) -> None:
    """Write down which files a finished folder holds."""
    content = {"format_version": 1, "files": _files_below(folder)}
    (folder / MARKER).write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _move(temporary: Path, path: Path) -> None:
    """Give `temporary` the name `path`; a folder of that name takes the temporary one, in the same step if possible."""
    if not path.is_dir():
        temporary.rename(path)
        return
    try:
        _exchange(temporary, path)
    except OSError as error:
        if error.errno not in (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP):
            raise
        replaced = path.with_name(f".{path.name}.{os.getpid()}.replaced")
        path.rename(replaced)
        temporary.rename(path)
        shutil.rmtree(replaced)


def _exchange(a: Path, b: Path) -> None:
    """Exchange two folders in one step, with the system's own call, which Python does not offer.

    Raises
    ------
    OSError
        If it fails; ENOSYS, EINVAL or ENOTSUP if the system or the file system cannot do it.
    """
    system, names = ctypes.CDLL(None, use_errno=True), (os.fsencode(a), os.fsencode(b))
    if hasattr(system, "renameat2"):
        failed = system.renameat2(_HERE, names[0], _HERE, names[1], _EXCHANGE)
    elif hasattr(system, "renamex_np"):
        failed = system.renamex_np(*names, _EXCHANGE)
    else:
        raise OSError(errno.ENOSYS, "folders cannot be exchanged in one step")
    if failed:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(b))


@contextmanager
def _held(path: Path, *, needed: bool = False) -> Iterator[None]:
    """Lock a file or folder, so that no other run takes it for left behind; some file systems cannot.

    Raises
    ------
    OSError
        If the lock is `needed` and cannot be had.
    """
    handle = os.open(path, os.O_RDONLY)
    try:
        try:
            _lock(handle)
        except OSError:
            if needed:
                raise
        yield
    finally:
        os.close(handle)


def _lock(handle: int) -> None:
    """Lock an open file or folder for this process, which unlocks when it ends.

    Raises
    ------
    OSError
        If it is locked (BlockingIOError), or the system has no such locks.
    """
    if fcntl is None:
        problem = "outputs are written on Linux and macOS only; on Windows use the Windows Subsystem for Linux"
        raise OSError(errno.ENOSYS, problem)
    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _alive(process: int) -> bool:
    """Tell whether there is a process of this id."""
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True


def _sync(path: Path) -> None:
    """Have the system write a file, or the names in a folder, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _telling(path: Path) -> Iterator[None]:
    """Say which output failed if the disk is to blame.

    Writers in Rust and C++ raise errors of their own, which tell of the disk in their text alone.
    """
    try:
        yield
    except ProTrekHMError:
        raise
    except OSError as error:
        raise OutputError(path, error.strerror or str(error)) from error
    except Exception as error:
        told = _DISK_ERROR.search(str(error))
        if told is None:
            raise
        reason = os.strerror(int(told["number"])) if told["number"] else "not all of it could be written"
        raise OutputError(path, reason) from error
