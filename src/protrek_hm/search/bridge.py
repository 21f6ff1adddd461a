"""What a searcher asks of an index; answered from memory where the index itself does not answer yet."""

from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Float, Int

from protrek_hm.errors import OptionError
from protrek_hm.index.layout import Modality
from protrek_hm.index.nearest import nearest as nearest_vectors
from protrek_hm.index.store import Index

SAMPLE = 2000


def nearest(
    index: Any, queries: Float[np.ndarray, "q dim"], *, want: Modality, k: int, where: str | None
) -> tuple[np.ndarray, np.ndarray]:
    if hasattr(index, "nearest"):
        return index.nearest(queries, want=want, k=k, where=where)
    cosines, found = nearest_vectors(queries, index.embeddings[want].vectors, k=len(index.embeddings[want].vectors))
    rows, starts = _answers(index, want, _allowed(index, where))
    out_c, out_r = np.full((len(queries), k), np.nan), np.full((len(queries), k), -1, dtype=np.int64)
    for i in range(len(queries)):
        scored = sorted(
            (-float(cosine), int(row))
            for cosine, vector in zip(cosines[i], found[i], strict=True)
            for row in rows[starts[vector] : starts[vector + 1]]
        )[:k]
        for j, (negated, row) in enumerate(scored):
            out_c[i, j], out_r[i, j] = -negated, row
    return out_c, out_r


def take(index: Any, rows: Int[np.ndarray, " n"]) -> pl.DataFrame:
    return index.take(rows) if hasattr(index, "take") else index.records[rows.tolist()]


def sample(index: Any, want: Modality) -> Float[np.ndarray, "n dim"]:
    if hasattr(index, "sample"):
        return index.sample(want)
    vectors = index.embeddings[want].vectors
    chosen = np.random.default_rng(0).permutation(len(vectors))[:SAMPLE]
    return vectors[np.sort(chosen)]


def vectors(index: Any, want: Modality, rows: Int[np.ndarray, " n"]) -> Float[np.ndarray, "n dim"]:
    if hasattr(index, "vectors"):
        return index.vectors(want, rows)
    return index.embeddings[want].vectors[index.embeddings[want].of_row[rows]]


def _allowed(index: Index, where: str | None) -> np.ndarray:
    if where is None:
        return np.ones(len(index.records), dtype=bool)
    frame = index.records.with_columns(length=pl.col("sequence").str.len_chars()).with_row_index("row__")
    try:
        rows = frame.sql(f"select row__ from self where {where}")["row__"].to_numpy()
    except pl.exceptions.PolarsError as error:
        held = ", ".join((*index.records.columns, "length"))
        raise OptionError("where", where, f"{' '.join(str(error).split())[:100]}; the columns are {held}") from None
    allowed = np.zeros(len(index.records), dtype=bool)
    allowed[rows] = True
    return allowed


def _answers(index: Index, want: Modality, allowed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """List the rows that are answers, vector by vector, and where each vector's rows start."""
    key = ["vector"] if want == "text" else ["vector", "id"]
    rows = index.records.select("id").with_columns(vector=index.embeddings[want].of_row).with_row_index("row")
    answers = rows.filter(allowed).filter(pl.col("vector") >= 0).unique(key, keep="first").sort("vector", "row")
    starts = np.searchsorted(answers["vector"].to_numpy(), np.arange(index.info.counts[want] + 1))
    return answers["row"].to_numpy(), starts
