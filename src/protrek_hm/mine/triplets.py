"""From twins to triplets: a text, the protein it belongs to, and the twin it does not belong to."""

import numpy as np
import polars as pl

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
    """Keep at most `limit` negatives for each anchor (protein and text), drawn by lot, not by rank.

    Examples
    --------
    >>> table = pl.DataFrame({"anchor": [0, 0, 0, 1], "anchor_text": ["x", "x", "x", "y"]})
    >>> limit_negatives(table, 2, seed=1).height
    3
    """
    if limit is None:
        return triplets
    lots = np.random.default_rng(seed).permutation(triplets.height)
    rank = pl.col("lot").rank("ordinal").over("anchor", "anchor_text")
    return triplets.with_columns(lot=pl.Series(lots)).filter(rank <= limit).drop("lot")
