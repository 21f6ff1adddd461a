"""Unit vectors of one modality, each distinct input once, with the rows of the table that they belong to."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Int

from protrek_hm.index.arrays import Vectors


@dataclass(frozen=True)
class Embeddings:
    """Vectors in the order in which their inputs first appeared.

    Attributes
    ----------
    vectors
        Of length 1: an array, or a `Stack` of arrays on disk.
    of_row
        For each row of the table the number of its vector, -1 where it has none.

    Examples
    --------
    >>> held = Embeddings(np.eye(3, dtype=np.float32), np.array([0, 2, -1, 0]))
    >>> held.rows_of(0).tolist(), held.rows_of(1).tolist(), held.count
    ([0, 3], [], 2)
    >>> held.first_rows(np.array([0, 2])).tolist(), held.row_counts(np.array([0, 1, 2])).tolist()
    ([0, 1], [2, 0, 1])
    """

    vectors: Vectors
    of_row: Int[np.ndarray, " rows"]

    @cached_property
    def _order(self) -> Int[np.ndarray, " rows"]:
        return np.argsort(self.of_row, kind="stable")

    @cached_property
    def _starts(self) -> Int[np.ndarray, " vectors_plus_1"]:
        return np.searchsorted(self.of_row, np.arange(len(self.vectors) + 1), sorter=self._order)

    @cached_property
    def used(self) -> Int[np.ndarray, " used"] | None:
        """The vectors that rows refer to, ascending; None: all of them."""
        used = np.flatnonzero(np.diff(self._starts))
        return None if len(used) == len(self.vectors) else used

    @property
    def count(self) -> int:
        """How many vectors rows refer to."""
        return len(self.vectors) if self.used is None else len(self.used)

    def rows_of(self, vector: int) -> Int[np.ndarray, " some"]:
        """Return the rows of a vector, in order."""
        return self._order[self._starts[vector] : self._starts[vector + 1]]

    def first_rows(self, vectors: Int[np.ndarray, "*any"]) -> Int[np.ndarray, "*any"]:
        """Return the first row of each of these vectors, all of which are used."""
        return np.asarray(self._order[self._starts[vectors]])

    def row_counts(self, vectors: Int[np.ndarray, "*any"]) -> Int[np.ndarray, "*any"]:
        """Say how many rows each of these vectors belongs to."""
        return np.asarray(self._starts[vectors + 1] - self._starts[vectors])


def number_distinct(values: Sequence[str | None]) -> tuple[list[str], Int[np.ndarray, " rows"]]:
    """List the distinct values in order of first appearance, and say for each row which one it holds.

    Missing and empty values get -1.

    >>> distinct, of_row = number_distinct(["MKV", None, "MAA", "MKV", ""])
    >>> distinct, of_row.tolist()
    (['MKV', 'MAA'], [0, -1, 1, 0, -1])
    """
    numbers = {value: number for number, value in enumerate(dict.fromkeys(filter(None, values)))}
    of_row = [numbers[value] if value else -1 for value in values]
    return list(numbers), np.array(of_row, dtype=np.int64)
