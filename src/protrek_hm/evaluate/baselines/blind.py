"""Scores that look at one side only, or at no letter at all."""

from collections import Counter

import numpy as np
import polars as pl
from jaxtyping import Float
from scipy.stats import rankdata

from protrek_hm.evaluate.cases import Pool
from protrek_hm.evaluate.scores import Positions, Scorer


def length_only(pool: Pool) -> Scorer:
    """Score by lengths alone: how near the text's rank by length is to the protein's, in [-1, 0].

    Examples
    --------
    >>> scorer = length_only(Pool(texts=("short", "a longer text"), sequences=("MKV", "MKVMKV")))
    >>> scorer(np.array([0, 0]), np.array([0, 1]))
    array([ 0. , -0.5])
    """
    text_rank, sequence_rank = (
        rankdata([len(item) for item in items]) / max(len(items), 1) for items in (pool.texts, pool.sequences)
    )

    def score(texts: Positions, sequences: Positions) -> Float[np.ndarray, " pairs"]:
        return np.asarray(0.0 - np.abs(text_rank[texts] - sequence_rank[sequences]))

    return score


def text_blind(pool: Pool, triplets: pl.DataFrame) -> Scorer:
    """Score each protein by its log odds of being the right one in `triplets`; the text plays no part.

    A protein never seen there scores 0. Where every pair stands in both directions nothing can be learned
    this way.

    Examples
    --------
    >>> train = pl.DataFrame({"anchor_seq": ["MK", "MK", "MK"], "hard_neg_seq": ["MR", "MR", "MR"]})
    >>> scorer = text_blind(Pool(texts=("a",), sequences=("MK", "MR", "MV")), train)
    >>> scorer(np.array([0, 0, 0]), np.array([0, 1, 2])).round(2)  # log 4, -log 4
    array([ 1.39, -1.39,  0.  ])
    """
    right, wrong = Counter(triplets["anchor_seq"]), Counter(triplets["hard_neg_seq"])
    odds = np.array([np.log((right[each] + 1) / (wrong[each] + 1)) for each in pool.sequences])

    def score(texts: Positions, sequences: Positions) -> Float[np.ndarray, " pairs"]:
        return np.asarray(odds[sequences])

    return score
