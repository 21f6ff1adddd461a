"""What the rooms above ask of a model, when two are one, and how inputs become unit vectors.

`unit_vectors` is the way from inputs to vectors in all rooms; `cached.CachedEncoder` keeps vectors on disk.
"""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol, cast, runtime_checkable

import numpy as np
from jaxtyping import Float

from protrek_hm.config import Modality
from protrek_hm.errors import ModelError, shorten

if TYPE_CHECKING:
    from protrek_hm.homology.lookup import Lookup

Likeness = Literal["same", "same weights", "other"]
FINGERPRINT_VERSION = "v2"
FINGERPRINT_DIGITS = 32
"""Of each of the two hashes that make a fingerprint, see `model.fingerprint`."""


@runtime_checkable
class Encoder(Protocol):
    """`ProTrek`, or anything else that encodes by task."""

    def encode(self, inputs: list[str], /, *, task: Modality, batch_size: int, show_progress_bar: bool) -> Any:
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


class TwinPreference(Protocol):
    """What reads the difference of two proteins, as `model.twin_head.TwinHead` does.

    weight: of its preference beside a difference of two cosines.
    """

    weight: float

    def read(self, texts: Sequence[str]) -> Float[np.ndarray, "n dim"]:
        """Return the vectors of texts that `prefer` takes."""
        ...

    def speaks(self, texts: Float[np.ndarray, "n dim"]) -> Float[np.ndarray, " n"]:
        """Say how far the preference counts for each text where no reference is known, in [0, 1]."""
        ...

    def prefer(
        self,
        texts: Float[np.ndarray, "n dim"],
        a: Sequence[str],
        b: Sequence[str],
        *,
        references: Sequence[str | None] | None = None,
        relatives: "Lookup | None" = None,
    ) -> Float[np.ndarray, " n"]:
        """Say by how much each `a` fits its text better than the `b` beside it: antisymmetric, 0 for one protein."""
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
    task: Modality,
    name: str = "the model",
    batch_size: int = 32,
    progress: bool = False,
    precision: str = "float32",
) -> Float[np.ndarray, "inputs dim"]:
    """Return a float32 vector of length 1 for each input; each distinct input is encoded once.

    This is how all rooms encode: nothing above it needs to look for duplicates, to normalise or to check the task.
    Give a `CachedEncoder` as `model` where vectors are to be kept on disk.

    Parameters
    ----------
    name
        How messages call the model.
    precision
        In what the model computes; another one than "float32" is passed on to it.

    Raises
    ------
    ModelError
        If the model has no such task, or a vector has no direction: zero, infinite or NaN.

    Examples
    --------
    >>> class Letters:
    ...     def encode(self, inputs, *, task, batch_size, show_progress_bar):
    ...         return np.array([[text.count("K"), text.count("R")] for text in inputs])
    >>> unit_vectors(Letters(), ["KR", "KKK"], task="sequence").round(2)
    array([[0.71, 0.71], [1. , 0. ]], dtype=float32)
    """
    tasks = getattr(model, "tasks", (task,))
    if task not in tasks:
        raise ModelError(f"{name} has no route for {task!r}", f"it encodes {', '.join(tasks)}")
    number = {each: row for row, each in enumerate(dict.fromkeys(inputs))}
    reduced: dict[str, Any] = {} if precision == "float32" else {"precision": precision}
    encoded = model.encode([*number], task=task, batch_size=batch_size, show_progress_bar=progress, **reduced)
    vectors = np.asarray(encoded, dtype=np.float32)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    bad = np.flatnonzero(~(np.isfinite(lengths[:, 0]) & (lengths[:, 0] > 0)))
    if len(bad):
        problem = f"{name} gives no usable vector for {task} {shorten([*number][bad[0]])!r} ({len(bad)} such)"
        raise ModelError(problem, "its weights are damaged, or it has not been trained; take another model")
    return np.asarray(vectors / lengths)[[number[each] for each in inputs]]


def read_once(model: Encoder, inputs: Sequence[str], *, task: Modality) -> tuple[list[str], list[int]]:
    """Return the first of those inputs that `model` reads alike, and the place of each input's among these.

    `ProTrek` reads inputs alike if they have the same tokens; of a model that does not tell, only equal ones are alike.

    >>> class Letters:
    ...     def encode(self, inputs, *, task, batch_size, show_progress_bar): ...
    >>> read_once(Letters(), ["KR", "K", "KR"], task="sequence")
    (['KR', 'K'], [0, 1, 0])
    """
    if (own := getattr(model, "read_once", None)) is not None:
        return cast("tuple[list[str], list[int]]", own(inputs, task=task))
    place = {each: row for row, each in enumerate(dict.fromkeys(inputs))}
    return [*place], [place[each] for each in inputs]
