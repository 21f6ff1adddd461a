"""The proteins of an index that have a text, laid out so that relatives are found among them."""

from dataclasses import dataclass
from threading import Lock
from weakref import WeakKeyDictionary

import numpy as np
import polars as pl
from jaxtyping import Int

from protrek_hm.data.uniprot.rows import SECTION_COLUMN
from protrek_hm.homology.lookup import Lookup
from protrek_hm.index.store import Index
from protrek_hm.search.searcher import Searcher

MOST_RECORDS = 3_000_000
"""Records of an index up to which all are laid out; a byte of memory for each residue."""

_AT_ONCE = 50_000
_KNOWN: "WeakKeyDictionary[Searcher, tuple[Index, Labelled]]" = WeakKeyDictionary()
_LOCK = Lock()


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


def labelled_proteins(searcher: Searcher, near: Int[np.ndarray, " some"]) -> Labelled:
    """Lay out the proteins of a searcher's index, once; of an index too large for that, those of the rows `near`."""
    records = searcher.index.info.counts["records"]
    if records > MOST_RECORDS:
        return _lay_out(searcher.index, np.unique(near))
    with _LOCK:  # of several requests that come together, one does it
        index, labelled = _KNOWN.get(searcher, (None, None))
        if labelled is None or index is not searcher.index:
            labelled = _lay_out(searcher.index, np.arange(records))
            _KNOWN[searcher] = (searcher.index, labelled)
        return labelled


def _lay_out(index: Index, rows: Int[np.ndarray, " some"]) -> Labelled:
    numbers: dict[int, int] = {}  # of a sequence by its hash: the letters are kept by the lookup alone
    sections: dict[str, None] = {}
    sequences, kept, owner = list[str](), list[int](), list[int]()
    held = index.records.select(pl.col(f"^(sequence|text|{SECTION_COLUMN})$"))
    for start in range(0, len(rows), _AT_ONCE):
        block = rows[start : start + _AT_ONCE]
        table = held[block]
        if SECTION_COLUMN in table.columns:
            sections |= dict.fromkeys(table[SECTION_COLUMN].drop_nulls().unique(maintain_order=True).to_list())
        for row, sequence, text in zip(block.tolist(), table["sequence"], table["text"], strict=True):
            if not text:
                continue
            number = numbers.setdefault(hash(sequence), len(numbers))
            if number == len(sequences):
                sequences.append(sequence)
            kept.append(row)
            owner.append(number)
    return Labelled(Lookup.of(sequences), np.array(kept, np.int64), np.array(owner, np.int64), tuple(sections))
