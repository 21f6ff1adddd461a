"""Triplet tables as numbered cases, and which cases depend on each other: the groups that the bootstrap draws."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Literal

import numpy as np
import polars as pl
from jaxtyping import Bool, Int

from protrek_hm.config import Modality
from protrek_hm.data.texts import fold_text
from protrek_hm.data.triplets import STRUCTURES, with_structures
from protrek_hm.homology.families import connected_components

ROW = "row of the table"


@dataclass(frozen=True)
class Pool:
    """Every distinct text and sequence of all test sets, in order of appearance: what is encoded."""

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

    def take(self, rows: Int[np.ndarray, " chosen"]) -> "Cases":
        """Return the cases of some rows."""
        return Cases(*(getattr(self, each.name)[rows] for each in fields(self)))


def structure_view(frame: pl.DataFrame, name: str) -> pl.DataFrame:
    """Return the rows that have both structures, with these instead of the sequences; `ROW` is their old number.

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
    """Return the negatives' texts; None where the table has none.

    Examples
    --------
    >>> other_texts(pl.DataFrame({"anchor_seq": ["MK", "MR"]}))
    [None, None]
    """
    if "hard_neg_text" not in frame.columns:
        return [None] * frame.height
    texts = frame["hard_neg_text"].cast(pl.String).to_list()
    return [text if text and text.strip() else None for text in texts]


@dataclass(frozen=True)
class Groups:
    """Independent groups of cases.

    Attributes
    ----------
    of_case
        The group of each case.
    basis
        What they are, in words: "components", "sets of rows linked by a shared protein or text", "anchor
        proteins".
    """

    of_case: Int[np.ndarray, " cases"]
    basis: str

    def count(self) -> int:
        """Return how many groups there are."""
        return len(np.unique(self.of_case))

    def largest_share(self) -> float:
        """Return the share of all cases that the largest group holds, in (0, 1]."""
        return float(np.unique(self.of_case, return_counts=True)[1].max() / len(self.of_case))

    def one_of_each(self, order: Int[np.ndarray, " candidates"], wanted: int) -> Int[np.ndarray, " chosen"]:
        """Take `wanted` cases in the given order, first one of each group, then any.

        Examples
        --------
        >>> Groups(np.array([5, 5, 7]), "components").one_of_each(np.array([1, 0, 2]), 2)
        array([1, 2])
        """
        _, first = np.unique(self.of_case[order], return_index=True)
        fresh = np.zeros(len(order), dtype=bool)
        fresh[first] = True
        return np.concatenate([order[fresh], order[~fresh]])[:wanted]


def independent_groups(frame: pl.DataFrame, cases: Cases, kind: Literal["hard", "easy"]) -> Groups:
    """Group the cases by the table's `component` column, or without one by what they share.

    Without components, hard cases that share a protein or a text (in whatever spelling), directly or through
    others, are one group. Easy pairs are drawn at random across families, so that this would join them all; they
    are grouped by their anchor.

    Examples
    --------
    >>> columns = {"component": [4, 4, 9], "anchor_text": ["a", "b", "c"], "anchor_seq": ["MA", "MC", "MD"]}
    >>> frame = pl.DataFrame(columns)
    >>> three = np.arange(3)
    >>> cases = Cases(three, three, three + 3, np.full(3, -1), np.full(3, fill_value=True))
    >>> independent_groups(frame, cases, "hard")
    Groups(of_case=array([4, 4, 9]), basis='components')
    >>> independent_groups(frame.drop("component"), cases, "hard").count()
    3
    """
    if "component" in frame.columns and frame["component"].null_count() == 0:
        labels = frame["component"].rank("dense") if frame["component"].dtype == pl.String else frame["component"]
        return Groups(labels.cast(pl.Int64).to_numpy(), "components")
    proteins = frame["anchor_seq"].to_list()
    if kind == "easy":
        return Groups(numbered(cases.positive, proteins), "anchor proteins")
    linked = numbered(_linked(frame, cases), proteins)
    return Groups(linked, "sets of rows linked by a shared protein or text")


def numbered(labels: Int[np.ndarray, " members"], names: Sequence[str]) -> Int[np.ndarray, " members"]:
    """Give groups numbers by the first name in each, so that intervals do not depend on the order of rows.

    Examples
    --------
    >>> numbered(np.array([7, 3, 7, 3]), ["MV", "MK", "MA", "ML"])
    array([0, 1, 0, 1])
    """
    order = sorted(range(len(names)), key=names.__getitem__)
    number = {label: at for at, label in enumerate(dict.fromkeys(labels[order].tolist()))}
    return np.array([number[label] for label in labels.tolist()], dtype=np.int64)


def _linked(frame: pl.DataFrame, cases: Cases) -> Int[np.ndarray, " cases"]:
    """Label each case with its connected component in the graph of cases, proteins and texts."""
    rows = np.arange(len(cases))
    protein = len(cases)  # number of the first protein's node
    text = protein + int(max(cases.positive.max(), cases.negative.max())) + 1
    others = other_texts(frame)
    known = np.array([row for row, other in enumerate(others) if other], dtype=np.int64)
    texts = [*frame["anchor_text"], *(others[row] for row in known)]
    _, wording = np.unique([fold_text(each) for each in texts], return_inverse=True)
    nodes = (protein + cases.positive, protein + cases.negative, text + wording)
    edges = np.column_stack([np.concatenate([rows, rows, rows, known]), np.concatenate(nodes)])
    return connected_components(int(edges.max()) + 1, edges)[: len(cases)]
