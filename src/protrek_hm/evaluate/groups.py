"""Which cases depend on each other: the groups that the bootstrap draws."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from jaxtyping import Int

from protrek_hm.data.texts import fold_text
from protrek_hm.evaluate.cases import Cases, other_texts
from protrek_hm.homology.families import connected_components


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
        """Take cases in the given order, each from another group, then any, until there are enough.

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
    """Give groups numbers in the order of the first name in each, so that the order of rows changes no interval.

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
