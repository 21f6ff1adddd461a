"""The description alone: whether its wording gives away that it is the right one."""

import numpy as np
import polars as pl
from jaxtyping import Float
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from protrek_hm.evaluate.cases import Pool, other_texts
from protrek_hm.evaluate.scores import Positions, Scorer


def description_only(pool: Pool, triplets: pl.DataFrame) -> Scorer:
    """Score each text by its log odds of being the right one, by its words (TF-IDF); the protein plays no part.

    Learned by logistic regression on training triplets, each anchor text as right and each twin's text as
    wrong. Where every pair stands in both directions nothing can be learned this way.

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
    vectorizer = TfidfVectorizer(sublinear_tf=True, token_pattern=r"(?u)\b\w+\b")
    if wrong and sorted(wrong) != sorted(right):
        words = vectorizer.fit_transform([*right, *wrong])
        labels = np.repeat([1, 0], [len(right), len(wrong)])
        model = LogisticRegression(max_iter=1000, class_weight="balanced").fit(words, labels)
        odds = model.decision_function(vectorizer.transform(pool.texts))

    def score(texts: Positions, sequences: Positions) -> Float[np.ndarray, " pairs"]:
        return np.asarray(odds[texts])

    return score
