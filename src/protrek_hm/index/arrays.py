"""Arrays that stay on disk: written from blocks, read by mapping them into memory.

The format is NumPy's own (`.npy`), without pickles. Pages that nobody asks for are never read, and several processes
share those that are.
"""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from tokenize import TokenError

import numpy as np
from jaxtyping import Float, Int

from protrek_hm.errors import FileFormatError, MissingFileError
from protrek_hm.index.layout import REBUILD


class Stack:
    """Vectors of several arrays, numbered through; only what is asked for is read.

    Examples
    --------
    >>> stack = Stack([np.array([[1, 0], [0, 1]]), np.array([[2, 2]])])
    >>> len(stack), stack.shape, stack[1:3].tolist(), stack[np.array([2, 0])].tolist()
    (3, (3, 2), [[0, 1], [2, 2]], [[2, 2], [1, 0]])
    """

    def __init__(self, parts: Sequence[Float[np.ndarray, "some dim"]]) -> None:
        self.parts = tuple(parts)
        self.starts = np.cumsum([0, *map(len, self.parts)])
        self.shape = (int(self.starts[-1]), self.parts[0].shape[1])

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, which: "slice | Int[np.ndarray, ' n']") -> Float[np.ndarray, "n dim"]:
        if isinstance(which, slice):
            start, stop, _ = which.indices(len(self))
            first, last = np.searchsorted(self.starts, [start, stop - 1], side="right") - 1
            if first == last < len(self.parts):
                return np.asarray(self.parts[first])[start - self.starts[first] : stop - self.starts[first]]
            which = np.arange(start, stop)
        owner = np.searchsorted(self.starts, which, side="right") - 1
        if len(self.parts) == 1:
            return np.asarray(self.parts[0])[which]
        found = np.empty((len(which), self.shape[1]), dtype=self.parts[0].dtype)
        order = np.argsort(owner, kind="stable")
        bounds = np.searchsorted(owner[order], np.arange(len(self.parts) + 1))
        for part in np.unique(owner):
            chosen = order[bounds[part] : bounds[part + 1]]
            found[chosen] = np.asarray(self.parts[part])[which[chosen] - self.starts[part]]
        return found


Vectors = np.ndarray | Stack


def write_array(path: Path, shape: tuple[int, ...], dtype: str, blocks: Iterable[np.ndarray]) -> None:
    """Write `blocks`, one after the other, as one array; a full disk is an OSError, and nothing is kept in memory."""
    header = {"descr": np.lib.format.dtype_to_descr(np.dtype(dtype)), "fortran_order": False, "shape": shape}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for block in blocks:
            file.write(np.ascontiguousarray(block, dtype=dtype).data.cast("B"))
        file.flush()
        os.fsync(file.fileno())


def open_array(path: Path, shape: tuple[int, ...] | None, dtype: str) -> np.ndarray:
    """Map an array that must have this type, and this shape where one is given.

    Raises
    ------
    MissingFileError, FileFormatError
        If it is not there, cut off, or does not belong to this index.
    """
    try:
        array: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise MissingFileError(path, REBUILD) from None
    except (ValueError, SyntaxError, TokenError, EOFError, OSError) as error:  # two of them from parsing the header
        raise FileFormatError(path, f"damaged or cut off ({error})", REBUILD) from None
    if array.shape != (shape or array.shape) or array.dtype != np.dtype(dtype):
        problem = f"holds {array.dtype} {array.shape}, not {np.dtype(dtype)} {shape}"
        raise FileFormatError(path, problem, REBUILD)
    return array
