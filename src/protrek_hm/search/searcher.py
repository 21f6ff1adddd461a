"""A model and an index together: queries in, ranked hits out.

`Searcher.answer` is the one way from queries to answers: encode, rank, group. The command line, REST, MCP and batches
call it; `search` is the same without families.
"""

import socket
from collections.abc import Callable, Collection, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import polars as pl
from jaxtyping import Bool, Float, Int

from protrek_hm.config import Modality, require
from protrek_hm.cosines import TOLERANCE
from protrek_hm.data.schema import sequence_problem
from protrek_hm.deadline import checkpoint
from protrek_hm.errors import (
    FileFormatError,
    MissingFileError,
    ModelError,
    OptionError,
    ShardDownError,
    counted,
    shorten,
)
from protrek_hm.homology.lookup import Lookup
from protrek_hm.index.encoder import check_model, encode_unit, locate_model, reader_of
from protrek_hm.index.fanout import Asked
from protrek_hm.index.layout import MODALITIES, IndexInfo
from protrek_hm.index.records import rows_where
from protrek_hm.index.store import Index, sample_of
from protrek_hm.index.vocabulary import Term
from protrek_hm.index.words import searched_text, written_forms
from protrek_hm.model.encoder import FingerprintedEncoder, TwinPreference
from protrek_hm.model.sharing import shared_encoder
from protrek_hm.model.twin_head import head_of
from protrek_hm.search.calibration import DEPTH, ask_known
from protrek_hm.search.hits import MIN_IDENTITY, VOTES, Answer, Family, Hit, Vote, each_alone, group_hits
from protrek_hm.search.labelled import Labelled, lay_out
from protrek_hm.search.query import clean_query
from protrek_hm.search.reading import Cut, cuts
from protrek_hm.search.signals import (
    SIGNALS,
    Background,
    Matched,
    Meaning,
    Question,
    Signal,
    rank_by_signals,
    usable_signals,
)
from protrek_hm.search.significance import p_values
from protrek_hm.search.within import Fit, Votes, Within, tell_order
from protrek_hm.workers import Shared

MOST_HITS = 10_000
"""Hits per query that are looked at to fill the wanted number of families."""

FAR = 3.0
"""Standard deviations from which the meaning of a text stands out."""

_SEQUENCE = 20  # capital letters of amino acids in a row, from which a question is hardly a word
_LEAST_HITS = 50  # of the first look for families
_FIRST, _CANARIES = 256, 2  # of the first records that many of the shortest are encoded again when an index is opened
_SAME_VECTOR = 0.99  # cosine; bf16 and other processors stay above 0.999


class Condition(Protocol):
    """Which records may answer; what is equal chooses the same."""

    def rows(self, records: pl.DataFrame) -> Bool[np.ndarray, " rows"]:
        """Say for each record whether it may."""
        ...


