"""How surprising a score is, and how likely a hit is right.

**p** says how surprising: against what the same query scores with proteins drawn from the index at random.

Each query has a null distribution of its own: its cosines with the index's background sample, n distinct vectors
drawn when the index was built. Some of them reach the score: p = (1 + how many do) ÷ (n + 1), which is uniform for a
vector that could as well have been drawn into the sample. One that was drawn is not counted against itself (a cosine
that is there to six decimals is taken for its own), so that a small index can be its own sample.

None reaches the score: p is at most 1 ÷ (n + 1), and comes from the tail, fitted to the highest tenth: a generalized
Pareto distribution (as Knijnenburg et al. 2009, doi:10.1093/bioinformatics/btp211, use for permutations) whose end is
known, since no cosine is above 1: p = share above u × ((1 − score) ÷ (1 − u))^a, with a by maximum likelihood in closed
form (Falk, Statistics 27:115, 1995). A free end would call every score beyond it impossible; an end at 1 errs on the
side of caution where a tail is thinner. docs/search.md tells what was measured.

**Probability** is a logistic function of its cosine, fitted to the index's own pairs.

Pairs of a text with its own protein are right, pairs with another's are wrong; Platt's logistic regression, with his
smoothed targets (Platt 1999; Lin, Lin and Weng 2007, doi:10.1007/s10994-007-5018-6), turns cosines into chances. Every
text is compared with every protein of the sample, so that the function is fitted where right and wrong are rare
alike, and then moved from the sample's odds to those of a search (King and Zeng 2001,
doi:10.1093/oxfordjournals.pan.a004868): *one of the vectors that are searched is the right one*. Equal odds would
call every good hit certain, since random pairs are easily told apart; who searches a million proteins wants to know
whether this one stands out among a million.

A model is surer of pairs that it was trained on: in an index of its training data the probability is an upper bound.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from protrek_hm.config import Modality
from protrek_hm.cosines import TOLERANCE
from protrek_hm.index.store import Index

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


PAIRS = 1_000
"""Proteins drawn for the fit; each is also compared with the texts of all others."""

FEWEST = 20
"""Pairs below which nothing is fitted."""

_STEPS, _FLAT = 100, 1e-10  # of the fit: the most, and a gradient that ends it
BINS = 8_000
"""Of the cosines of wrong pairs, between -1 and 1: each is 0.00025 wide."""


@dataclass(frozen=True)
class Calibration:
    """P(right | cosine) = 1 ÷ (1 + exp(−(slope × cosine + intercept))).

    Examples
    --------
    >>> Calibration(slope=10.0, intercept=-5.0)(np.array([0.5, 0.7])).round(3)
    array([0.5  , 0.881])
    """

    slope: float
    intercept: float

    def __call__(self, cosines: Float[np.ndarray, " *shape"]) -> Float[np.ndarray, " *shape"]:
        """Return the probability of each cosine, in [0, 1]; NaN gives NaN."""
        return np.asarray(1.0 / (1.0 + np.exp(-np.clip(self.slope * cosines + self.intercept, -500, 500))))

    def with_odds(self, fitted: float, wanted: float) -> "Calibration":
        """Move from the odds of right to wrong that it was fitted at to others.

        >>> Calibration(10.0, -5.0).with_odds(1.0, 1 / 9)(np.array([0.5])).round(3)
        array([0.1])
        """
        return Calibration(self.slope, self.intercept + float(np.log(wanted / fitted)))


def fit_logistic(
    cosines: Float[np.ndarray, " pairs"],
    right: Bool[np.ndarray, " pairs"],
    counts: Int[np.ndarray, " pairs"] | None = None,
) -> Calibration:
    """Fit Platt's logistic function by maximum likelihood, at the odds of the pairs given.

    counts: how often each pair is there, ≥ 0; once if None.

    Examples
    --------
    Right at 0.9 in three of four, at 0.1 in one of four (smoothed: five right and five wrong, 0.7 and 0.3):

    >>> cosines = np.repeat([0.9, 0.1], 4)
    >>> right = np.array([True, True, True, False, True, False, False, False])
    >>> fit_logistic(cosines, right)(np.array([0.9, 0.5])).round(2)
    array([0.67, 0.5 ])
    """
    times = np.ones(len(cosines)) if counts is None else counts
    n_right, n_wrong = times[right].sum(), times[~right].sum()
    targets = np.where(right, (n_right + 1) / (n_right + 2), 1 / (n_wrong + 2))
    middle = float(np.average(cosines, weights=times))
    spread = max(float(np.average((cosines - middle) ** 2, weights=times)) ** 0.5, 1e-9)
    x = (cosines - middle) / spread

    def loss(at: np.ndarray) -> float:
        return float((times * (np.logaddexp(0.0, design @ at) - targets * (design @ at))).mean())

    times, design = times / times.mean(), np.column_stack([x, np.ones_like(x)])
    found = np.array([0.0, np.log((n_right + 1) / (n_wrong + 1))])
    for _ in range(_STEPS):  # Newton's; the loss is convex, and scipy.optimize takes 0.3 s to import
        chance = 1.0 / (1.0 + np.exp(-np.clip(design @ found, -500, 500)))
        gradient = design.T @ (times * (chance - targets)) / len(x)
        if np.abs(gradient).max() < _FLAT:
            break
        curvature = (design.T * (times * chance * (1.0 - chance))) @ design / len(x)
        step = np.linalg.lstsq(curvature, gradient, rcond=None)[0]
        while loss(found - step) > loss(found) and np.abs(step).max() > _FLAT:
            step /= 2
        found = found - step
    slope, intercept = found
    return Calibration(float(slope / spread), float(intercept - slope * middle / spread))


def calibrate(index: Index, query_type: Modality, target_type: Modality, *, seed: int = 0) -> Calibration | None:
    """Fit the probability that a hit of kind `target_type` is the query's own, at odds of one in all that are searched.

    Returns
    -------
    None where the index holds no such pairs (no texts; or `query_type` and `target_type` are the same), fewer than
    `FEWEST`, or its own pairs score no higher than others, as with a model that was never trained.
    """
    if query_type == target_type or not {query_type, target_type} <= set(index.info.modalities):
        return None
    total = index.info.counts["records"]
    rows = np.sort(np.random.default_rng(seed).permutation(total)[:PAIRS])
    records = index.take(rows).select("id", query_type, target_type)
    whole = records.select(present=~(records[query_type].is_null() | records[target_type].is_null()))[
        "present"
    ].to_numpy()
    rows, records = rows[whole], records.filter(whole)
    if len(rows) < FEWEST:
        return None
    cosines = index.vectors(query_type, rows) @ index.vectors(target_type, rows).T
    names = [
        np.unique(records[column].to_numpy(), return_inverse=True)[1] for column in ("id", query_type, target_type)
    ]
    same = np.any([each[:, None] == each for each in names], axis=0)
    own = cosines.diagonal().astype(np.float64)
    counts, edges = np.histogram(cosines[~same], bins=BINS, range=(-1.0, 1.0))  # a million pairs, soon
    if not counts.any():
        return None
    x = np.concatenate([own, (edges[1:] + edges[:-1]) / 2])
    fitted = fit_logistic(x, np.arange(len(x)) < len(own), np.concatenate([np.ones_like(own, dtype=int), counts]))
    searched = max(index.info.counts[target_type] - 1, 1)
    return fitted.with_odds(len(own) / counts.sum(), 1 / searched) if fitted.slope > 0 else None
