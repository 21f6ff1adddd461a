"""Hits, records and histograms as plain JSON, and how large that will be."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from protrek_hm.search.searcher import Hit

BINS = 40


def plain(value: Any) -> Any:
    """Return what JSON knows: dates as ISO 8601, numbers that are none as null, bytes as hexadecimal digits.

    >>> from datetime import date
    >>> plain({"made": date(2026, 1, 2), "score": float("nan"), "tags": ("a", None), "raw": b"K"})
    {'made': '2026-01-02', 'score': None, 'tags': ['a', None], 'raw': '4b'}
    """
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Sequence):
        return [plain(each) for each in value]
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def size(value: Any) -> int:
    """Return about how many bytes a plain value takes as JSON.

    >>> size({"id": "P1", "tags": ["a", None]})
    39
    """
    if isinstance(value, str):
        return len(value) + 4
    if isinstance(value, Mapping):
        return sum(len(key) + 6 + size(each) for key, each in value.items())
    if isinstance(value, list):
        return 2 + sum(map(size, value))
    return 8


def dump(answer: Any) -> bytes:
    """Write a plain value as JSON."""
    return json.dumps(answer, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def hit_answer(hit: Hit) -> dict[str, Any]:
    """Return a hit as JSON."""
    return {
        "rank": hit.rank,
        "id": str(hit.id),
        "score": hit.score,
        "protrek_score": hit.protrek_score,
        "probability": plain(hit.probability),
        "p_value": plain(hit.p_value),
        "e_value": plain(hit.e_value),
        "record": plain(hit.record),
    }


def histogram(cosines: Float[np.ndarray, " sample"], *, bins: int = BINS) -> dict[str, Any] | None:
    """Count scores in equal bins from the lowest to the highest; None where there are none.

    >>> histogram(np.array([0.0, 0.1, 0.5]), bins=2)
    {'counts': [2, 1], 'edges': [0.0, 0.25, 0.5]}
    """
    if not len(cosines):
        return None
    counts, edges = np.histogram(cosines.astype(np.float64), bins=bins)
    return {"counts": counts.tolist(), "edges": edges.tolist()}
