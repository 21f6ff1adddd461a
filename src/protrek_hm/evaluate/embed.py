"""Encode every distinct text, sequence and structure once."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from protrek_hm.config import Modality
from protrek_hm.evaluate.cases import Pool
from protrek_hm.model.encoder import Encoder, unit_vectors


@dataclass(frozen=True)
class Embeddings:
    """Unit vectors of a pool's texts and sequences, in the pool's order; None where nothing was encoded."""

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
        If the model gives a vector that has no direction (zero, infinite or NaN).
    """

    def encode(task: Modality) -> Float[np.ndarray, "items dim"]:
        items = pool.of(task)
        vectors = unit_vectors(model, items, task=task, name=name, batch_size=batch_size, progress=show_progress)
        return vectors.astype(np.float64)

    return Embeddings(encode("text"), encode("sequence"), encode("structure") if pool.structures else None)
