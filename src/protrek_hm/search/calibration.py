"""What a score is worth: how many hits of such a score are right, and above which score few are wrong.

Both are measured on questions to which the answer is known: texts (or proteins) of records of the index itself, asked
of the whole index by the model alone, which reads no text of a record when it ranks proteins, nor a protein when it
ranks texts. **Right** is a hit whose text is the record's (folded, see `data.texts.fold_text`), or whose protein is of
its family: identity ≥ 0.5 over ≥ 80 % of the longer one, the same that `mine` keeps on one side. Which member of a
family it is, is another question. Scores of different questions are compared as deviations: how many standard
deviations a cosine lies above the question's own mean over the index's background sample.

**Units are families**, not records: the components of the asked records, joined by homology or by a shared text. Each
counts once, however many of its records were asked.

**Probability** (`Precision`) is the share of right hits at a score: isotonic regression, which asks only that a higher
score be worth no less (Zadrozny and Elkan 2002, doi:10.1145/775047.775151), over the hits of all trials. One wrong hit
is added above all others and one right hit beneath, so that a few hits never make certain.

**The threshold** (`Trials.threshold`) is conformal. At a threshold t, let A(t) be the share of a family's questions
that get any hit, F(t) the mean share of wrong hits among those they get (0 without a hit), taken as the most that any
beginning of the ranking has, so that F never rises with t, and a set may also be cut short. The threshold for a level α
is the lowest t with

    (1 + ΣF(t)) ÷ (1 + ΣA(t)) ≤ α,    sums over the n families.

The 1 stands for the family that asks next: as if its hits were all wrong. If it is exchangeable with the n, then
E[F] ≤ α · P(it is answered at t*), where t* is the lowest threshold with ΣF ≤ α ΣA over all n + 1. Proof: whenever the
new family is answered at t, it satisfies the condition of t* (F ≤ A ≤ 1), so t* ≤ t; F does not rise with t; and at t*
the mean of F over exchangeable families is at most α times that of A. So the usual rate E[F], in which an empty answer
counts as one without error (Angelopoulos et al. 2024, arXiv:2208.02814), is at most α, and so is, up to the difference
between t and t*, the share of wrong hits **among questions that are answered**. The latter is what people read into
such a promise: the usual rate alone is met by a tenth of questions that get wrong hits only, and nine tenths that get
none. With n families no level below 1 ÷ (n + 1) can be had, and none at all below the least quotient. Where t and t*
lie far apart, as where one or two families happen to stand out, the promise on those that are answered would be empty;
so a threshold counts only if ΣA(t) ≥ 20.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int

from protrek_hm.config import Modality
from protrek_hm.cosines import TOLERANCE
from protrek_hm.data.texts import fold_text
from protrek_hm.errors import OptionError, counted, in_percent
from protrek_hm.homology.candidates import near_enough
from protrek_hm.homology.config import HomologyConfig
from protrek_hm.homology.families import UnionFind, find_families, numbered
from protrek_hm.homology.identity import Proteins
from protrek_hm.homology.verify import identities
from protrek_hm.index.store import Index
from protrek_hm.search.signals import Background

ASKED = 500
"""Records whose texts or proteins are asked, at most."""

DEPTH = 50
"""Hits of each that are looked at; a set with a promise is no larger."""

FEWEST = 20
"""Families below which no probability is given; as many must be answered at a threshold."""

FAMILY = HomologyConfig(min_identity=0.5, max_identity=1.0)
"""What makes two proteins of one family."""


@dataclass(frozen=True)
class Precision:
    """The share of right hits at a score: a curve through `at` and `share`, both rising, level beyond its ends.

    Examples
    --------
    >>> Precision(np.array([1.0, 3.0]), np.array([0.2, 0.8]))(np.array([0.0, 2.0, np.nan])).tolist()
    [0.2, 0.5, nan]
    """

    at: Float[np.ndarray, " points"]
    share: Float[np.ndarray, " points"]

    def __call__(self, scores: Float[np.ndarray, " *shape"]) -> Float[np.ndarray, " *shape"]:
        """Return the probability that a hit of each score is right, in (0, 1); NaN gives NaN."""
        return np.asarray(np.interp(scores, self.at, self.share))


def fit_isotonic(
    scores: Float[np.ndarray, " n"], right: Bool[np.ndarray, " n"], weights: Float[np.ndarray, " n"]
) -> Precision:
    """Fit the rising curve nearest to 1 for what is right and 0 for what is wrong, in weighted squares.

    Adjacent violators are pooled (Barlow et al. 1972); a wrong one of weight 1 is added above all, a right one beneath.

    weights: > 0.

    Examples
    --------
    Between the two that are added, 0.5 and 0.7 stand the wrong way round, and share what they have:

    >>> found = fit_isotonic(np.array([0.1, 0.5, 0.7, 0.9]), np.array([False, True, False, True]), np.full(4, 2.0))
    >>> found.at.tolist(), found.share.round(3).tolist()
    ([0.1, 0.5, 0.7, 0.9], [0.333, 0.5, 0.5, 0.667])
    """
    order = np.argsort(scores, kind="stable")
    x, own = scores[order], weights[order]
    blocks: list[tuple[float, float, int, int]] = []  # right, all, and the first and last of them
    known = [(1.0, 1.0, 0, -1), *_equal_scores(x, right[order] * own, own), (0.0, 1.0, len(x), len(x) - 1)]
    for block in known:
        blocks.append(block)
        while len(blocks) > 1 and blocks[-2][0] * blocks[-1][1] >= blocks[-1][0] * blocks[-2][1]:
            (r1, w1, first, _), (r2, w2, _, last) = blocks[-2:]
            blocks[-2:] = [(r1 + r2, w1 + w2, first, last)]
    real = [(share / all_, first, last) for share, all_, first, last in blocks if last >= first]
    ends = [(x[at], share) for share, first, last in real for at in dict.fromkeys((first, last))]
    return Precision(*np.array(ends).T)


def _equal_scores(
    x: Float[np.ndarray, " n"], right: Float[np.ndarray, " n"], weights: Float[np.ndarray, " n"]
) -> list[tuple[float, float, int, int]]:
    """Pool what has one score; scores ascend."""
    starts = np.flatnonzero(np.diff(x, prepend=-np.inf) > 0)
    ends = np.append(starts[1:], len(x)) - 1
    sums = np.add.reduceat(right, starts), np.add.reduceat(weights, starts)
    return list(zip(*(each.tolist() for each in (*sums, starts, ends)), strict=True))


@dataclass(frozen=True)
class Trials:
    """Questions with known answers, and their hits, best first.

    Attributes
    ----------
    scores
        Of each question's hits, falling; NaN where there are fewer.
    right
        Whether each is; False where there is none.
    family
        Of each question, any whole number.
    """

    scores: Float[np.ndarray, "questions depth"]
    right: Bool[np.ndarray, "questions depth"]
    family: Int[np.ndarray, " questions"]

    @property
    def families(self) -> int:
        """How many families were asked."""
        return len(np.unique(self.family))

    @cached_property
    def weights(self) -> Float[np.ndarray, " questions"]:
        """The part of each question in its family's one vote."""
        _, place, sizes = np.unique(self.family, return_inverse=True, return_counts=True)
        return np.asarray(1.0 / sizes[place])

    def precision(self) -> Precision | None:
        """Fit the share of right hits by score; None with fewer than `FEWEST` families."""
        there = ~np.isnan(self.scores)
        if self.families < FEWEST or not there.any():
            return None
        weights = np.broadcast_to(self.weights[:, None], self.scores.shape)
        return fit_isotonic(self.scores[there], self.right[there], weights[there])

    @cached_property
    def levels(self) -> tuple[Float[np.ndarray, " steps"], Float[np.ndarray, " steps"], Float[np.ndarray, " steps"]]:
        """Return all thresholds, falling, the level of each, (1 + ΣF) ÷ (1 + ΣA), and its ΣA.

        Examples
        --------
        Two families; the first hit of the second is wrong:

        >>> trials = Trials(np.array([[3.0, 1.0], [2.0, 0.5]]), np.array([[True, True], [False, True]]), np.arange(2))
        >>> [each.round(3).tolist() for each in trials.levels]
        [[3.0, 2.0, 1.0, 0.5], [0.5, 0.667, 0.667, 0.667], [1.0, 2.0, 2.0, 2.0]]
        """
        wrong = most_wrong(self.right)
        more = np.diff(wrong, axis=1, prepend=0.0) * self.weights[:, None]
        answered = np.zeros_like(more)
        answered[:, 0] = self.weights
        there = ~np.isnan(self.scores)
        order = np.argsort(-self.scores[there], kind="stable")
        scores = self.scores[there][order]
        families = np.cumsum(answered[there][order])
        level = (1.0 + np.cumsum(more[there][order])) / (1.0 + families)
        last = np.append(np.diff(scores) < 0, True) if len(scores) else np.zeros(0, dtype=bool)
        return scores[last], level[last], families[last]

    def threshold(self, level: float) -> float:
        """Return the lowest score from which on the expected share of wrong hits is at most `level`, in (0, 1).

        Raises
        ------
        OptionError
            If there are too few families for this level, or the scores do not tell right from wrong so well.
        """
        n, needed = self.families, max(math.ceil(1 / level - 1 - TOLERANCE), FEWEST)
        if n < needed:
            held = f"the index has {counted(n, 'family', 'families')} to calibrate on, and this level needs {needed:,}"
            why = f"with n families the least level is 1 ÷ (n + 1), from {FEWEST} on"
            remedy = f"take a level from {ceiled(1 / (n + 1))}, or leave it out" if n >= FEWEST else "leave it out"
            raise OptionError("fdr", level, f"{held}: {why}; {remedy}")
        thresholds, levels, answered = self.levels
        enough = answered >= FEWEST - TOLERANCE
        kept = np.flatnonzero((levels <= level) & enough)
        if not len(kept):
            least = float(levels[enough].min(initial=1.0))
            told = f"of {counted(n, 'family', 'families')} that were asked, even the highest scores leave"
            problem = f"the model's scores do not tell right from wrong so well in this index: {told} "
            share = f"{in_percent(least, digits=0)} wrong"
            raise OptionError("fdr", level, f"{problem}{share}; take a level from {ceiled(least)}, or leave it out")
        return float(thresholds[kept[-1]])


