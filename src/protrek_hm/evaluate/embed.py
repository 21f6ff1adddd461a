"""Encode every distinct text and sequence once."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from protrek_hm.errors import FileFormatError
from protrek_hm.evaluate.cases import Pool, Task


@runtime_checkable
class Encoder(Protocol):
    """What an evaluation needs of a model: `ProTrek`, or anything else that encodes by task."""

    def encode(self, inputs: list[str], /, *, task: Task, batch_size: int, show_progress_bar: bool) -> Any:
        """Return one vector per input, in order."""
        ...


@dataclass(frozen=True)
class Embeddings:
    """Unit vectors of a pool's texts and sequences, in the pool's order; None where nothing was encoded."""

    texts: Float[np.ndarray, "texts dim"]
    sequences: Float[np.ndarray, "sequences dim"]
    structures: Float[np.ndarray, "structures dim"] | None = None

    def by_task(self) -> dict[Task, Float[np.ndarray, "_items dim"]]:
        """Return the vectors of each task that was encoded."""
        every: dict[Task, Any] = {"text": self.texts, "sequence": self.sequences, "structure": self.structures}
        return {task: vectors for task, vectors in every.items() if vectors is not None}


def encode_pool(
    model: Encoder, pool: Pool, *, name: str, batch_size: int = 32, show_progress: bool = False
) -> Embeddings:
    """Encode a pool's texts and sequences with one model; `name` is how messages call it.

    Raises
    ------
    FileFormatError
        If the model gives something else than finite vectors.
    """
    encode = partial(encode_sorted, model, name=name, batch_size=batch_size, show_progress=show_progress)
    return Embeddings(
        texts=encode(pool.texts, task="text"),
        sequences=encode(pool.sequences, task="sequence"),
        structures=encode(pool.structures, task="structure") if pool.structures else None,
    )


def encode_sorted(
    model: Encoder,
    items: Sequence[str],
    *,
    task: Task,
    name: str = "the model",
    batch_size: int = 32,
    show_progress: bool = False,
) -> Float[np.ndarray, "items dim"]:
    """Return unit vectors; the longest are encoded first, so that memory runs out at once or never.

    Raises
    ------
    FileFormatError
        If the model gives something else than finite vectors.

    Examples
    --------
    >>> class Letters:
    ...     def encode(self, inputs, *, task, batch_size, show_progress_bar):
    ...         return np.array([[text.count("K"), text.count("R")] for text in inputs])
    >>> encode_sorted(Letters(), ["KR", "KKK"], task="sequence").round(2)
    array([[0.71, 0.71], [1. , 0. ]])
    """
    order = sorted(range(len(items)), key=lambda position: -len(items[position]))
    longest_first = [items[position] for position in order]
    encoded = model.encode(longest_first, task=task, batch_size=batch_size, show_progress_bar=show_progress)
    vectors = np.empty(np.shape(encoded), dtype=np.float64)
    vectors[order] = encoded
    if not np.isfinite(vectors).all():
        raise FileFormatError(name, f"its {task} encoder gives NaN or infinity", "check how it was trained")
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1.0)
