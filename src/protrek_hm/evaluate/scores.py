"""Embeddings of every distinct input, and the 2 × 2 scores of each case."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from protrek_hm.config import Modality
from protrek_hm.cosines import cosines_of_pairs
from protrek_hm.evaluate.cases import Cases, Pool
from protrek_hm.model.encoder import Encoder, unit_vectors


@dataclass(frozen=True)
class Embeddings:
    """Unit vectors of a pool's texts and sequences, in the pool's order; None where there are no structures."""

    texts: Float[np.ndarray, "texts dim"]
    sequences: Float[np.ndarray, "sequences dim"]
    structures: Float[np.ndarray, "structures dim"] | None = None

    def by_task(self) -> dict[Modality, Float[np.ndarray, "_items dim"]]:
        """Return the vectors of each task that was encoded."""
        every: dict[Modality, Float[np.ndarray, "_items dim"] | None] = {
            "text": self.texts,
            "sequence": self.sequences,
            "structure": self.structures,
        }
        return {task: vectors for task, vectors in every.items() if vectors is not None}


def encode_pool(
    model: Encoder, pool: Pool, *, name: str, batch_size: int = 32, show_progress: bool = False
) -> Embeddings:
    """Encode a pool with one model; `name` is how messages call it.

    Raises
    ------
    ModelError
        If the model cannot encode one kind, or gives a vector without direction (zero, infinite or NaN).
    """

    def encode(task: Modality) -> Float[np.ndarray, "items dim"]:
        items = pool.of(task)
        vectors = unit_vectors(model, items, task=task, name=name, batch_size=batch_size, progress=show_progress)
        return vectors.astype(np.float64)

    return Embeddings(encode("text"), encode("sequence"), encode("structure") if pool.structures else None)


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
