"""From twins to triplets: a text, the protein that it belongs to, and the twin that it does not belong to.

Also which triplets are kept (a model's margin, negatives per anchor), their structures, and n-tuples: an anchor, its
positive and K negatives a row, as sentence-transformers' losses take them. Columns and rule of these are those of
`sentence_transformers.util.mine_hard_negatives(output_format="n-tuple")`: `anchor, positive, negative_1 … negative_K`,
and anchors with fewer than K negatives are left out.
"""

from typing import Any, Literal, Protocol

import numpy as np
import polars as pl
from jaxtyping import Bool, Float

from protrek_hm.cosines import cosines_of_pairs
from protrek_hm.data.schema import bad_structures, clean_structures
from protrek_hm.data.triplets import STRUCTURES
from protrek_hm.mine.corpus import Corpus

REFERENCE_COLUMNS = ("anchor_seq", "anchor_text", "hard_neg_seq", "hard_neg_text", "seq_similarity", "type")
OUR_COLUMNS = ("anchor_id", "hard_neg_id", "coverage", "text_similarity", "component", "split", "reasons")


def build_triplets(corpus: Corpus, twins: pl.DataFrame, *, kind: str) -> pl.DataFrame:
    """Return both directions of each pair, one row for each distinct text of the anchor.

    twins: columns pair, left, right (rows of `corpus.entries`), identity, coverage, text_similarity, reasons.
    kind: written as `type` (hard, easy). Of a negative's several texts the first is shown as `hard_neg_text`.

    Returns
    -------
    pl.DataFrame
        The reference's columns, then ours (without `component` and `split`), then `pair`, `anchor` and
        `negative` (numbers of proteins); sorted by pair, forward before backward.
    """
    forward = twins.with_columns(direction=pl.lit(0, dtype=pl.Int8))
    backward = twins.rename({"left": "right", "right": "left"}).with_columns(direction=pl.lit(1, dtype=pl.Int8))
    both = (
        pl.concat([forward, backward], how="diagonal")
        .sort("pair", "direction", "left", "right")
        .unique(["pair", "direction", "left"], keep="first", maintain_order=True)
    )
    anchor, negative = (corpus.entries[both[side].to_numpy()] for side in ("left", "right"))
    return pl.DataFrame(
        {
            "anchor_seq": anchor["sequence"],
            "anchor_text": anchor["text"],
            "hard_neg_seq": negative["sequence"],
            "hard_neg_text": negative["text"],
            "seq_similarity": both["identity"].round(6),
            "type": pl.repeat(kind, both.height, dtype=pl.String, eager=True),
            "anchor_id": anchor["id"],
            "hard_neg_id": negative["id"],
            "coverage": both["coverage"].round(6),
            "text_similarity": both["text_similarity"].round(6),
            "reasons": both["reasons"],
            "pair": both["pair"],
            "anchor": anchor["protein"],
            "negative": negative["protein"],
        }
    )


def limit_negatives(triplets: pl.DataFrame, limit: int | None, *, seed: int) -> pl.DataFrame:
    """Keep at most `limit` negatives for each anchor (protein and text), drawn at random, not by rank.

    Examples
    --------
    >>> table = pl.DataFrame({"anchor": [0, 0, 0, 1], "anchor_text": ["x", "x", "x", "y"]})
    >>> limit_negatives(table, 2, seed=1).height
    3
    """
    if limit is None:
        return triplets
    draws = np.random.default_rng(seed).permutation(triplets.height)
    rank = pl.col("draw").rank("ordinal").over("anchor", "anchor_text")
    return triplets.with_columns(draw=pl.Series(draws)).filter(rank <= limit).drop("draw")


TUPLE_COLUMNS = {
    "text": ("anchor_text", "anchor_seq", "hard_neg_seq"),
    "protein": ("anchor_seq", "anchor_text", "hard_neg_text"),
}
"""Of a text the negatives are twins of its protein, of a protein they are its twins' texts."""


