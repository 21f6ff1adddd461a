"""How surprising a score is: p, against what the same query scores with proteins drawn from the index at random.

Each query has a null distribution of its own: its cosines with the index's background sample, n distinct vectors
drawn when the index was built. Some of them reach the score: p = (1 + how many do) ÷ (n + 1), which is uniform for a
vector that could as well have been drawn into the sample. One that was drawn is not counted against itself (a cosine
that is there to six decimals is taken for its own), so that a small index can be its own sample.

None reaches the score: p is at most 1 ÷ (n + 1), and comes from the tail, fitted to the highest tenth: a generalized
Pareto distribution (as Knijnenburg et al. 2009, doi:10.1093/bioinformatics/btp211, use for permutations) whose end is
known, since no cosine is above 1: p = share above u × ((1 − score) ÷ (1 − u))^a, with a by maximum likelihood in closed
form (Falk, Statistics 27:115, 1995). A free end would call every score beyond it impossible; an end at 1 errs on the
side of caution where a tail is thinner. docs/search.md tells what was measured.
"""

import numpy as np
from jaxtyping import Float

from protrek_hm.cosines import TOLERANCE

TAIL = 0.1
"""Share of the background that the tail is fitted to."""

LEAST = 200
"""Background vectors below which there is no tail to fit: p is never below 1 ÷ (n + 1)."""


def p_values(
    scores: Float[np.ndarray, "queries hits"], background: Float[np.ndarray, "queries n"]
) -> Float[np.ndarray, "queries hits"]:
    """Return the chance that a vector drawn at random scores as high with the same query.

    Parameters
    ----------
    scores
        Cosines, in [-1, 1]; NaN gives NaN.
    background
        Each query's cosines with the background sample, in ascending order, n ≥ 1.

    Returns
    -------
    p, in (0, 1], never larger for a higher score.

    Examples
    --------
    >>> background = np.linspace(0.0, 0.9, 10)[None]  # 0.0, 0.1, …, 0.9
    >>> p_values(np.array([[0.95, 0.85, 0.0]]), background).round(3).tolist()  # 1 and 2 of 11, 10 of 10
    [[0.091, 0.182, 1.0]]
    """
    n = background.shape[1]
    reached, itself = np.empty(scores.shape, dtype=np.int64), np.empty(scores.shape, dtype=bool)
    for query, row in enumerate(background):
        reached[query] = n - np.searchsorted(row, scores[query] - TOLERANCE)
        itself[query] = reached[query] > n - np.searchsorted(row, scores[query] + TOLERANCE, side="right")
    others, drawn = reached - itself, n - itself
    counted = np.where(np.isnan(scores), np.nan, (1.0 + others) / (1.0 + drawn))
    if n < LEAST:
        return counted
    return np.where(others > 0, counted, np.minimum(_tail(scores, background), counted))


def _tail(
    scores: Float[np.ndarray, "queries hits"], background: Float[np.ndarray, "queries n"]
) -> Float[np.ndarray, "queries hits"]:
    n = background.shape[1]
    above = int(n * TAIL)
    gaps = np.maximum(1.0 - background[:, n - above - 1 :].astype(np.float64), TOLERANCE)  # of u, then of the tail
    exponent = above / np.maximum(np.log(gaps[:, :1] / gaps[:, 1:]).sum(axis=1, keepdims=True), TOLERANCE)
    tail = above / n * (np.maximum(1.0 - scores, TOLERANCE) / gaps[:, :1]) ** exponent
    return np.asarray(np.maximum(tail, np.finfo(np.float64).tiny))
