"""The proteins of an index that have a text, laid out so that relatives are found among them."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from jaxtyping import Int

from protrek_hm.data.uniprot.entry import SECTION_COLUMN
from protrek_hm.homology.lookup import Lookup
from protrek_hm.index.store import Index

MOST_RECORDS = 3_000_000
"""Records of an index up to which all are laid out; a byte of memory for each residue."""

_AT_ONCE = 50_000


@dataclass(frozen=True)
class Labelled:
    """Distinct sequences with a text.

    lookup: finds relatives among them. rows: all rows of the index with a text, ascending. owner: for each of these
    rows the number of its sequence in the lookup. sections: values of the column `section`, as they come; empty
    without one.
    """

    lookup: Lookup
    rows: Int[np.ndarray, " rows"]
    owner: Int[np.ndarray, " rows"]
    sections: tuple[str, ...]

    def rows_of(self, number: int) -> Int[np.ndarray, " some"]:
        """Return the rows of a sequence."""
        return np.asarray(self.rows[self.owner == number])

    def numbers_of(self, rows: Int[np.ndarray, " some"]) -> list[int]:
        """Return the numbers of the sequences of these rows, those without a text left out."""
        place = np.minimum(np.searchsorted(self.rows, rows), max(len(self.rows) - 1, 0))
        return self.owner[place[self.rows[place] == rows]].tolist() if len(self.rows) else []


def lay_out(index: Index, rows: Int[np.ndarray, " some"]) -> Labelled:
    """Lay out the proteins of these rows that have a text; `rows` ascend."""
    numbers: dict[str, int] = {}
    sections: dict[str, None] = {}
    kept, owner = list[int](), list[int]()
    held = index.records.select(pl.col(f"^(sequence|text|{SECTION_COLUMN})$"))
    for start in range(0, len(rows), _AT_ONCE):
        block = rows[start : start + _AT_ONCE]
        table = held[block]
        if SECTION_COLUMN in table.columns:
            sections |= dict.fromkeys(table[SECTION_COLUMN].drop_nulls().unique(maintain_order=True).to_list())
        for row, sequence, text in zip(block.tolist(), table["sequence"], table["text"], strict=True):
            if text:
                kept.append(row)
                owner.append(numbers.setdefault(sequence, len(numbers)))
    return Labelled(Lookup.of(list(numbers)), np.array(kept, np.int64), np.array(owner, np.int64), tuple(sections))
