"""Questions that an index can answer, drawn from its own records: what a newcomer may press first."""

from typing import Any

import numpy as np
import polars as pl

from protrek_hm.index.layout import MODALITIES

_LOOKED_AT = 48
_SHOWN = {"text": 4, "sequence": 3, "structure": 3}
_TEXT = 140  # characters of a text that is pleasant to press
_LETTERS = 2000  # of a sequence that is quick to encode


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