def ceiled(level: float) -> float:
    """Round up to two digits behind the point.

    >>> ceiled(1 / 6), ceiled(0.25)
    (0.17, 0.25)
    """
    return math.ceil(100 * level - TOLERANCE) / 100


def most_wrong(right: Bool[np.ndarray, "questions depth"]) -> Float[np.ndarray, "questions depth"]:
    """Return for each number of first hits the largest share of wrong ones among as many or fewer.

    >>> most_wrong(np.array([[True, False, False, True]])).round(3).tolist()
    [[0.0, 0.5, 0.667, 0.667]]
    """
    shares = np.cumsum(~right, axis=1) / np.arange(1, right.shape[1] + 1)
    return np.asarray(np.maximum.accumulate(shares, axis=1))


def ask_known(
    index: Index,
    query_type: Modality,
    target_type: Modality,
    background: Float[np.ndarray, "sample dim"],
    *,
    most: int = ASKED,
    seed: int = 0,
) -> Trials:
    """Ask the index for what its own records are known to be.

    Parameters
    ----------
    background
        A sample of the vectors that are searched.
    most
        Records that are asked, at most.

    Returns
    -------
    No questions where the index holds no records with both modalities, or these are the same.
    """
    asked = _draw(index, query_type, target_type, most, seed)
    if not len(asked):
        return Trials(np.empty((0, 1)), np.empty((0, 1), dtype=bool), np.empty(0, dtype=np.int64))
    vectors = index.vectors(query_type, asked)
    k = min(DEPTH, index.info.counts["records"])
    cosines, rows, _ = index.neighbours(vectors, want=target_type, k=k)
    scores = np.stack(
        [Background.of(own).deviations(each) for own, each in zip(vectors @ background.T, cosines, strict=True)]
    )
    there = rows >= 0
    used, place = np.unique(np.concatenate([asked, rows[there]]), return_inverse=True)
    texts, sequences = _names(index, used)
    own, hit = place[: len(asked)], np.full(rows.shape, -1)
    hit[there] = place[len(asked) :]
    question, column = np.nonzero(there)
    pairs = np.column_stack([own[question], hit[question, column]])
    right = np.zeros(rows.shape, dtype=bool)
    right[question, column] = _same(texts, pairs) | are_relatives(sequences, pairs)
    return Trials(scores, right, _components(texts[own], [sequences[each] for each in own.tolist()]))


