"""A model and an index together: queries in, ranked hits out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Int

from protrek_hm.config import require
from protrek_hm.errors import MissingFileError, ModelError, OptionError
from protrek_hm.index.encoder import encode_unit
from protrek_hm.index.layout import MODALITIES, IndexInfo, Modality
from protrek_hm.index.nearest import nearest
from protrek_hm.index.store import Index
from protrek_hm.model.encoder import FingerprintedEncoder
from protrek_hm.search.query import clean_query


@dataclass(frozen=True)
class Hit:
    """One answer.

    rank: from 1. id: of the protein. score: cosine of query and answer, in [-1, 1]. protrek_score: on
    ProTrek's own scale, score ÷ temperature. record: the protein's row of the table, all columns.
    """

    rank: int
    id: str
    score: float
    protrek_score: float
    record: Mapping[str, Any]


class Searcher:
    """Answers from an index, by the model that made it.

    Examples
    --------
    A stand-in for a model, which counts the letters A and C:

    >>> from protrek_hm.index.embeddings import Embeddings
    >>> class Counter:
    ...     temperature, tasks, fingerprint = 0.1, ("text", "sequence"), lambda self: "counts"
    ...     def encode(self, inputs, /, **options):
    ...         return np.array([[each.count("A"), each.count("C")] for each in inputs])
    >>> info = IndexInfo("m", None, "counts", 2, {"records": 2, "sequence": 2}, None, None, {}, "")
    >>> vectors = Embeddings(np.array([[1, 0], [0.6, 0.8]], dtype=np.float32), np.array([0, 1]))
    >>> records = pl.DataFrame({"id": ["P1", "P2"], "sequence": ["A", "AAACCCC"]})
    >>> searcher = Searcher(Index(info, records, {"sequence": vectors}), Counter())
    >>> [hits] = searcher.search("C", by="sequence", k=1)
    >>> hits[0].id, round(hits[0].score, 6), round(hits[0].protrek_score, 5)
    ('P2', 0.8, 8.0)
    """

    def __init__(self, index: Index, model: FingerprintedEncoder) -> None:
        found, wanted = model.fingerprint(), index.info.model_sha256
        if found != wanted:
            built = f"the index was built with the model {index.info.model} (weights {wanted[:12]}…)"
            remedy = "name that model with -m, or build the index again with this one"
            raise ModelError(f"{built}, not with this one ({found[:12]}…)", remedy)
        self.index, self.model = index, model
        self._answers = {modality: _answers(index, modality) for modality in index.embeddings}

    @classmethod
    def open(
        cls, folder: str | Path, *, model: FingerprintedEncoder | str | Path | None = None, device: str | None = None
    ) -> "Searcher":
        """Open the index `folder` with the model that it names, or with a given one: loaded, or by name.

        Raises
        ------
        MissingFileError, FileFormatError
            If the index or the model is not there, or damaged.
        ModelError
            If the vectors of the index were not made with this model.
        """
        index = Index.open(Path(folder))
        if model is not None and not isinstance(model, str | Path):
            return cls(index, model)
        name = model or _locate(Path(folder), index.info)
        from protrek_hm.model import ProTrek

        return cls(index, ProTrek.from_pretrained(name, device=device))

    def search(
        self,
        query: str | Sequence[str],
        *,
        by: Modality = "text",
        want: Modality = "sequence",
        k: int = 10,
        batch_size: int = 32,
    ) -> list[list[Hit]]:
        """Rank the proteins (or texts) of the index by their cosine with each query; the search is exact.

        Parameters
        ----------
        query
            One query or several, of the kind that `by` names.
        want
            What is compared with the query: proteins by their `sequence` or `structure`, or `text`. A
            protein with several rows in the table is one hit, and so is a text that several proteins share:
            its record is the first of them.
        k
            Hits per query, at least 1; fewer where the index holds fewer.

        Returns
        -------
        The hits of each query, highest score first; equal scores come in the order of the table.

        Raises
        ------
        OptionError
            If a query is empty or has wrong letters, k < 1, or the index has no such modality.
        ModelError
            If the model cannot encode this kind of query.
        """
        require("k", k, "must be at least 1", holds=k >= 1)
        require("by", by, f"known kinds are {', '.join(MODALITIES)}", holds=by in MODALITIES)
        if want not in self.index.embeddings:
            held = ", ".join(self.index.embeddings)
            raise OptionError("want", want, f"this index holds {held}; build one from a table with a column {want!r}")
        queries = [clean_query(each, by) for each in ([query] if isinstance(query, str) else query)]
        if not queries:
            return []
        encoded = encode_unit(self.model, queries, task=by, batch_size=batch_size)
        cosines, found = nearest(encoded, self.index.embeddings[want].vectors, k=k)
        return [self._hits(cosines[i], found[i], want, k) for i in range(len(queries))]

    def _hits(self, cosines: np.ndarray, found: np.ndarray, want: Modality, k: int) -> list[Hit]:
        # vectors lie in the order of their first rows: the k best rows are among those of the k best vectors
        rows, starts = self._answers[want]
        scored = [
            (-float(cosine), int(row))
            for cosine, vector in zip(cosines, found, strict=True)
            for row in rows[starts[vector] : starts[vector + 1]][:k]
        ]
        hits = []
        for rank, (negated, row) in enumerate(sorted(scored)[:k], start=1):
            record = self.index.records.row(row, named=True)
            hits.append(Hit(rank, record["id"], -negated, -negated / self.model.temperature, record))
        return hits


def _answers(index: Index, want: Modality) -> tuple[Int[np.ndarray, " answers"], Int[np.ndarray, " vectors_plus_1"]]:
    """List the rows that are answers, vector by vector, and where each vector's rows start."""
    key = ["vector"] if want == "text" else ["vector", "id"]
    rows = index.records.select("id").with_columns(vector=index.embeddings[want].of_row).with_row_index("row")
    answers = rows.filter(pl.col("vector") >= 0).unique(key, keep="first").sort("vector", "row")
    starts = np.searchsorted(answers["vector"].to_numpy(), np.arange(index.info.counts[want] + 1))
    return answers["row"].to_numpy(), starts


def _locate(index: Path, info: IndexInfo) -> str | Path:
    """Find the model that the index names: a folder as seen from the index, or a hub id."""
    if info.model_path is None:
        return info.model
    folder = (index.resolve() / info.model_path).resolve()
    if not folder.exists():
        raise MissingFileError(folder, f"{index} was built with this model; name its new place with -m")
    return folder
