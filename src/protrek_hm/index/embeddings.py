"""Unit vectors of one modality, each distinct input once, with the rows of the table that they belong to."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from protrek_hm.errors import FileFormatError, MissingFileError
from protrek_hm.index.layout import REBUILD


@dataclass(frozen=True)
class Embeddings:
    """Vectors in the order in which their inputs first appear in the table.

    vectors: of length 1. of_row: for each row of the table the index of its vector, -1 where it has none.
    """

    vectors: Float[np.ndarray, "vectors dim"]
    of_row: Int[np.ndarray, " rows"]

    def save(self, path: Path) -> None:
        """Write both arrays as safetensors."""
        save_file({"vectors": np.ascontiguousarray(self.vectors), "of_row": self.of_row}, path)

    @classmethod
    def load(cls, path: Path, *, vectors: int, dimension: int, rows: int) -> "Embeddings":
        """Read `path`, and hold it against the sizes that `index.json` and the table name.

        Raises
        ------
        MissingFileError, FileFormatError
            If it is not there, cut off, or does not belong to this index.
        """
        try:
            arrays = load_file(path)
        except FileNotFoundError:
            raise MissingFileError(path, REBUILD) from None
        except (SafetensorError, OSError) as error:
            raise FileFormatError(path, f"damaged or cut off ({error})", REBUILD) from None
        found = {name: (array.dtype.name, *array.shape) for name, array in sorted(arrays.items())}
        wanted = {"of_row": ("int64", rows), "vectors": ("float32", vectors, dimension)}
        if found != wanted:
            raise FileFormatError(path, f"holds {found}, not {wanted}", REBUILD)
        return cls(vectors=arrays["vectors"], of_row=arrays["of_row"])


def number_distinct(values: list[str | None]) -> tuple[list[str], Int[np.ndarray, " rows"]]:
    """List the distinct values in order of first appearance, and say for each row which one it holds.

    Missing and empty values get -1.

    >>> distinct, of_row = number_distinct(["MKV", None, "MAA", "MKV", ""])
    >>> distinct, of_row.tolist()
    (['MKV', 'MAA'], [0, -1, 1, 0, -1])
    """
    numbers = {value: number for number, value in enumerate(dict.fromkeys(filter(None, values)))}
    of_row = [numbers[value] if value else -1 for value in values]
    return list(numbers), np.array(of_row, dtype=np.int64)
