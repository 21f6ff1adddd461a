"""A model as a further judge: a negative scored nearly like the positive may be an unwritten positive."""

from typing import Any, Literal, Protocol

import numpy as np
import polars as pl
from jaxtyping import Bool, Float

from protrek_hm.mine.text import paired_products

MOST_OF_POSITIVE = 0.95
"""A negative may not score above this share of its positive (positive-aware mining, arXiv:2407.15831)."""


class Encoder(Protocol):
    """What a guide must do; `protrek_hm.ProTrek` does."""

    def encode(self, inputs: list[str], *, task: Literal["text", "sequence"]) -> Any:
        """Return unit vectors, a row an input."""


def keeps_margin(triplets: pl.DataFrame, guide: Encoder) -> Bool[np.ndarray, " triplets"]:
    """Tell for each triplet whether its text scores the negative at most 95 % as high as the positive.

    triplets: columns anchor_text, anchor_seq, hard_neg_seq. Each distinct text and sequence is encoded once.

    Examples
    --------
    >>> class Letters:
    ...     def encode(self, inputs, *, task):
    ...         return np.array([[item.count("A"), item.count("B")] for item in inputs], dtype=float)
    >>> table = pl.DataFrame({"anchor_text": ["A"] * 2, "anchor_seq": ["A"] * 2, "hard_neg_seq": ["B", "AB"]})
    >>> keeps_margin(table, Letters()).tolist()
    [True, False]
    """
    positive = _scores(triplets, "anchor_seq", guide)
    negative = _scores(triplets, "hard_neg_seq", guide)
    return np.asarray(negative <= positive - (1 - MOST_OF_POSITIVE) * np.abs(positive))


def _scores(triplets: pl.DataFrame, column: str, guide: Encoder) -> Float[np.ndarray, " triplets"]:
    text, texts = _encoded(triplets["anchor_text"], guide, task="text")
    sequence, sequences = _encoded(triplets[column], guide, task="sequence")
    return paired_products(texts, sequences, text, sequence)


def _encoded(cells: pl.Series, guide: Encoder, *, task: Literal["text", "sequence"]) -> tuple[np.ndarray, np.ndarray]:
    """Return the row of each cell, and the vectors of the distinct cells."""
    distinct, rows = np.unique(cells.to_numpy(), return_inverse=True)
    return rows, np.asarray(guide.encode(distinct.tolist(), task=task))