def _draw(index: Index, query_type: Modality, target_type: Modality, most: int, seed: int) -> Int[np.ndarray, " asked"]:
    """Draw records with both modalities; each query once, folded where it is a text."""
    if query_type == target_type or not {query_type, target_type} <= set(index.info.modalities):
        return np.empty(0, dtype=np.int64)
    held = [index.embeddings[each].of_row >= 0 for each in (query_type, target_type)]
    rows = np.random.default_rng(seed).permutation(np.flatnonzero(held[0] & held[1]))[: 4 * most]
    first: dict[str, int] = {}
    for row, query in zip(rows.tolist(), index.take(rows)[query_type].to_list(), strict=True):
        first.setdefault(fold_text(query) if query_type == "text" else query, row)
    return np.sort(np.array(list(first.values())[:most], dtype=np.int64))


def _names(index: Index, rows: Int[np.ndarray, " n"]) -> tuple[Int[np.ndarray, " n"], list[str]]:
    """Return a number for each text, −1 where there is none, and the sequences."""
    records = index.take(rows)
    texts = records["text"].to_list() if "text" in records.columns else [None] * len(rows)
    numbers: dict[str, int] = {}
    folded = [numbers.setdefault(fold_text(each), len(numbers)) if each else -1 for each in texts]
    return np.array(folded, dtype=np.int64), records["sequence"].to_list()


