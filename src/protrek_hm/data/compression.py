"""Files that may be compressed: gzip and Zstandard, known by their first bytes, written by their ending.

A file is read once, from its beginning to its end, so that it may be a pipe; what was read is what its digest is of.
"""

import gzip
import hashlib
import io
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from protrek_hm.errors import FileFormatError, MissingFileError

ENDINGS = (".gz", ".zst")
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_BUFFER = 1 << 20


@dataclass(frozen=True)
class Digest:
    """What a file held: the SHA-256 of its bytes as they lie on the disk, in hex, and how many there are."""

    sha256: str
    bytes: int


_digests: dict[Path, Digest] = {}
_pipes: set[tuple[Path, int]] = set()


def digest(path: Path) -> Digest:
    """Return the digest of what was read of a file, taken while it was last read; read it where it was not.

    Raises
    ------
    MissingFileError, FileFormatError
        If it has to be read, and does not exist or cannot be opened.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.txt"
    >>> _ = path.write_text("first")
    >>> with open_decompressed(path) as stream:
    ...     _ = stream.read(), path.write_text("second, after it was read")
    >>> digest(path)
    Digest(sha256='a7937b64b8caa58f03721bb6bacf5c78cb235febe0e70b1b84cd99541461a08e', bytes=5)
    """
    if path not in _digests:
        with _Bytes.open(path) as raw:
            while raw.read(_BUFFER):
                pass
    return _digests[path]


class _Bytes(io.RawIOBase):
    """A file's bytes, digested as they pass. A read is short at the end only: pipes give what has come so far."""

    def __init__(self, path: Path, file: io.FileIO) -> None:
        self._path, self._file, self._sha256, self._count = path, file, hashlib.sha256(), 0

    @classmethod
    def open(cls, path: Path) -> io.BufferedReader:
        try:
            status = path.stat()
            if stat.S_ISFIFO(status.st_mode):
                if (path, status.st_ino) in _pipes:
                    raise FileFormatError(path, "a pipe, which can be read only once", "write it to a file first")
                _pipes.add((path, status.st_ino))
            return io.BufferedReader(cls(path, path.open("rb", buffering=0)), _BUFFER)
        except (FileNotFoundError, NotADirectoryError):
            raise MissingFileError(path) from None
        except OSError as error:
            reason = "is a folder" if path.is_dir() else f"cannot be read ({error.strerror})"
            raise FileFormatError(path, reason, "give a readable file") from None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        buffer, filled = memoryview(buffer), 0
        while filled < len(buffer):
            count = self._file.readinto(buffer[filled:])
            if not count:
                _digests[self._path] = Digest(self._sha256.hexdigest(), self._count + filled)
                break
            self._sha256.update(buffer[filled : filled + count])
            filled += count
        self._count += filled
        return filled

    def readall(self) -> bytes:
        return b"".join(iter(lambda: self.read(_BUFFER), b""))

    def close(self) -> None:
        self._file.close()
        super().close()


def bare_name(path: Path) -> str:
    """Return the file's name in lower case without the ending of its compression.

    >>> bare_name(Path("data/Proteins.TSV.gz"))
    'proteins.tsv'
    """
    return path.stem.lower() if path.suffix.lower() in ENDINGS else path.name.lower()


@contextmanager
def open_decompressed(path: Path) -> Iterator[io.BufferedReader]:
    """Open a file for reading its decompressed bytes.

    Raises
    ------
    MissingFileError
        If the file does not exist.
    FileFormatError
        If it cannot be opened, or, while it is read, if its compressed bytes are truncated or damaged.
    """
    raw = _Bytes.open(path)
    remedy = "copy or download it again"
    with raw:
        start = raw.peek(4)[:4]
        try:
            if start.startswith(_GZIP):
                yield io.BufferedReader(cast("io.RawIOBase", gzip.GzipFile(fileobj=raw, mode="rb")), _BUFFER)
            elif start == _ZSTD:
                import pyarrow as pa

                yield io.BufferedReader(pa.CompressedInputStream(raw, "zstd"), _BUFFER)
            else:
                yield raw
        except EOFError:
            raise FileFormatError(path, "compressed file is truncated", remedy) from None
        except (OSError, zlib.error) as error:
            problem = "compressed file is truncated" if "Truncated" in str(error) else f"damaged ({error})"
            raise FileFormatError(path, problem, remedy) from None


@contextmanager
def open_compressed(path: Path) -> Iterator[BinaryIO]:
    """Open a file for writing, compressed if it ends in .gz or .zst; same content, same bytes."""
    with path.open("wb") as raw:
        if path.suffix.lower() == ".gz":
            with gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0, compresslevel=6) as stream:
                yield cast("BinaryIO", stream)
        elif path.suffix.lower() == ".zst":
            import pyarrow as pa

            with pa.CompressedOutputStream(raw, "zstd") as stream:
                yield stream
        else:
            yield raw
