"""What an index answers, as plain JSON: hits, histograms and examples, and how large that will be."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Float

from protrek_hm.deadline import checkpoint
from protrek_hm.homology.identity import align
from protrek_hm.index.layout import MODALITIES
from protrek_hm.search.differences import differences
from protrek_hm.search.hits import FEW, Family, Hit
from protrek_hm.search.signals import Matched, Relative
from protrek_hm.serve.problems import ProblemError

BINS = 40
_LOOKED_AT = 48
_SHOWN = {"text": 4, "sequence": 3, "structure": 3}
_TEXT = 140  # characters of a text that is pleasant to press
_LETTERS = 2000  # of a sequence that is quick to encode


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


def family_answer(family: Family) -> dict[str, Any]:
    """Return a family as JSON; what its members differ in is seen from the best of them."""
    best = family.best
    hits = [{**_hit(hit), **_unlike(best, hit)} for hit in family.hits]
    return {"rank": family.rank, "hits": hits, "decided": family.decided}


def _unlike(best: Hit, hit: Hit) -> dict[str, Any]:
    """Compare a member with the best of its family; nothing where it is the best itself."""
    if hit is best:
        return {"identity": None, "differences": None, "changes": []}
    checkpoint()
    alignment = align(best.record["sequence"], hit.record["sequence"])
    found = differences(alignment)
    changes = [each.notation for each in found[:FEW]]
    return {"identity": alignment.identity, "differences": len(found), "changes": changes}


def _hit(hit: Hit) -> dict[str, Any]:
    return {
        "rank": hit.rank,
        "id": str(hit.id),
        "score": hit.score,
        "protrek_score": hit.protrek_score,
        "probability": plain(hit.probability),
        "p_value": plain(hit.p_value),
        "e_value": plain(hit.e_value),
        "matched": None if hit.matched is None else _matched(hit.matched),
        "record": plain(hit.record),
    }


def _matched(matched: Matched) -> dict[str, Any]:
    relatives = [
        {"id": str(each.id), "identity": each.identity, "text": each.text, **_in_common(each)}
        for each in matched.relatives
    ]
    return {**_in_common(matched), "by_relatives": relatives}


def _in_common(each: Matched | Relative) -> dict[str, Any]:
    return {"words": list(each.words), "meaning": each.meaning}


def background_answer(
    cosines: Float[np.ndarray, " sample"], *, vectors: int, bins: int = BINS
) -> dict[str, Any] | None:
    """Count scores in equal bins from the lowest to the highest; None where there are none.

    vectors: of the index; where the sample holds all of them, it is the whole index.

    >>> background_answer(np.array([0.0, 0.1, 0.5]), vectors=9, bins=2)
    {'counts': [2, 1], 'edges': [0.0, 0.25, 0.5], 'whole': False}
    """
    if not len(cosines):
        return None
    counts, edges = np.histogram(cosines.astype(np.float64), bins=bins)
    return {"counts": counts.tolist(), "edges": edges.tolist(), "whole": len(cosines) >= vectors}


class Room:
    """How much larger an answer may become.

    >>> room = Room(10)
    >>> room.take(7)
    >>> room.take(7)
    Traceback (most recent call last):
        ...
    protrek_hm.serve.problems.ProblemError: k: the answer would have more than 10 bytes; ask for fewer hits, or ...
    """

    def __init__(self, size: int) -> None:
        self._size = self._left = size

    def empty(self) -> None:
        """Take all back: the work begins anew."""
        self._left = self._size

    def take(self, size: float) -> None:
        """Raise ProblemError if so many bytes more are too many."""
        self._left -= int(size)
        if self._left < 0:
            message = f"the answer would have more than {self._size:,} bytes"
            raise ProblemError(400, "k", message, "ask for fewer hits, or send fewer queries at a time")


def examples_of(index: Any) -> dict[str, list[dict[str, str]]]:
    """Draw a few queries of each kind, evenly over the index: the same ones every time.

    Returns
    -------
    For each modality `{"label", "query"}`; texts are cut to their first sentence.
    """
    total = index.info.counts["records"]
    rows = np.unique(np.linspace(0, total - 1, num=min(total, _LOOKED_AT)).astype(np.int64))
    records = index.take(rows)
    return {kind: _draw(records, kind) for kind in MODALITIES if kind in records.columns}


def _draw(records: pl.DataFrame, kind: str) -> list[dict[str, str]]:
    found: dict[str, str] = {}
    for name, value in records.select("id", kind).iter_rows():
        query = _first_sentence(value or "") if kind == "text" else (value or "")
        if query and len(query) <= (_TEXT if kind == "text" else _LETTERS):
            found.setdefault(query, query if kind == "text" else str(name))
    queries = list(found)
    chosen = np.unique(np.linspace(0, len(queries) - 1, num=min(len(queries), _SHOWN[kind])).astype(np.int64))
    return [{"label": found[queries[at]], "query": queries[at]} for at in chosen.tolist()]


def _first_sentence(text: str) -> str:
    """Cut a text after its first full stop that is followed by a space.

    >>> _first_sentence("Cuts RNA at pH 5.2. Inhibited by zinc.")
    'Cuts RNA at pH 5.2.'
    """
    first, stop, _ = text.strip().partition(". ")
    return first + stop.strip()