@dataclass(frozen=True)
class SearchConfig:
    """What is asked of an index, besides the queries.

    Attributes
    ----------
    query_type
        What the queries are.
    target_type
        What is compared with them: proteins by their `sequence` or `structure`, or `text`. A protein with several rows
        in the table is one hit, and so is a text that several proteins share: its record is the first of them.
    k
        Families per query, or hits where nothing is grouped, at least 1; fewer where the index holds fewer.
    where
        Only records that meet this condition, in SQL over their columns and `length` (residues), such as
        `length < 400 and organism = 'Escherichia coli'`. p, E and probability stay those of the whole index.
    group
        Whether near-identical hits become families; texts never do.
    min_identity
        Of a family's members with its best hit, in (0, 1]; see `group_hits`.
    exact
        Whether every vector is compared, however many there are.
    most_hits
        Hits that are looked at to fill the families, at most.
    signals
        By what proteins answer a text: see `signals`. What the index does not hold is left out; the model alone answers
        other queries, and ranks texts.
    within
        By what the members of a family that answers a text are ordered, beside what ranks them: see `within`. What
        there is not is left out; `model` alone leaves them in the order of their ranks.
    relatives
        Whether words and meaning also find proteins without a text, by the texts of their labelled relatives in the
        index; such a hit names them.
    fdr
        Only hits of which at most this share is expected to be wrong, in (0, 1): by a threshold that is calibrated on
        families of the whole index, see `calibration`. Hits are ranked by the model alone then.
    partial
        Whether an answer may leave out the records of shards that do not answer; it names them then.
    """

    query_type: Modality = "text"
    target_type: Modality = "sequence"
    k: int = 10
    where: str | Condition | None = None
    group: bool = False
    min_identity: float = MIN_IDENTITY
    exact: bool = False
    most_hits: int = MOST_HITS
    signals: tuple[Signal, ...] = SIGNALS
    within: tuple[Vote, ...] = VOTES
    relatives: bool = True
    fdr: float | None = None
    partial: bool = False

    def __post_init__(self) -> None:
        require("fdr", self.fdr, "must lie between 0 and 1, as 0.1", holds=self.fdr is None or 0 < self.fdr < 1)
        whole = "what it promises holds for the whole index; leave out the condition, or index those records"
        require("fdr", self.fdr, whole, holds=self.fdr is None or self.where is None)
        kinds = "needs queries of another kind than what they are compared with, as texts with proteins"
        require("fdr", self.fdr, kinds, holds=self.fdr is None or self.query_type != self.target_type)
        known = f"known votes are {', '.join(VOTES)}; give one at least"
        asked = set(self.within)
        require("within", ", ".join(self.within), known, holds=bool(asked) and asked <= set(VOTES))
        known = f"known signals are {', '.join(SIGNALS)}; give one at least"
        wanted = set(self.signals)
        require("signals", ", ".join(self.signals), known, holds=bool(wanted) and wanted <= set(SIGNALS))
        fits = not self.group or 0 < self.min_identity <= 1
        require("min_identity", self.min_identity, "must lie in (0, 1]", holds=fits)


