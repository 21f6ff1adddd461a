"""A model and an index together: queries in, ranked hits out."""

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from jaxtyping import Bool, Float

from protrek_hm.config import Modality, require
from protrek_hm.errors import ModelError
from protrek_hm.index.encoder import check_model, encode_unit
from protrek_hm.index.layout import MODALITIES
from protrek_hm.index.model import locate_model
from protrek_hm.index.store import Index
from protrek_hm.model.encoder import FingerprintedEncoder
from protrek_hm.search.probability import calibrate
from protrek_hm.search.query import clean_query
from protrek_hm.search.reading import Cut, cuts
from protrek_hm.search.significance import p_values

Item = TypeVar("Item")
_FIRST, _CANARIES = 256, 2  # of the first records that many of the shortest are encoded again when an index is opened
_SAME_VECTOR = 0.99  # cosine; bf16 and other processors stay above 0.999
PROPOSED = "an engine proposed what was compared: a near one may be missing"
NOT_EXACT = f"{PROPOSED}; ask for an exact search (--exact)"


@dataclass(frozen=True)
class Hit:
    """One answer.

    Attributes
    ----------
    rank
        From 1.
    id
        Of the protein.
    score, protrek_score
        Cosine of query and answer, in [-1, 1]; on ProTrek's own scale: score ÷ temperature.
    probability
        That it is the query's own, if one of all that were searched is, in [0, 1]; None where the index has no
        pairs to learn this from. See `search.probability`.
    p_value, e_value
        Chance that a vector drawn from the index scores as high, and how many of all would: p × vectors. See
        `search.significance`.
    record
        The protein's row of the table, all columns.
    """

    rank: int
    id: str
    score: float
    protrek_score: float
    probability: float | None
    p_value: float | None
    e_value: float | None
    record: Mapping[str, Any]


class Answer(list[Item]):
    """The hits (or families) of one query, best first, and what should be known of them.

    Attributes
    ----------
    cut
        How much of the query the model reads, if not all; None where only vectors were asked with, as by `rank`.
    exact
        Whether every vector that may answer was compared; else an engine proposed those that were, and near ones may
        be missing.
    notes
        All this, and what else should be known, a sentence each.

    Examples
    --------
    >>> answer = Answer(["P1"], exact=False)
    >>> answer == ["P1"], answer.notes
    (True, ('an engine proposed what was compared: a near one may be missing; ask for an exact search (--exact)',))
    """

    def __init__(
        self, items: Iterable[Item] = (), *, cut: Cut | None = None, exact: bool = True, notes: Sequence[str] = ()
    ) -> None:
        super().__init__(items)
        self.cut, self.exact, self._others = cut, exact, tuple(notes)

    @property
    def notes(self) -> tuple[str, ...]:
        """What should be known besides, a sentence each."""
        own = [] if self.cut is None else [str(self.cut)]
        return (*own, *self._others, *([] if self.exact else [NOT_EXACT]))


