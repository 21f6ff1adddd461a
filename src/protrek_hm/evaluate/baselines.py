"""What a score gets that understands nothing: a model must beat these by more than its interval."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import polars as pl
from jaxtyping import Float
from scipy.stats import rankdata

from protrek_hm.evaluate.cases import Pool
from protrek_hm.evaluate.measures import SetName
from protrek_hm.evaluate.scores import Positions, Scorer


@dataclass(frozen=True)
class Baseline:
    """A score without a model.

    Attributes
    ----------
    name
        Its name in the table.
    meaning
        What it does, in a sentence.
    scorer
        Its score of texts with sequences of the pool.
    on
        The sets on which it means something.
    """

    name: str
    meaning: str
    scorer: Scorer
    on: tuple[SetName, ...] = ("hard", "easy")


def make_baselines(pool: Pool, hard: pl.DataFrame, train: pl.DataFrame | None) -> tuple[Baseline, ...]:
    """Return the baselines for a pool; the text-blind one is learned on `train`, or else on `hard`."""
    meaning = "prefers the protein whose length ranks among proteins as the text's does among texts"
    length = Baseline("length only", meaning, length_only(pool))
    meaning = "never reads the text: each protein's log odds of being the right one"
    if train is None:
        meaning += ", fitted on the hard test set itself"
        return length, Baseline("text-blind bound", meaning, text_blind(pool, hard), on=("hard",))
    return length, Baseline("text-blind", f"{meaning}, learned on the training triplets", text_blind(pool, train))


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
