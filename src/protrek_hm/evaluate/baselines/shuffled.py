"""The model itself with the texts exchanged: what it gets from proteins alone."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from protrek_hm.evaluate.scores import Positions, Scorer


def text_shuffled(scorer: Scorer, texts: Sequence[str], *, seed: int) -> Scorer:
    """Score with every text replaced by another one of the pool, each used once; their order changes nothing.

    Examples
    --------
    >>> shuffled = text_shuffled(lambda texts, sequences: texts * 1.0, ["a", "b", "c"], seed=0)
    >>> sorted(shuffled(np.arange(3), np.zeros(3, dtype=np.int64)).tolist())
    [0.0, 1.0, 2.0]
    """
    order = np.array(sorted(range(len(texts)), key=texts.__getitem__), dtype=np.int64)
    replaced = np.empty_like(order)
    replaced[order] = order[derangement(len(texts), seed=seed)]

    def score(texts: Positions, sequences: Positions) -> Float[np.ndarray, " pairs"]:
        return scorer(replaced[texts], sequences)

    return score


def derangement(count: int, *, seed: int) -> Int[np.ndarray, " count"]:
    """Return a permutation that leaves nothing in place (for more than one): a random cycle.

    Examples
    --------
    >>> (derangement(5, seed=0) == np.arange(5)).any().item()
    False
    """
    order = np.random.default_rng(seed).permutation(count)
    replaced = np.empty(count, dtype=np.int64)
    replaced[order] = np.roll(order, 1)
    return replaced