def build_tuples(triplets: pl.DataFrame, *, anchor: str, negatives: int, seed: int) -> pl.DataFrame:
    """Return a row for each anchor and positive with at least so many distinct `negatives`, drawn at random.

    triplets: the columns of the files. anchor: `text` or `protein`.

    Returns
    -------
    pl.DataFrame
        split, anchor, positive, negative_1 … negative_K, in the order of the triplets.

    Examples
    --------
    >>> table = pl.DataFrame({
    ...     "anchor_text": ["x", "x", "y"], "anchor_seq": ["A", "A", "C"], "hard_neg_seq": ["C", "D", "A"],
    ...     "hard_neg_text": ["y", "z", "x"], "split": ["train"] * 3,
    ... })
    >>> sorted(build_tuples(table, anchor="text", negatives=2, seed=1).row(0))
    ['A', 'C', 'D', 'train', 'x']
    """
    first, second, third = TUPLE_COLUMNS[anchor]
    key = ["split", "anchor", "positive"]
    distinct = (
        triplets.filter(pl.col("split").is_not_null())
        .select("split", anchor=first, positive=second, negative=third)
        .unique(maintain_order=True)
    )
    drawn = (
        distinct.with_columns(draw=pl.Series(np.random.default_rng(seed).permutation(distinct.height)))
        .filter(pl.len().over(key) >= negatives)
        .filter(pl.col("draw").rank("ordinal").over(key) <= negatives)
        .group_by(key, maintain_order=True)
        .agg(pl.col("negative"))
    )
    places = [pl.col("negative").list.get(place).alias(f"negative_{place + 1}") for place in range(negatives)]
    return drawn.select(*key, *places)


_OF = dict(zip(STRUCTURES, ("anchor", "negative"), strict=True))


def structures_of(corpus: Corpus) -> tuple[pl.Series | None, int]:
    """Return the 3Di letters of each protein, in lower case, and how many cells hold something else.

    Of several of a protein the first is taken. What is not as long as the sequence, or of other letters, is none. None
    instead of a column if no protein has any.

    Examples
    --------
    >>> from protrek_hm.mine.corpus import build_corpus
    >>> table = {"id": ["a", "b"], "sequence": ["MK", "MR"], "text": ["Red.", "Blue."], "structure": ["DV", "dvv"]}
    >>> letters, unusable = structures_of(build_corpus(pl.DataFrame(table)))
    >>> letters.to_list(), unusable
    (['dv', None], 1)
    """
    if "structure" not in corpus.entries.columns:
        return None, 0
    cells = corpus.entries.select(
        "protein", "sequence", structure=clean_structures(pl.col("structure").cast(pl.String))
    )
    bad = bad_structures(cells)
    usable = pl.when(~pl.int_range(pl.len()).is_in(list(bad))).then(pl.col("structure"))
    first = cells.with_columns(structure=usable).group_by("protein", maintain_order=True)
    letters = first.agg(pl.col("structure").drop_nulls().first())["structure"]
    return (None if letters.null_count() == len(letters) else letters), len(bad)


def add_structures(triplets: pl.DataFrame, letters: pl.Series | None) -> pl.DataFrame:
    """Add the 3Di letters of both proteins of each row, from `structures_of`; nothing where no protein has any.

    triplets: with `anchor` and `negative`, the numbers of proteins.

    Examples
    --------
    >>> triplets = pl.DataFrame({"anchor": [0, 1], "negative": [1, 0]})
    >>> add_structures(triplets, pl.Series(["dv", None])).rows()
    [(0, 1, 'dv', None), (1, 0, None, 'dv')]
    """
    if letters is None:
        return triplets
    return triplets.with_columns(letters[triplets[number].to_numpy()].alias(column) for column, number in _OF.items())


MOST_OF_POSITIVE = 0.95
"""A negative may not score above this share of its positive (positive-aware mining, arXiv:2407.15831)."""


class Guide(Protocol):
    """A model that guides the choice of negatives, such as `protrek_hm.ProTrek`."""

    def encode(self, inputs: list[str], *, task: Literal["text", "sequence"]) -> Any:
        """Return unit vectors, a row an input."""


def keeps_margin(triplets: pl.DataFrame, guide: Guide) -> Bool[np.ndarray, " triplets"]:
    """Tell for each triplet whether its text scores the negative at most 95 % as high as the positive.

    triplets: columns anchor_text, anchor_seq, hard_neg_seq. Each distinct text and sequence is encoded once.

    Raises
    ------
    DamagedVectorError
        If the guide's vectors do not have the length 1.

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


def _scores(triplets: pl.DataFrame, column: str, guide: Guide) -> Float[np.ndarray, " triplets"]:
    text, texts = _encoded(triplets["anchor_text"], guide, task="text")
    sequence, sequences = _encoded(triplets[column], guide, task="sequence")
    return cosines_of_pairs(texts, sequences, text, sequence)


def _encoded(cells: pl.Series, guide: Guide, *, task: Literal["text", "sequence"]) -> tuple[np.ndarray, np.ndarray]:
    """Return the row of each cell, and the vectors of the distinct cells."""
    distinct, rows = np.unique(cells.to_numpy(), return_inverse=True)
    return rows, np.asarray(guide.encode(distinct.tolist(), task=task))