def _same(texts: Int[np.ndarray, " n"], pairs: Int[np.ndarray, "pairs 2"]) -> Bool[np.ndarray, " pairs"]:
    a, b = texts[pairs].T
    return np.asarray((a == b) & (a >= 0))


def are_relatives(sequences: list[str], pairs: Int[np.ndarray, "pairs 2"]) -> Bool[np.ndarray, " pairs"]:
    """Say which pairs of numbers are proteins of one `FAMILY`.

    >>> are_relatives(["MKTAYIAKQR", "WWWWWPPPPP", "MKTAYAKQR"], np.array([[0, 1], [0, 2], [1, 1]])).tolist()
    [False, True, True]
    """
    proteins = Proteins.of(sequences)
    rank = np.argsort(proteins.order)
    found = {(number, number) for number in range(len(sequences))}
    distinct = np.unique(np.sort(rank[pairs], axis=1), axis=0)
    near, distance = near_enough(proteins, distinct[distinct[:, 0] != distinct[:, 1]], FAMILY)
    found |= set(map(tuple, near[FAMILY.wants(*identities(proteins, near, distance))].tolist()))
    return np.array([each in found for each in map(tuple, np.sort(rank[pairs], axis=1).tolist())], dtype=bool)


def _components(texts: Int[np.ndarray, " asked"], sequences: list[str]) -> Int[np.ndarray, " asked"]:
    """Join the asked records by homology and by text."""
    numbers = {each: place for place, each in enumerate(dict.fromkeys(sequences))}
    families = find_families(list(numbers), FAMILY)[[numbers[each] for each in sequences]]
    joined = UnionFind(len(texts))
    for labels, known in ((families, families >= 0), (texts, texts >= 0)):
        places = np.flatnonzero(known)
        _, first, owner = np.unique(labels[places], return_index=True, return_inverse=True)
        joined.join(np.column_stack([places, places[first][owner]]))
    return numbered(joined.labels)
