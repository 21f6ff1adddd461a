"""What the rooms above ask of a model, when two are one, and how its vectors become unit vectors."""

import re
from collections.abc import Sequence
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from protrek_hm.errors import ModelError

Task = Literal["text", "sequence", "structure"]
Likeness = Literal["same", "same weights", "other"]
FINGERPRINT_VERSION = "v2"
FINGERPRINT_DIGITS = 32
"""Of each of the two hashes that make a fingerprint, see `model.fingerprint`."""


@runtime_checkable
class Encoder(Protocol):
    """`ProTrek`, or anything else that encodes by task."""

    def encode(self, inputs: list[str], /, *, task: Task, batch_size: int, show_progress_bar: bool) -> Any:
        """Return an array with a row for each input, in order."""
        ...


@runtime_checkable
class FingerprintedEncoder(Encoder, Protocol):
    """A model that says which one it is, as `ProTrek` does."""

    @property
    def temperature(self) -> float:
        """What ProTrek divides cosines by."""
        ...

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks it can encode."""
        ...

    def fingerprint(self) -> str:
        """Hash all that its vectors depend on."""
        ...


def is_current(fingerprint: str | None) -> bool:
    """Tell whether a fingerprint covers more than the weights.

    >>> is_current("v2-0123-4567"), is_current(64 * "0"), is_current(None)
    (True, False, False)
    """
    return fingerprint is not None and fingerprint.startswith(f"{FINGERPRINT_VERSION}-")


def compare_fingerprints(recorded: str, found: str) -> Likeness:
    """Tell how alike the models of two fingerprints are; `recorded` may be of an earlier version.

    "same": equal, to the best knowledge of `recorded`. "same weights": another tokenizer, window or arithmetic.

    >>> now = f"v2-{32 * 'a'}-{32 * 'b'}"
    >>> others = now, 64 * "a", f"v2-{32 * 'a'}-{32 * 'c'}", 64 * "b"
    >>> [compare_fingerprints(other, now) for other in others]
    ['same', 'same', 'same weights', 'other']
    """
    if recorded == found:
        return "same"
    if _weights_of(recorded) != _weights_of(found) or _weights_of(found) is None:
        return "other"
    return "same weights" if is_current(recorded) else "same"


def _weights_of(fingerprint: str) -> str | None:
    """Return what a fingerprint of any version says of the weights; None if it is of no model of ours."""
    found = re.fullmatch(
        rf"{FINGERPRINT_VERSION}-([0-9a-f]{{{FINGERPRINT_DIGITS}}})-[0-9a-f]+|([0-9a-f]{{{FINGERPRINT_DIGITS}}})[0-9a-f]+",
        fingerprint,
    )
    return None if found is None else found[1] or found[2]


def unit_vectors(
    model: Encoder,
    inputs: Sequence[str],
    *,
    task: Task,
    name: str = "the model",
    batch_size: int = 32,
    progress: bool = False,
    precision: str = "float32",
) -> Float[np.ndarray, "inputs dim"]:
    """Encode `inputs` as float32 vectors of length 1; `name` is how messages call the model.

    precision: in what the model computes; another one than "float32" is passed on to it.

    Raises
    ------
    ModelError
        If a vector has no direction: zero, infinite or NaN.

    Examples
    --------
    >>> class Letters:
    ...     def encode(self, inputs, *, task, batch_size, show_progress_bar):
    ...         return np.array([[text.count("K"), text.count("R")] for text in inputs])
    >>> unit_vectors(Letters(), ["KR", "KKK"], task="sequence").round(2)
    array([[0.71, 0.71], [1. , 0. ]], dtype=float32)
    """
    reduced: dict[str, Any] = {} if precision == "float32" else {"precision": precision}
    encoded = model.encode(list(inputs), task=task, batch_size=batch_size, show_progress_bar=progress, **reduced)
    vectors = np.asarray(encoded, dtype=np.float32)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    bad = np.flatnonzero(~(np.isfinite(lengths[:, 0]) & (lengths[:, 0] > 0)))
    if len(bad):
        problem = f"{name} gives no usable vector for {task} {shorten(inputs[bad[0]])!r} ({len(bad)} such)"
        raise ModelError(problem, "its weights are damaged, or it has not been trained; take another model")
    return np.asarray(vectors / lengths)


def shorten(value: str, *, width: int = 30) -> str:
    """Shorten a long string for a message.

    >>> shorten("MKVLATGGW", width=5)
    'MKVL…'
    """
    return value if len(value) <= width else value[: width - 1] + "…"
