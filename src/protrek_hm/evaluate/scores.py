"""The 2 × 2 scores of each case, from embeddings or from any other function of a text and a protein."""

from collections.abc import Callable
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from protrek_hm.cosines import cosines_of_pairs
from protrek_hm.evaluate.cases import Cases
from protrek_hm.evaluate.embed import Embeddings

Positions = Int[np.ndarray, " pairs"]
Scorer = Callable[[Positions, Positions], Float[np.ndarray, " pairs"]]
"""Positions of texts and of sequences in a pool → a score for each pair of them."""


def cosine_scorer(embeddings: Embeddings, target: Literal["sequence", "structure"] = "sequence") -> Scorer:
    """Return the function that scores texts with targets by the cosine of embeddings, in [-1, 1].

    Examples
    --------
    >>> scorer = cosine_scorer(Embeddings(texts=np.eye(2), sequences=np.array([[0.6, 0.8]])))
    >>> scorer(np.array([0, 1]), np.array([0, 0]))
    array([0.6, 0.8])
    """
    proteins = embeddings.by_task()[target]

    def score(texts: Positions, sequences: Positions) -> Float[np.ndarray, " pairs"]:
        return cosines_of_pairs(embeddings.texts, proteins, texts, sequences)

    return score


def case_scores(cases: Cases, scorer: Scorer) -> Float[np.ndarray, "cases 2 2"]:
    """Score each case's two texts against its two proteins; NaN in the row of an unknown text.

    Examples
    --------
    >>> one, none = np.array([0]), np.array([-1])
    >>> cases = Cases(text=one, positive=one, negative=one + 1, other_text=none, new_pair=np.array([True]))
    >>> case_scores(cases, lambda texts, sequences: texts + 0.25 * sequences)
    array([[[0.  , 0.25], [ nan,  nan]]])
    """
    scores = np.full((len(cases), 2, 2), np.nan)
    known = cases.other_text >= 0
    for column, sequences in enumerate((cases.positive, cases.negative)):
        scores[:, 0, column] = scorer(cases.text, sequences)
        scores[known, 1, column] = scorer(cases.other_text[known], sequences[known])
    return scores
