"""A linear probe: how much of the function counts of three letters give away."""

import numpy as np
import polars as pl
from jaxtyping import Float
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import HashingVectorizer, TfidfVectorizer
from sklearn.linear_model import Ridge
from sklearn.preprocessing import normalize

from protrek_hm.cosines import cosines_of_pairs
from protrek_hm.evaluate.cases import Pool
from protrek_hm.evaluate.scores import Positions, Scorer

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
    words = TfidfVectorizer(sublinear_tf=True, token_pattern=r"(?u)\b\w+\b")
    known = words.fit_transform(pairs["anchor_text"])
    dimensions = min(_DIMENSIONS, *known.shape)
    if dimensions < 2:  # one pair, or one word: nothing to tell apart
        return lambda texts, sequences: np.zeros(len(texts))
    reduce = TruncatedSVD(dimensions, random_state=seed)
    reduced = reduce.fit_transform(known)
    probe = Ridge(alpha=1e-2).fit(letters.transform(pairs["anchor_seq"]).toarray(), reduced)
    asked = normalize(reduce.transform(words.transform(pool.texts)))
    predicted = normalize(probe.predict(letters.transform(pool.sequences).toarray()) - probe.intercept_)

    def score(texts: Positions, sequences: Positions) -> Float[np.ndarray, " pairs"]:
        return cosines_of_pairs(asked, predicted, texts, sequences)

    return score
