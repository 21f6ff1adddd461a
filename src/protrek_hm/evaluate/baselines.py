"""Trivial baselines that a model must beat by more than its interval.

By lengths, by the protein alone, by the description alone, by the text of the nearest training protein, by a linear map
from a protein's 3-mers, and the model itself with shuffled texts.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from jaxtyping import Float, Int
from scipy.stats import rankdata
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import HashingVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.preprocessing import normalize

from protrek_hm.cosines import cosines_of_pairs
from protrek_hm.evaluate.cases import Pool, other_texts
from protrek_hm.evaluate.measures import SetName
from protrek_hm.evaluate.scores import Positions, Scorer
from protrek_hm.homology.mmseqs import search


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

    return lambda texts, sequences: np.asarray(0.0 - np.abs(text_rank[texts] - sequence_rank[sequences]))


def text_blind(pool: Pool, triplets: pl.DataFrame) -> Scorer:
    """Score each protein by its log odds of being the right one in `triplets`; ignore the text.

    A protein that is not in `triplets` scores 0. Where every pair occurs in both directions, all score 0.

    Examples
    --------
    >>> train = pl.DataFrame({"anchor_seq": ["MK", "MK", "MK"], "hard_neg_seq": ["MR", "MR", "MR"]})
    >>> scorer = text_blind(Pool(texts=("a",), sequences=("MK", "MR", "MV")), train)
    >>> scorer(np.array([0, 0, 0]), np.array([0, 1, 2])).round(2)  # log 4, -log 4
    array([ 1.39, -1.39,  0.  ])
    """
    right, wrong = Counter(triplets["anchor_seq"]), Counter(triplets["hard_neg_seq"])
    odds = np.array([np.log((right[each] + 1) / (wrong[each] + 1)) for each in pool.sequences])

    return lambda texts, sequences: np.asarray(odds[sequences])


def description_only(pool: Pool, triplets: pl.DataFrame) -> Scorer:
    """Score each text by its log odds of being the right one, by its words (TF-IDF); ignore the protein.

    Learned by logistic regression on training triplets, each anchor text as right and each twin's text as
    wrong. Where every pair occurs in both directions, all score 0.

    Examples
    --------
    >>> table = {"anchor_text": ["binds iron"] * 9, "hard_neg_text": ["is inert"] * 9}
    >>> scorer = description_only(Pool(texts=("iron", "inert"), sequences=("MK",)), pl.DataFrame(table))
    >>> iron, inert = scorer(np.array([0, 1]), np.array([0, 0]))
    >>> bool(iron > 0 > inert)
    True
    """
    wrong = [text for text in other_texts(triplets) if text]
    right = triplets["anchor_text"].to_list()
    odds = np.zeros(len(pool.texts))
    vectorizer = _by_words()
    if wrong and sorted(wrong) != sorted(right):
        words = vectorizer.fit_transform([*right, *wrong])
        labels = np.repeat([1, 0], [len(right), len(wrong)])
        model = LogisticRegression(max_iter=1000, class_weight="balanced").fit(words, labels)
        odds = model.decision_function(vectorizer.transform(pool.texts))

    return lambda texts, sequences: np.asarray(odds[texts])


def nearest_homolog(pool: Pool, triplets: pl.DataFrame, *, threads: int = 1) -> Scorer:
    """Score a text by its TF-IDF cosine with the text of the protein's nearest relative in training.

    MMseqs2 finds the relative: of its hits the one with the highest local identity. A protein without one scores 0:
    between two such proteins the baseline guesses.

    Raises
    ------
    ExternalProgramError
        If MMseqs2 cannot run.

    Examples
    --------
    >>> first = "MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQAPILSRVGDGTQDNLSGAEKAVQVKVKALPDAQFEVV"
    >>> second = "MSIQHFRVALIPFFAAFCLPVFAHPETLVKVKDAEDQLGARVGYIELDLNSGKILESFRPEERFPMMSTFK"
    >>> train = pl.DataFrame({"anchor_seq": [first, second], "anchor_text": ["binds iron", "is inert"],
    ...                       "hard_neg_seq": [second, first]})
    >>> pool = Pool(texts=("iron binds",), sequences=(first[1:], second[1:]))
    >>> nearest_homolog(pool, train)(np.array([0, 0]), np.array([0, 1])).round(6).tolist()
    [1.0, 0.0]
    """
    known: dict[str, str] = {}
    rows = zip(triplets["hard_neg_seq"], other_texts(triplets), strict=True)
    for sequence, text in (*zip(triplets["anchor_seq"], triplets["anchor_text"], strict=True), *rows):
        if text:
            known.setdefault(sequence, text)
    texts = list(known.values())
    hits = search(pool.sequences, list(known), word=5, hits=20, threads=threads)
    best = hits.unique("query", keep="first", maintain_order=True)
    nearest = np.full(len(pool.sequences), -1)
    nearest[best["query"].to_numpy()] = best["target"].to_numpy()
    vectorizer = _by_words().fit([*texts, *pool.texts])
    asked, answers = vectorizer.transform(pool.texts), vectorizer.transform(texts)

    def score(texts: Positions, sequences: Positions) -> Float[np.ndarray, " pairs"]:
        found = nearest[sequences]
        cosines = np.asarray(asked[texts].multiply(answers[np.maximum(found, 0)]).sum(axis=1)).ravel()
        return np.where(found >= 0, cosines, 0.0)

    return score


MOST_PAIRS = 4_000
_FEATURES = 2**12
_DIMENSIONS = 64


def kmer_probe(pool: Pool, triplets: pl.DataFrame, *, seed: int = 0) -> Scorer:
    """Score by the cosine of a text with the text that ridge regression predicts from a protein's 3-mers.

    Texts are TF-IDF reduced to at most 64 dimensions; the map is learned on at most 4,000 training pairs,
    drawn by `seed`. What all proteins share (the intercept) is left out.

    Examples
    --------
    >>> train = pl.DataFrame({"anchor_seq": ["KKKKKK", "WWWWWW", "CCCCCC"] * 3,
    ...                       "anchor_text": ["binds iron", "is inert", "cuts sugar"] * 3})
    >>> scorer = kmer_probe(Pool(texts=("iron",), sequences=("KKKKK", "WWWWW")), train)
    >>> right, wrong = scorer(np.array([0, 0]), np.array([0, 1]))
    >>> bool(right > wrong)
    True
    """
    pairs = triplets.select("anchor_seq", "anchor_text").unique(maintain_order=True)
    if pairs.height > MOST_PAIRS:
        pairs = pairs.sample(MOST_PAIRS, seed=seed)
    letters = HashingVectorizer(analyzer="char", ngram_range=(3, 3), lowercase=False, n_features=_FEATURES)
    words = _by_words()
    known = words.fit_transform(pairs["anchor_text"])
    dimensions = min(_DIMENSIONS, *known.shape)
    if dimensions < 2:  # one pair, or one word: nothing to tell apart
        return lambda texts, sequences: np.zeros(len(texts))
    reduce = TruncatedSVD(dimensions, random_state=seed)
    reduced = reduce.fit_transform(known)
    probe = Ridge(alpha=1e-2).fit(letters.transform(pairs["anchor_seq"]).toarray(), reduced)
    asked = normalize(reduce.transform(words.transform(pool.texts)))
    predicted = normalize(probe.predict(letters.transform(pool.sequences).toarray()) - probe.intercept_)

    return lambda texts, sequences: cosines_of_pairs(asked, predicted, texts, sequences)


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

    return lambda texts, sequences: scorer(replaced[texts], sequences)


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


@dataclass(frozen=True)
class Baseline:
    """A trivial way to score texts with proteins.

    Attributes
    ----------
    name
        Its name in the table.
    meaning
        What it does, in a sentence.
    scorer
        Scores texts of the pool with its sequences.
    on
        The sets on which it is meaningful.
    """

    name: str
    meaning: str
    scorer: Scorer
    on: tuple[SetName, ...] = ("hard", "easy")


def make_baselines(pool: Pool, hard: pl.DataFrame, train: pl.DataFrame | None, *, seed: int) -> tuple[Baseline, ...]:
    """Return the baselines for a pool that need no model.

    All but the first learn from `train`. Without it there is one more, fitted on the hard test set itself: an
    upper bound for scores that ignore the text.

    Raises
    ------
    ExternalProgramError
        If MMseqs2 cannot run, which finds the nearest homologs in `train`.
    """
    blind = "never reads the text: each protein's log odds of being the right one"
    length = Baseline(
        "length only",
        "prefers the protein whose length ranks among proteins as the text's does among texts",
        length_only(pool),
    )
    if train is None:
        meaning = f"{blind}, fitted on the hard test set itself"
        return length, Baseline("text-blind bound", meaning, text_blind(pool, hard), on=("hard",))
    return (
        length,
        Baseline("text-blind", f"{blind}, learned on the training triplets", text_blind(pool, train)),
        Baseline(
            "description alone",
            "never sees the protein: a description's log odds of being the right one by its words (TF-IDF, "
            "logistic regression), learned on the training triplets",
            description_only(pool, train),
        ),
        Baseline(
            "nearest homolog's text",
            "TF-IDF cosine with the text of the training protein that MMseqs2 finds nearest; 0 without one",
            nearest_homolog(pool, train),
        ),
        Baseline(
            "3-mer linear probe",
            "cosine with the text that ridge regression predicts from a protein's 3-mers",
            kmer_probe(pool, train, seed=seed),
        ),
    )


def shuffled_baseline(model: str, scorer: Scorer, pool: Pool, *, seed: int) -> Baseline:
    """Return the baseline that is the model itself with shuffled texts."""
    meaning = f"the scores of {model!r} with every text replaced by another one of the pool"
    return Baseline(f"text shuffled, {model}", meaning, text_shuffled(scorer, pool.texts, seed=seed))


def _by_words() -> TfidfVectorizer:
    """Return a vectorizer that counts words of any length."""
    return TfidfVectorizer(sublinear_tf=True, token_pattern=r"(?u)\b\w+\b")
