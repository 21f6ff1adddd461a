"""Files that may be compressed: gzip and Zstandard, known by their first bytes, written by their ending."""

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

import pyarrow as pa

from protrek_hm.errors import FileFormatError, MissingFileError

ENDINGS = (".gz", ".zst")
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"


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
        If it is not there.
    FileFormatError
        If it cannot be opened, or, while it is read, if its compressed bytes are truncated or damaged.
    """
    try:
        raw = path.open("rb")
    except (FileNotFoundError, NotADirectoryError):
        raise MissingFileError(path) from None
    except OSError as error:
        reason = "is a folder" if path.is_dir() else f"cannot be read ({error.strerror})"
        raise FileFormatError(path, reason, "give a readable file") from None
    remedy = "copy or download it again"
    with raw:
        start = raw.peek(4)[:4]
        try:
            if start.startswith(_GZIP):
                yield io.BufferedReader(cast("io.RawIOBase", gzip.GzipFile(fileobj=raw, mode="rb")), 1 << 20)
            elif start == _ZSTD:
                yield io.BufferedReader(pa.CompressedInputStream(raw, "zstd"), 1 << 20)
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
            with pa.CompressedOutputStream(raw, "zstd") as stream:
                yield stream
        else:
            yield raw
