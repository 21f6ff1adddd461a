"""The nearest homolog's text: what a search by sequence and a glance at the annotation would answer."""

import numpy as np
import polars as pl
from jaxtyping import Float
from sklearn.feature_extraction.text import TfidfVectorizer

from protrek_hm.evaluate.cases import Pool, other_texts
from protrek_hm.evaluate.scores import Positions, Scorer
from protrek_hm.homology.mmseqs import search


def nearest_homolog(pool: Pool, triplets: pl.DataFrame, *, threads: int = 1) -> Scorer:
    """Score a text by its TF-IDF cosine with the text of the protein's nearest relative in training.

    MMseqs2 finds the relative: of its hits the one with the highest local identity. A protein without one scores 0,
    so that between two such proteins the baseline guesses.

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
    vectorizer = TfidfVectorizer(sublinear_tf=True, token_pattern=r"(?u)\b\w+\b").fit([*texts, *pool.texts])
    asked, answers = vectorizer.transform(pool.texts), vectorizer.transform(texts)

    def score(texts: Positions, sequences: Positions) -> Float[np.ndarray, " pairs"]:
        found = nearest[sequences]
        cosines = np.asarray(asked[texts].multiply(answers[np.maximum(found, 0)]).sum(axis=1)).ravel()
        return np.where(found >= 0, cosines, 0.0)

    return score
