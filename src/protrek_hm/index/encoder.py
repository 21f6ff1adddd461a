"""How an index has its proteins and queries encoded."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from protrek_hm.errors import ModelError
from protrek_hm.index.layout import Modality
from protrek_hm.model.encoder import FingerprintedEncoder, unit_vectors


def encode_unit(
    model: FingerprintedEncoder,
    inputs: Sequence[str],
    *,
    task: Modality,
    batch_size: int = 32,
    progress: bool = False,
    precision: str = "float32",
) -> Float[np.ndarray, "n dim"]:
    """Encode `inputs` as float32 vectors of length 1, whatever precision the model computes in.

    Raises
    ------
    ModelError
        If the model has no such route, or gives a vector that has no direction (zero, infinite or NaN).
    """
    if task not in model.tasks:
        raise ModelError(f"the model has no route for {task!r}", f"it encodes {', '.join(model.tasks)}")
    return unit_vectors(model, inputs, task=task, batch_size=batch_size, progress=progress, precision=precision)