class Searcher:
    """Answers from an index, by the model that made it.

    Examples
    --------
    A stand-in for a model, which counts the letters A and C:

    >>> import polars as pl
    >>> from protrek_hm.index.segments import Embeddings
    >>> from protrek_hm.index.layout import IndexInfo
    >>> class Counter:
    ...     temperature, tasks, fingerprint = 0.1, ("text", "sequence"), lambda self: "counts"
    ...     def encode(self, inputs, /, **options):
    ...         return np.array([[each.count("A"), each.count("C")] for each in inputs])
    >>> info = IndexInfo("m", None, "counts", 2, {"records": 2, "sequence": 2})
    >>> vectors = Embeddings(np.array([[1, 0], [0.6, 0.8]], dtype=np.float32), np.array([0, 1]))
    >>> records = pl.DataFrame({"id": ["P1", "P2"], "sequence": ["A", "AAACCCC"]})
    >>> searcher = Searcher(Index(info, records, {"sequence": vectors}), Counter())
    >>> [hits] = searcher.search("C", query_type="sequence", k=1)
    >>> hits[0].id, round(hits[0].score, 6), round(hits[0].protrek_score, 5), round(hits[0].p_value, 3)
    ('P2', 0.8, 8.0, 0.5)
    """

    def __init__(self, index: Index, model: FingerprintedEncoder, *, head: TwinPreference | None = None) -> None:
        check_model(index.info, model)
        self.index, self.model = index, model
        self.head = head
        self.folder: Path | None = None
        self._sample = cache(lambda target_type: index.sample(target_type))
        self._texts = cache(lambda: sample_of(index.meaning) if index.meaning is not None else np.empty((0, 0)))
        self._trials = cache(lambda by, want: ask_known(index, by, want, self._sample(want)))
        self._precision = cache(lambda by, want: self._trials(by, want).precision())

    @classmethod
    def open(
        cls,
        folder: str | Path,
        *,
        model: FingerprintedEncoder | str | Path | None = None,
        device: str | None = None,
        asked: Asked | None = None,
    ) -> "Searcher":
        """Open the index `folder` with the model that it names, or with a given one: loaded, or by name.

        asked: who asks the shards of an index that was split, see `Index.open`.

        Raises
        ------
        MissingFileError, FileFormatError
            If the index or the model is not there, or damaged.
        ModelError
            If the vectors of the index were not made with this model.
        """
        index = Index.open(Path(folder), asked)
        if model is not None and not isinstance(model, str | Path):
            searcher = cls(index, model)
        else:
            from protrek_hm.model import load_encoder

            name = model or locate_model(Path(folder), index.info)
            searcher = cls(index, load_encoder(name, device=device))
        searcher.folder = Path(folder)
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
        query_type: Modality = "text",
        target_type: Modality = "sequence",
        k: int = 10,
        where: str | None = None,
        signals: tuple[Signal, ...] = SIGNALS,
        batch_size: int = 32,
    ) -> list[Answer[Hit]]:
        """Rank the proteins (or texts) of the index by how well they fit each query.

        Parameters
        ----------
        query
            One query or several, of the kind `query_type`.
        target_type, k, where, signals
            As in `SearchConfig`.

        Returns
        -------
        The hits of each query, best first; what is equal comes in the order of the table. Each answer says
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
        queries = [query] if isinstance(query, str) else query
        config = SearchConfig(query_type, target_type, k, where, signals=signals)
        answers = self.answer(queries, config, batch_size=batch_size)
        return [answer.with_items(family.best for family in answer) for answer in answers]

    def answer(
        self,
        queries: Sequence[str],
        config: SearchConfig | Sequence[SearchConfig] | None = None,
        *,
        batch_size: int = 32,
    ) -> list[Answer[Family]]:
        """Answer queries by families of near-identical hits; where nothing is grouped, each hit is its own family.

        Distinct queries are encoded once, those of one `SearchConfig` are ranked together. Inside of `deadline.until`
        the work ends when nobody waits for it any more.

        Parameters
        ----------
        config
            What is asked of all queries, or of each.

        Returns
        -------
        The families of each query, in order of their best hits. Where the hits that were looked at make fewer than `k`
        although the index holds more proteins, the answer's notes say so. Members of a family are those among the hits
        that were looked at.

        Raises
        ------
        OptionError, ModelError
            As `search`.
        """
        configs = list(config) if isinstance(config, Sequence) else [config or SearchConfig()] * len(queries)
        asked = list(zip(queries, configs, strict=True))
        for each in dict.fromkeys(configs):
            self.check(target_type=each.target_type, k=each.k)
        vectors: dict[tuple[str, Modality], Float[np.ndarray, " dim"]] = {}
        read: dict[tuple[str, Modality], Cut | None] = {}
        for kind in dict.fromkeys(each.query_type for each in configs):
            distinct = list(dict.fromkeys(query for query, each in asked if each.query_type == kind))
            keys = [(query, kind) for query in distinct]
            vectors |= zip(keys, self.encode(distinct, query_type=kind, batch_size=batch_size), strict=True)
            read |= zip(keys, self.cuts(distinct, query_type=kind), strict=True)
        answers: dict[tuple[str, SearchConfig], Answer[Family]] = {}
        for each in dict.fromkeys(configs):
            alike = list(dict.fromkeys(query for query, other in asked if other == each))
            keys = [(query, each.query_type) for query in alike]
            searcher = self.exact if each.exact else self
            ranked = searcher._perhaps_partial(alike, np.stack([vectors[key] for key in keys]), each)
            for key, answer in zip(keys, ranked, strict=True):
                answer.cut = read[key]
                answers[key[0], each] = answer
        return [answers[key] for key in asked]

    def _perhaps_partial(
        self, queries: Sequence[str], vectors: Float[np.ndarray, "queries dim"], config: SearchConfig
    ) -> list[Answer[Family]]:
        """Answer without the shards that do not, where `config` lets them be missing."""
        searcher, lost = self, dict[int, str]()
        while True:
            try:
                ranked = searcher._ranked_families(queries, vectors, config)
            except ShardDownError as error:
                if not config.partial or error.number in lost:
                    raise
                lost[error.number] = error.name
                searcher = self._over(self.index.without(frozenset(lost)))
            else:
                for answer in ranked:
                    answer.missing = tuple(lost[number] for number in sorted(lost))
                return ranked

    def _over(self, index: Index) -> "Searcher":
        """Return the same searcher over other vectors; samples, and what is measured on them, stay those of all."""
        other = copy(self)
        other.index = index
        for made_over_all in ("exact", "within"):
            other.__dict__.pop(made_over_all, None)
        return other

    def shared(self) -> Shared["Searcher"]:
        """Say how other processes get this searcher: they open the same index, with the same model."""
        encoder = self._shared_encoder
        exact = self.index.engines == {}
        return Shared(_open_same, (self.folder, self.index.info, exact, encoder.make, encoder.arguments), here=self)

    @cached_property
    def _shared_encoder(self) -> Shared[FingerprintedEncoder]:
        return shared_encoder(self.model)

    def measure(self) -> None:
        """Draw and measure now what answers need of the whole index, which else the first of each kind waits for."""
        self._texts()
        for want in self.index.embeddings:
            self._sample(want)
            for by in self.index.embeddings:
                self._precision(by, want)

    def _ranked_families(
        self, queries: Sequence[str], vectors: Float[np.ndarray, "queries dim"], config: SearchConfig
    ) -> list[Answer[Family]]:
        """Rank more and more hits until `k` families are full, or `most_hits` are seen."""
        where = config.where
        allowed = None
        if where is not None:
            allowed = (
                rows_where(self.index.records, where) if isinstance(where, str) else where.rows(self.index.records)
            )
        question = config.query_type == "text" != config.target_type
        promised = None if config.fdr is None else self._promised(config)
        signals = usable_signals(self.index, config.signals if question and promised is None else ("model",))
        if not signals:
            held = ", ".join(usable_signals(self.index, SIGNALS))
            remedy = f"this index answers by {held}; index build adds meaning, any change of an index its words"
            raise OptionError("signals", ", ".join(config.signals), remedy)
        questions: list[Question] = []
        if signals != ("model",):
            questions = self._questions(queries, vectors, config.target_type, signals, by_relatives=config.relatives)

        def rank(numbers: list[int], k: int) -> list[Answer[Hit]]:
            if signals == ("model",):
                kinds = {"query_type": config.query_type, "target_type": config.target_type}
                if promised is None:
                    return self.rank(vectors[numbers], **kinds, k=k, where=allowed)
                return [promised(each) for each in self.rank(vectors[numbers], **kinds, k=min(k, DEPTH))]
            return [self._rank_by_signals(questions[each], config.target_type, k, allowed) for each in numbers]

        if not config.group or config.target_type == "text":
            return [hits.with_items(each_alone(hits)) for hits in rank(list(range(len(vectors))), config.k)]
        found = self._group(rank, len(vectors), config)
        if config.query_type != "text" or set(config.within) == {"model"}:
            return found
        asked = questions or [
            Question(
                vector,
                Background.of(each.background) if len(each.background) else None,
                background=each.background,
                text=query,
            )
            for query, vector, each in zip(queries, vectors, found, strict=True)
        ]
        ordered = [self.within.order(each, own, config.within) for each, own in zip(found, asked, strict=True)]
        return [each.with_items(own, notes=tell_order(own)) for each, own in zip(found, ordered, strict=True)]

    def _promised(self, config: SearchConfig) -> Callable[[Answer[Hit]], Answer[Hit]]:
        """Return what leaves the beginning of a ranking for which `fdr` holds."""
        by, want, share = config.query_type, config.target_type, f"{100 * (config.fdr or 0):g} %"
        trials = self._trials(by, want)
        least = trials.threshold(config.fdr or 0)
        told = f"by the model alone, calibrated on {counted(trials.families, 'family', 'families')} of this index"

        def kept(answer: Answer[Hit]) -> Answer[Hit]:
            deviations = Background.of(answer.background).deviations(np.array([hit.score for hit in answer]))
            hits = answer[: int((deviations >= least - TOLERANCE).sum())]
            if config.group and want != "text":  # whole families, and nothing that ranks behind one that is left out
                others = group_hits(hits, min_identity=config.min_identity)[config.k :]
                hits = hits[: others[0].best.rank - 1] if others else hits
            if not hits:
                return answer.with_items(hits, notes=[f"no hit scores so high that at most {share} are wrong ({told})"])
            notes = [f"at most {share} of such hits are expected to be wrong ({told})"]
            if len(hits) == DEPTH:
                notes.append(f"only the {DEPTH} best hits were looked at: others may score as high")
            return answer.with_items(hits, notes=notes)

        return kept

    def _group(
        self, rank: Callable[[list[int], int], list[Answer[Hit]]], queries: int, config: SearchConfig
    ) -> list[Answer[Family]]:
        """Make families of as many hits of each query as `rank` must give to fill them."""
        found: list[Answer[Family]] = [Answer() for _ in range(queries)]
        waiting = list(range(queries))
        fetch = min(max(5 * config.k, _LEAST_HITS), max(config.most_hits, config.k))
        while waiting:
            unfilled = []
            for number, hits in zip(waiting, rank(waiting, fetch), strict=True):
                families = group_hits(hits, min_identity=config.min_identity)[: config.k]
                notes, more = [], len(families) < config.k and len(hits) == fetch
                if more and fetch < config.most_hits:
                    unfilled.append(number)
                elif more and fetch < self.index.info.counts["records"]:
                    notes = [f"only the {fetch:,} best hits were looked at: there may be more families"]
                found[number] = hits.with_items(families, notes=notes)
            waiting, fetch = unfilled, min(4 * fetch, config.most_hits)
        return found

    def votes(self, text: str, a: str, b: str) -> Votes:
        """Say what would order two proteins in a family that answers a text, by what others than these are said to do.

        Neither's own text counts, so that this is evidence besides it. Raises as `search` does.
        """
        cleaned = clean_query(text, "text")
        vectors = self.encode([cleaned], query_type="text")
        [question] = self._questions([cleaned], vectors, "sequence", usable_signals(self.index, SIGNALS))
        cosines = self.encode([a, b], query_type="sequence").astype(np.float64) @ vectors[0].astype(np.float64)
        hits = [
            Hit(1, "", score, score / self.model.temperature, None, None, None, {"sequence": sequence})
            for score, sequence in zip(cosines.tolist(), (a, b), strict=True)
        ]
        return self.within.votes(hits, question, VOTES, without=(a, b))

    def fits(self, sequence: str, texts: Sequence[str], *, without: Collection[str] = ()) -> list[Fit]:
        """Say how well each text fits a protein, by the model and by the protein's labelled relatives.

        Parameters
        ----------
        without
            Sequences that count as no relatives, such as the protein's own.

        Raises
        ------
        OptionError, ModelError
            As `search`.
        """
        cleaned = [clean_query(each, "text") for each in texts]
        vectors = self.encode(cleaned, query_type="text")
        asked = self._questions(cleaned, vectors, "sequence", usable_signals(self.index, SIGNALS))
        [own] = self.encode([sequence], query_type="sequence").astype(np.float64)
        left_out = tuple(sorted(set(without)))
        found = []
        for text, question in zip(cleaned, asked, strict=True):
            cosine = float(np.clip(question.vector.astype(np.float64) @ own, -1, 1))
            [deviation] = Background.of(question.background).deviations(np.array([cosine])).tolist()
            predicted = self.within.predicted(question, [sequence], sequence, without=left_out)
            relatives = 0.0 if predicted is None else float(predicted.deviations[0])
            found.append(Fit(text, cosine, deviation, relatives))
        return found

    def cuts(self, queries: Sequence[str], *, query_type: Modality) -> list[Cut | None]:
        """Say what the model does not read of each query; None where it reads all."""
        return cuts(self.model, [clean_query(each, query_type) for each in queries], task=query_type)

    @cached_property
    def exact(self) -> "Searcher":
        """The same searcher, which compares a query with every vector, however many there are."""
        return self._over(self.index.exactly())

    @cached_property
    def within(self) -> Within:
        """What orders the members of a family; made when first asked."""
        return Within(self.index, self.model, head_of(self.model) if self.head is None else self.head)

    @cached_property
    def proteins(self) -> Lookup:
        """The distinct proteins of the index, laid out to find relatives among them; made when first asked."""
        return Lookup.of(self.index.records["sequence"].drop_nulls().unique(maintain_order=True))

    @cached_property
    def labelled(self) -> Labelled:
        """The proteins of the index that have a text, laid out to find relatives among them; made when first asked."""
        return lay_out(self.index, np.arange(self.index.info.counts["records"]))

    def encode(
        self, queries: Sequence[str], *, query_type: Modality, batch_size: int = 32
    ) -> Float[np.ndarray, "queries dim"]:
        """Check queries and encode them as unit vectors; raises as `search` does."""
        require("by", query_type, f"known kinds are {', '.join(MODALITIES)}", holds=query_type in MODALITIES)
        cleaned = [clean_query(each, query_type) for each in queries]
        if not cleaned:
            return np.empty((0, self.index.info.dimension), dtype=np.float32)
        vectors = encode_unit(self.model, cleaned, task=query_type, batch_size=batch_size)
        if vectors.shape[1] != self.index.info.dimension:
            problem = f"the model gives vectors of {vectors.shape[1]} numbers, the index holds"
            raise ModelError(f"{problem} {self.index.info.dimension}", "search it with the model that made it")
        return vectors

    def rank(
        self,
        vectors: Float[np.ndarray, "queries dim"],
        *,
        query_type: Modality,
        target_type: Modality = "sequence",
        k: int = 10,
        where: str | Bool[np.ndarray, " rows"] | None = None,
    ) -> list[Answer[Hit]]:
        """Rank hits by the model alone, for queries that `encode` encoded, `where` as in `Index.nearest`."""
        self.check(target_type=target_type, k=k)
        background = self.background(vectors, target_type=target_type)
        k = min(k, self.index.info.counts["records"])
        cosines, rows, exact = self.index.neighbours(vectors, want=target_type, k=k, where=where)
        answers = []
        for query in range(len(vectors)):
            some = rows[query] >= 0
            hits = self._hits(rows[query][some], cosines[query][some], background[query], query_type, target_type)
            notes = _nothing_left(hits, where, target_type)
            answers.append(Answer(hits, exact=bool(exact[query]), background=background[query], notes=notes))
        return answers

    def _questions(
        self,
        queries: Sequence[str],
        vectors: Float[np.ndarray, "queries dim"],
        target_type: Modality,
        signals: Sequence[Signal],
        *,
        by_relatives: bool = False,
    ) -> list[Question]:
        """Look at questions in words as each signal does."""
        meanings: list[Meaning | None] = [None] * len(queries)
        reader = reader_of(self.index.info) if "meaning" in signals else None
        if reader is not None:
            read = reader.encode(list(queries))
            meanings = [Meaning.of_texts(vector, vector @ self._texts().T) for vector in read]
        backgrounds = self.background(vectors, target_type=target_type)
        words = self.index.words if "words" in signals else None
        return [
            Question(
                vector,
                Background.of(background) if "model" in signals else None,
                {} if words is None else words.find(query),
                meaning,
                background,
                len(query) >= _SEQUENCE and query.isupper() and sequence_problem(query) is None,
                query,
                by_relatives,
            )
            for query, vector, meaning, background in zip(queries, vectors, meanings, backgrounds, strict=True)
        ]

    def _rank_by_signals(
        self, question: Question, target_type: Modality, k: int, allowed: Bool[np.ndarray, " rows"] | None
    ) -> Answer[Hit]:
        """Rank hits for a question in words."""
        checkpoint()
        ranked = rank_by_signals(self.index, question, target_type=target_type, k=k, allowed=allowed)
        terms = [each.term for each in question.words.values() if each.term is not None]
        hits = self._hits(ranked.rows, ranked.cosines, question.background, "text", target_type, ranked.matched, terms)
        unknown = [f"“{shorten(word, width=30)}”" for word, held in question.words.items() if not len(held.rows)]
        notes = [f"no record holds the word{'s' * (len(unknown) > 1)} {', '.join(unknown)}"] if unknown else []
        if hits and not any(_speaks(hit.matched) or _is_near(hit, question) for hit in hits if hit.matched):
            notes.append("nothing stands out: no text is near the question, and chance gives as high a score")
        if question.reads_like_a_sequence:
            notes.append("the question reads like an amino acid sequence: search it with --by sequence")
        notes += _nothing_left(hits, allowed, target_type)
        return Answer(hits, exact=ranked.exact, background=question.background, notes=notes)

    def _hits(
        self,
        rows: Int[np.ndarray, " hits"],
        cosines: Float[np.ndarray, " hits"],
        background: Float[np.ndarray, " sample"],
        query_type: Modality,
        target_type: Modality,
        matched: Sequence[Matched] | None = None,
        terms: Sequence[Term] = (),
    ) -> list[Hit]:
        """Say what is known of the hits of a query, in the order given."""
        chance_of = self._precision(query_type, target_type) if matched is None else None
        deviations = Background.of(background).deviations(cosines)
        chances = [None] * len(rows) if chance_of is None else chance_of(deviations).tolist()
        surprise = p_values(cosines[None], background[None])[0].tolist()
        searched = self.index.info.counts[target_type]
        hits = []
        records = self.index.take(rows).rows(named=True)
        if matched is not None and terms:
            matched = _as_written(matched, terms, records)
        for place, record in enumerate(records):
            cosine, p = float(cosines[place]), surprise[place]
            scores = (cosine, cosine / self.model.temperature, chances[place], p, p * searched)
            common = None if matched is None else matched[place]
            hits.append(Hit(place + 1, record["id"], *scores, record, common))
        return hits

    def background(
        self, vectors: Float[np.ndarray, "queries dim"], *, target_type: Modality
    ) -> Float[np.ndarray, "queries sample"]:
        """Return the cosines of each query with the index's background sample, in ascending order."""
        return np.sort(vectors @ self._sample(target_type).T, axis=1)

    def check(self, *, target_type: Modality, k: int) -> None:
        """Raise OptionError if the index has no such modality, or k < 1."""
        self.index.check(want=target_type, k=k)


