"""Triplet tables as numbered cases over the distinct texts and sequences."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from jaxtyping import Bool, Int

from protrek_hm.config import Modality
from protrek_hm.data.texts import fold_text
from protrek_hm.data.triplets import STRUCTURES, with_structures

ROW = "row of the table"


@dataclass(frozen=True)
class Pool:
    """Every distinct text and sequence of all test sets, in order of appearance: what has to be encoded."""

    texts: tuple[str, ...]
    sequences: tuple[str, ...]
    structures: tuple[str, ...] = ()

    def of(self, task: Modality) -> tuple[str, ...]:
        """Return the items that are encoded as `task`."""
        by_task: dict[Modality, tuple[str, ...]] = {
            "text": self.texts,
            "sequence": self.sequences,
            "structure": self.structures,
        }
        return by_task[task]


@dataclass(frozen=True)
class Cases:
    """Rows of a triplet table as positions in a pool.

    Attributes
    ----------
    text, positive, negative
        The anchor text, its protein, and the protein that it does not belong to.
    other_text
        The text of the negative; -1 where it is unknown, or a spelling of the anchor text.
    new_pair
        False for rows that show a pair (its two texts with their proteins) that an earlier row showed from
        either side, in whatever spelling.
    """

    text: Int[np.ndarray, " cases"]
    positive: Int[np.ndarray, " cases"]
    negative: Int[np.ndarray, " cases"]
    other_text: Int[np.ndarray, " cases"]
    new_pair: Bool[np.ndarray, " cases"]

    def __len__(self) -> int:
        return len(self.text)


def structure_view(frame: pl.DataFrame, name: str) -> pl.DataFrame:
    """Return the rows that hold both structures, these in the place of the sequences; `ROW` is their old number.

    Raises
    ------
    MissingColumnError, NothingFoundError
        If there are no structures.

    Examples
    --------
    >>> table = {"anchor_text": ["a", "b"], "anchor_structure": ["dv", None], "hard_neg_structure": ["dp", "vv"]}
    >>> structure_view(pl.DataFrame(table), "test.csv").select("anchor_text", "anchor_seq", "hard_neg_seq").rows()
    [('a', 'dv', 'dp')]
    """
    own, other = (pl.col(column) for column in STRUCTURES)
    return with_structures(frame.with_row_index(ROW), name).with_columns(anchor_seq=own, hard_neg_seq=other)


def make_pool(frames: Sequence[pl.DataFrame]) -> Pool:
    """Collect the distinct texts and sequences of several triplet tables.

    Examples
    --------
    >>> table = {"anchor_seq": ["MK", "MR"], "anchor_text": ["a", "b"], "hard_neg_seq": ["MR", "MK"]}
    >>> pool = make_pool([pl.DataFrame(table)])
    >>> pool.texts, pool.sequences
    (('a', 'b'), ('MK', 'MR'))
    """
    texts: dict[str, None] = {}
    sequences: dict[str, None] = {}
    for frame in frames:
        texts.update(dict.fromkeys(frame["anchor_text"]))
        texts.update(dict.fromkeys(text for text in other_texts(frame) if text))
        sequences.update(dict.fromkeys(frame["anchor_seq"]))
        sequences.update(dict.fromkeys(frame["hard_neg_seq"]))
    return Pool(tuple(texts), tuple(sequences))


def make_cases(frame: pl.DataFrame, pool: Pool) -> Cases:
    """Turn a triplet table into positions in the pool, row by row.

    Examples
    --------
    >>> table = {"anchor_seq": ["MK", "MR"], "anchor_text": ["a", "b"],
    ...          "hard_neg_seq": ["MR", "MK"], "hard_neg_text": ["b", "a"]}
    >>> frame = pl.DataFrame(table)
    >>> cases = make_cases(frame, make_pool([frame]))
    >>> cases.negative.tolist(), cases.other_text.tolist(), cases.new_pair.tolist()
    ([1, 0], [1, 0], [True, False])
    """
    text_at = {text: position for position, text in enumerate(pool.texts)}
    sequence_at = {sequence: position for position, sequence in enumerate(pool.sequences)}
    text = np.array([text_at[each] for each in frame["anchor_text"]], dtype=np.int64)
    other = np.array([text_at[each] if each else -1 for each in other_texts(frame)], dtype=np.int64)
    folded = {at: fold_text(pool.texts[at]) for at in {*text.tolist(), *other[other >= 0].tolist()}}
    wording = [folded[at] for at in text.tolist()]
    other_wording = [folded.get(at) for at in other.tolist()]
    other[[one == two for one, two in zip(wording, other_wording, strict=True)]] = -1
    positive = np.array([sequence_at[each] for each in frame["anchor_seq"]], dtype=np.int64)
    negative = np.array([sequence_at[each] for each in frame["hard_neg_seq"]], dtype=np.int64)
    seen: set[frozenset[tuple[str | None, int]]] = set()
    new_pair = np.zeros(len(text), dtype=bool)
    members = zip(wording, positive.tolist(), other_wording, negative.tolist(), strict=True)
    for row, (own_text, own_protein, twin_text, twin_protein) in enumerate(members):
        pair = frozenset(((own_text, own_protein), (twin_text, twin_protein)))
        new_pair[row] = pair not in seen
        seen.add(pair)
    return Cases(text, positive, negative, other, new_pair)


def other_texts(frame: pl.DataFrame) -> list[str | None]:
    """Return the negatives' texts; None where the table does not tell, or tells nothing.

    Examples
    --------
    >>> other_texts(pl.DataFrame({"anchor_seq": ["MK", "MR"]}))
    [None, None]
    """
    if "hard_neg_text" not in frame.columns:
        return [None] * frame.height
    texts = frame["hard_neg_text"].cast(pl.String).to_list()
    return [text if text and text.strip() else None for text in texts]
