"""What a text encoder says: two texts that it puts on one spot may say one thing in other words."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from jaxtyping import Int

from protrek_hm.mine.evidence.findings import SILENT, Findings, Outcome, Verdict
from protrek_hm.mine.text import paired_products

_ALIKE = Outcome("encoder:alike", Verdict.UNSURE)


class TextEncoder(Protocol):
    """Turns texts into vectors, a row a text; any length, any encoder of sentences."""

    def __call__(self, texts: Sequence[str], /) -> Any:
        """Return the vectors of `texts`."""


def judge_likeness(
    texts: Sequence[str],
    left: Int[np.ndarray, " pairs"],
    right: Int[np.ndarray, " pairs"],
    *,
    encoder: TextEncoder,
    least: float,
) -> Findings:
    """Say *unsure* of each pair of entries whose texts' cosine is at least `least`, in [-1, 1].

    Each distinct text of a pair is encoded once. Unlikeness says nothing: encoders put unlike wordings apart, too.

    Examples
    --------
    >>> def letters(texts):
    ...     return [[text.count("a"), text.count("b")] for text in texts]
    >>> judge_likeness(
    ...     ["aab", "aaab", "b"], np.array([0, 0]), np.array([1, 2]), encoder=letters, least=0.9
    ... ).reasons.tolist()
    ['encoder:alike', '']
    """
    used = np.unique(np.concatenate([left, right]))
    distinct = sorted({texts[entry] for entry in used})
    number = {text: row for row, text in enumerate(distinct)}
    rows = np.zeros(len(texts), dtype=np.int64)
    rows[used] = [number[texts[entry]] for entry in used]
    vectors = np.asarray(encoder(distinct), dtype=np.float32) if distinct else np.zeros((0, 1), dtype=np.float32)
    vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    cosines = paired_products(vectors, vectors, rows[left], rows[right])
    return Findings((SILENT, _ALIKE), (cosines >= least).astype(np.int16))
