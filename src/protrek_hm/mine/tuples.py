"""n-tuples: an anchor, its positive and K negatives a row, as sentence-transformers' losses take them.

Columns and rule are those of `sentence_transformers.util.mine_hard_negatives(output_format="n-tuple")`:
`anchor, positive, negative_1 … negative_K`, and anchors with fewer than K negatives are left out.
"""

import numpy as np
import polars as pl

COLUMNS = {
    "text": ("anchor_text", "anchor_seq", "hard_neg_seq"),
    "protein": ("anchor_seq", "anchor_text", "hard_neg_text"),
}
"""Of a text the negatives are twins of its protein, of a protein they are its twins' texts."""


def build_tuples(triplets: pl.DataFrame, *, anchor: str, negatives: int, seed: int) -> pl.DataFrame:
    """Return a row for each anchor and positive with at least so many distinct `negatives`, drawn by lot.

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
    first, second, third = COLUMNS[anchor]
    key = ["split", "anchor", "positive"]
    distinct = (
        triplets.filter(pl.col("split").is_not_null())
        .select("split", anchor=first, positive=second, negative=third)
        .unique(maintain_order=True)
    )
    drawn = (
        distinct.with_columns(lot=pl.Series(np.random.default_rng(seed).permutation(distinct.height)))
        .filter(pl.len().over(key) >= negatives)
        .filter(pl.col("lot").rank("ordinal").over(key) <= negatives)
        .group_by(key, maintain_order=True)
        .agg(pl.col("negative"))
    )
    places = [pl.col("negative").list.get(place).alias(f"negative_{place + 1}") for place in range(negatives)]
    return drawn.select(*key, *places)
