"""What an index asks of a model, and how strings become unit vectors."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from jaxtyping import Float

from protrek_hm.errors import ModelError
from protrek_hm.index.layout import Modality


class Encoder(Protocol):
    """A model that puts texts, sequences and structures into one space, as `ProTrek` does."""

    @property
    def temperature(self) -> float:
        """What ProTrek divides cosines by."""
        ...

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks it can encode."""
        ...

    def encode(self, inputs: list[str], /, *, task: str, batch_size: int, show_progress_bar: bool) -> Any:
        """Encode `inputs` as an array with one row each."""
        ...

    def fingerprint(self) -> str:
        """Hash the weights."""
        ...


def encode_unit(
    model: Encoder, inputs: Sequence[str], *, task: Modality, batch_size: int = 32, progress: bool = False
) -> Float[np.ndarray, "n dim"]:
    """Encode `inputs` as float32 vectors of length 1, whatever precision the model computes in.

    Raises
    ------
    ModelError
        If the model has no such route, or gives a vector that has no direction (zero, infinite or NaN).
    """
    if task not in model.tasks:
        raise ModelError(f"the model has no route for {task!r}", f"it encodes {', '.join(model.tasks)}")
    encoded = model.encode(list(inputs), task=task, batch_size=batch_size, show_progress_bar=progress)
    vectors = np.asarray(encoded, dtype=np.float32)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    bad = np.flatnonzero(~(np.isfinite(lengths[:, 0]) & (lengths[:, 0] > 0)))
    if len(bad):
        problem = f"the model gives no usable vector for {task} {shorten(inputs[bad[0]])!r} ({len(bad)} such)"
        raise ModelError(problem, "its weights are damaged, or it has not been trained; take another model")
    vectors /= lengths
    return vectors


def shorten(value: str, *, width: int = 30) -> str:
    """Shorten a long string for a message.

    >>> shorten("MKVLATGGW", width=5)
    'MKVL…'
    """
    return value if len(value) <= width else value[: width - 1] + "…"