class Searcher:
    """Answers from an index, by the model that made it.

    Examples
    --------
    A stand-in for a model, which counts the letters A and C:

    >>> import polars as pl
    >>> from protrek_hm.index.embeddings import Embeddings
    >>> from protrek_hm.index.layout import IndexInfo
    >>> class Counter:
    ...     temperature, tasks, fingerprint = 0.1, ("text", "sequence"), lambda self: "counts"
    ...     def encode(self, inputs, /, **options):
    ...         return np.array([[each.count("A"), each.count("C")] for each in inputs])
    >>> info = IndexInfo("m", None, "counts", 2, {"records": 2, "sequence": 2})
    >>> vectors = Embeddings(np.array([[1, 0], [0.6, 0.8]], dtype=np.float32), np.array([0, 1]))
    >>> records = pl.DataFrame({"id": ["P1", "P2"], "sequence": ["A", "AAACCCC"]})
    >>> searcher = Searcher(Index(info, records, {"sequence": vectors}), Counter())
    >>> [hits] = searcher.search("C", by="sequence", k=1)
    >>> hits[0].id, round(hits[0].score, 6), round(hits[0].protrek_score, 5), round(hits[0].p_value, 3)
    ('P2', 0.8, 8.0, 0.5)
    """

    def __init__(self, index: Index, model: FingerprintedEncoder) -> None:
        check_model(index.info, model)
        self.index, self.model = index, model
        self._sample = cache(lambda want: index.sample(want))
        self._calibration = cache(lambda by, want: calibrate(index, by, want))

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
            searcher = cls(index, model)
        else:
            from protrek_hm.model import ProTrek

            name = model or locate_model(Path(folder), index.info)
            searcher = cls(index, ProTrek.from_pretrained(name, device=device))
        searcher.check_vectors()
        return searcher

    def check_vectors(self) -> None:
        """Encode a few short inputs of the index again, and compare them with the vectors that it holds.

        Raises
        ------
        ModelError
            If they are others: model, index or the arithmetic of this machine is not what it was.
        """
        for kind, held in self.index.embeddings.items():
            rows = np.flatnonzero(held.of_row[:_FIRST] >= 0)
            if kind not in self.model.tasks or not len(rows):
                continue
            records = self.index.take(rows)
            shortest = np.argsort(records[kind].str.len_bytes().to_numpy(), kind="stable")[:_CANARIES]
            inputs = records[kind].gather(shortest).to_list()
            vectors = encode_unit(self.model, inputs, task=kind)
            kept = self.index.vectors(kind, rows[shortest])
            for name, cosine in zip(records["id"].gather(shortest), (vectors * kept).sum(axis=1), strict=True):
                if not cosine >= _SAME_VECTOR:
                    problem = f"the model gives another vector for the {kind} of {name} than the index holds"
                    raise ModelError(
                        f"{problem} (cosine {cosine:.3f})",
                        "see protrek-hm index check; if that is fine, name the model that made the index with -m",
                    )

    def search(
        self,
        query: str | Sequence[str],
        *,
        by: Modality = "text",
        want: Modality = "sequence",
        k: int = 10,
        where: str | None = None,
        batch_size: int = 32,
    ) -> list[Answer[Hit]]:
        """Rank the proteins (or texts) of the index by their cosine with each query.

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
        where
            Only records that meet this condition, in SQL over their columns and `length` (residues), such as
            `length < 400 and organism = 'Escherichia coli'`. p, E and probability stay those of the whole index.

        Returns
        -------
        The hits of each query, highest score first; equal scores come in the order of the table. Each answer says
        what the model did not read of the query, and whether the search was exact; `exact` is a searcher that
        always is.

        Raises
        ------
        OptionError
            If a query is empty or has wrong letters, k < 1, the index has no such modality, or `where` is no
            condition on its columns.
        ModelError
            If the model cannot encode this kind of query.
        """
        self.check(want=want, k=k)
        queries = [query] if isinstance(query, str) else query
        vectors = self.encode(queries, by=by, batch_size=batch_size)
        answers = self.rank(vectors, by=by, want=want, k=k, where=where)
        for answer, cut in zip(answers, self.cuts(queries, by=by), strict=True):
            answer.cut = cut
        return answers

    def cuts(self, queries: Sequence[str], *, by: Modality) -> list[Cut | None]:
        """Say what the model does not read of each query; None where it reads all."""
        return cuts(self.model, [clean_query(each, by) for each in queries], task=by)

    @cached_property
    def exact(self) -> "Searcher":
        """The same searcher, which compares a query with every vector, however many there are."""
        other = copy(self)
        other.index = self.index.exactly()
        return other

    def encode(self, queries: Sequence[str], *, by: Modality, batch_size: int = 32) -> Float[np.ndarray, "queries dim"]:
        """Check queries and encode them as unit vectors; raises as `search` does."""
        require("by", by, f"known kinds are {', '.join(MODALITIES)}", holds=by in MODALITIES)
        cleaned = [clean_query(each, by) for each in queries]
        if not cleaned:
            return np.empty((0, self.index.info.dimension), dtype=np.float32)
        vectors = encode_unit(self.model, cleaned, task=by, batch_size=batch_size)
        if vectors.shape[1] != self.index.info.dimension:
            problem = f"the model gives vectors of {vectors.shape[1]} numbers, the index holds"
            raise ModelError(f"{problem} {self.index.info.dimension}", "search it with the model that made it")
        return vectors

    def rank(
        self,
        vectors: Float[np.ndarray, "queries dim"],
        *,
        by: Modality,
        want: Modality = "sequence",
        k: int = 10,
        where: str | Bool[np.ndarray, " rows"] | None = None,
    ) -> list[Answer[Hit]]:
        """Answer queries that `encode` encoded, `where` as in `Index.nearest`; all else is as in `search`."""
        self.check(want=want, k=k)
        background = self.background(vectors, want=want)
        k = min(k, self.index.info.counts["records"])
        cosines, rows, exact = self.index.neighbours(vectors, want=want, k=k, where=where)
        surprise = p_values(cosines, background)
        calibration = self._calibration(by, want)
        chances = None if calibration is None else calibration(cosines)
        found, place = np.unique(rows[rows >= 0], return_inverse=True)
        records = self.index.take(found).rows(named=True)
        answers, places = [], iter(place.tolist())
        for query in range(len(vectors)):
            hits = []
            for column in np.flatnonzero(rows[query] >= 0).tolist():
                record, cosine, p = records[next(places)], float(cosines[query, column]), float(surprise[query, column])
                chance = None if chances is None else float(chances[query, column])
                scores = (cosine, cosine / self.model.temperature, chance, p, p * self.index.info.counts[want])
                hits.append(Hit(column + 1, record["id"], *scores, record))
            answers.append(Answer(hits, exact=bool(exact[query])))
        return answers

    def background(
        self, vectors: Float[np.ndarray, "queries dim"], *, want: Modality
    ) -> Float[np.ndarray, "queries sample"]:
        """Return the cosines of each query with the index's background sample, in ascending order."""
        return np.sort(vectors @ self._sample(want).T, axis=1)

    def check(self, *, want: Modality, k: int) -> None:
        """Raise OptionError if the index has no such modality, or k < 1."""
        self.index.check(want=want, k=k)