def _open_same(
    folder: Path | None,
    wanted: IndexInfo,
    exact: bool,  # noqa: FBT001, as `Shared` gives it
    load: Callable[..., FingerprintedEncoder],
    arguments: tuple[Any, ...],
) -> Searcher:
    here = socket.gethostname()
    if folder is None:
        raise OptionError("index", None, "lies in the memory of one process; open it from a folder that all see")
    try:
        searcher = Searcher.open(folder, model=load(*arguments))
    except MissingFileError as error:
        raise MissingFileError(folder, f"the machine {here} does not see it; put it where all nodes do") from error
    if searcher.index.info != wanted:
        raise FileFormatError(folder, f"the machine {here} has another index there", "give all machines the same one")
    return searcher.exact if exact else searcher


def _as_written(
    matched: Sequence[Matched], terms: Sequence[Term], records: Sequence[Mapping[str, Any]]
) -> list[Matched]:
    """Write the words that hits match as their records do."""
    written = written_forms(terms, [searched_text(each) for each in records])
    of_others = iter(written_forms(terms, [one.text for each in matched for one in each.relatives]))
    return [
        replace(
            each,
            words=_spelled(each.words, forms),
            relatives=tuple(replace(one, words=_spelled(one.words, next(of_others))) for one in each.relatives),
        )
        for each, forms in zip(matched, written, strict=True)
    ]


def _spelled(words: Sequence[str], forms: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(form for word in words for form in forms.get(word, (word,))))


def _nothing_left(hits: Sequence[Hit], where: object, target_type: Modality) -> list[str]:
    none = where is not None and not hits
    return [f"no record with a {target_type} meets the condition; loosen it"] if none else []


def _speaks(matched: Matched) -> bool:
    """Say whether a record, or that of a relative, holds words of the question."""
    return bool(matched.words or any(each.words for each in matched.relatives))


def _is_near(hit: Hit, question: Question) -> bool:
    """Say whether a hit's text, that of a relative, or its score stands out of the index."""
    matched = hit.matched or Matched()
    meanings = [each for each in (matched.meaning, *(one.meaning for one in matched.relatives)) if each is not None]
    if meanings and question.meaning is not None:
        near = bool(question.meaning.deviations(np.array([max(meanings)]))[0] >= FAR)
        if near or matched.meaning is not None:
            return near
    return question.model is not None and hit.e_value is not None and hit.e_value < 1
