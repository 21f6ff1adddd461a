"""What the server can do, each as one method from request to answer; routes and other doors call these alone."""

import asyncio
import logging
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any, TypeVar

from protrek_hm.config import Modality
from protrek_hm.cosines import cosine_table
from protrek_hm.errors import GivenUpError, OptionError
from protrek_hm.index.encoder import encode_unit
from protrek_hm.search.config import ScanConfig
from protrek_hm.search.describe import describe
from protrek_hm.search.explain import explain_pair, find_protein, with_votes
from protrek_hm.search.family import align_family
from protrek_hm.search.query import clean_query
from protrek_hm.search.reading import tell_cuts
from protrek_hm.search.scan import Scan, scan_protein
from protrek_hm.search.searcher import SearchConfig, Searcher
from protrek_hm.serve.answers import Room, background_answer, examples_of, family_answer, plain, size
from protrek_hm.serve.batching import Batcher, FullError
from protrek_hm.serve.conditions import read_condition
from protrek_hm.serve.config import ServeConfig
from protrek_hm.serve.problems import ProblemError, as_problem
from protrek_hm.serve.schemas import (
    BatchRequest,
    DescribeRequest,
    ExplainRequest,
    FamilyRequest,
    ScanRequest,
    ScoreRequest,
    SearchRequest,
    check_k,
    check_pair,
    check_scan,
    check_text,
    check_texts,
)
from protrek_hm.serve.uploads import read_upload

Item = TypeVar("Item")
_LOG = logging.getLogger(__name__)
_UPLOADS = 8  # that wait to be read
_MOST_GROUPED = 500  # hits that are looked at to fill the families, unless more are asked for


@dataclass(frozen=True)
class _Question:
    """One query. room: for the answers to all queries of its request."""

    query: str
    config: SearchConfig
    room: Room


class Service:
    """A searcher with a queue before it.

    `observe` is called with the size of each batch, `watch` as `Batcher` says. All methods raise ProblemError.
    """

    def __init__(
        self,
        searcher: Searcher,
        config: ServeConfig,
        *,
        observe: Callable[[int], None] = lambda _: None,
        watch: Callable[[float | None], None] = lambda _: None,
    ) -> None:
        self.searcher, self.config = searcher, config
        self._model = Batcher(
            most_waiting=config.max_waiting,
            batch_size=config.batch_size,
            batch_wait=config.batch_wait,
            observe=observe,
            watch=watch,
        )
        self._uploads = Batcher(most_waiting=_UPLOADS, batch_size=1)

    @property
    def waiting(self) -> int:
        """How many queries wait for the model."""
        return self._model.waiting

    def close(self) -> None:
        """Stop; what still waits is given up."""
        self._model.close(answer=False)
        self._uploads.close(answer=False)

    async def search(self, request: SearchRequest) -> dict[str, Any]:
        """Answer one question: families of hits, and how the query scores with the background."""
        check_text(request.query, "query", self.config)
        options = request.model_dump(exclude={"query"})
        [answer] = await self._search(["query"], BatchRequest(queries=[request.query], **options))
        return answer

    async def batch(self, request: BatchRequest) -> dict[str, Any]:
        """Answer several questions."""
        check_texts(request.queries, "queries", self.config)
        return {"results": await self._search(_places("queries", request.queries), request)}

    async def score(self, request: ScoreRequest) -> dict[str, Any]:
        """Score every text with every sequence."""
        check_texts(request.texts, "texts", self.config)
        check_texts(request.sequences, "sequences", self.config)
        self._check_kinds("text", "sequence")
        texts = _clean(request.texts, "text", _places("texts", request.texts))
        sequences = _clean(request.sequences, "sequence", _places("sequences", request.sequences))
        model, batch_size = self.searcher.model, self.config.batch_size

        def run(_: list[None]) -> list[dict[str, Any]]:
            rows = encode_unit(model, texts, task="text", batch_size=batch_size)
            columns = encode_unit(model, sequences, task="sequence", batch_size=batch_size)
            told = (tell_cuts(model, texts, task="text"), tell_cuts(model, sequences, task="sequence"))
            scores = cosine_table(rows, columns).tolist()
            return [{"scores": scores, "notes": [each for each in told if each]}]

        [answer] = await self._ask(self._model, [None], run)
        return {**answer, "temperature": float(model.temperature)}

    async def explain(self, request: ExplainRequest) -> dict[str, Any]:
        """Say which differences of two proteins make one fit a text better."""
        for field in ("text", "a", "b"):
            check_text(getattr(request, field), field, self.config)
        self._check_kinds("text", "sequence")

        def run(_: list[None]) -> list[Any]:
            with _told_of("a"):
                a = find_protein(self.searcher.index, request.a)
            with _told_of("b"):
                b = find_protein(self.searcher.index, request.b)
            check_pair(a.sequence, b.sequence, self.config)
            found = explain_pair(self.searcher.model, request.text, a, b)
            return [plain(with_votes(self.searcher, found).as_dict())]

        [answer] = await self._ask(self._model, [None], run)
        return dict(answer)

    async def family(self, request: FamilyRequest) -> dict[str, Any]:
        """Align the members of a family, and say what their differences are worth for a text."""
        check_texts(request.proteins, "proteins", self.config)
        check_text(request.text or "", "text", self.config)
        self._check_kinds("text", "sequence")
        fields = _places("proteins", request.proteins)

        def run(_: list[None]) -> list[dict[str, Any]]:
            members = []
            for given, field in zip(request.proteins, fields, strict=True):
                with _told_of(field):
                    members.append(find_protein(self.searcher.index, given))
                check_pair(members[0].sequence, members[-1].sequence, self.config, field=field)
            limits = {"most_variations": self.config.max_variants, "batch_size": self.config.batch_size}
            return [plain(align_family(self.searcher, members, request.text, **limits).as_dict())]

        [answer] = await self._ask(self._model, [None], run)
        await asyncio.to_thread(lambda: self._room(0).take(size(answer)))
        return dict(answer)

    async def scan(self, request: ScanRequest) -> dict[str, Any]:
        """Score every single substitution of a protein, or of a region of it."""
        found = await self._scan(request)
        answer = plain(found.as_dict())
        await asyncio.to_thread(lambda: self._room(0).take(size(answer)))
        return dict(answer)

    async def scan_best(self, request: ScanRequest, top: int) -> dict[str, Any]:
        """Name the substitutions that score highest and lowest."""
        found = await self._scan(request)
        about = {name: value for name, value in found.as_dict().items() if name not in ("residues", "model", "head")}
        lists = {"highest": found.best(top), "lowest": found.best(top, lowest=True)}
        best = {name: [{"notation": each.notation, **asdict(each)} for each in own] for name, own in lists.items()}
        return dict(plain({**about, **best}))

    async def _scan(self, request: ScanRequest) -> Scan:
        for field in ("text", "protein", "from_text"):
            check_text(getattr(request, field) or "", field, self.config)
        self._check_kinds("text", "sequence")
        texts = [each for each in (request.text, request.from_text) if each is not None]
        text, *others = _clean(texts, "text", ["text", "from_text"][: len(texts)])
        with _told_of("region"):
            settings = ScanConfig(
                request.region,
                request.signals,
                most_residues=self.config.max_query_length,
                batch_size=self.config.batch_size,
            )

        def run(_: list[None]) -> list[Any]:
            with _told_of("protein"):
                protein = find_protein(self.searcher.index, request.protein)
            region = request.region or (1, len(protein.sequence))
            check_scan(protein.sequence, region, self.config, by_model="model" in request.signals)
            from_text, model = others[0] if others else None, self.searcher.model
            return [scan_protein(model, text, protein, from_text=from_text, searcher=self.searcher, config=settings)]

        [found] = await self._ask(self._model, [None], run)
        assert isinstance(found, Scan), "one answer for each item"
        return found

    async def describe(self, request: DescribeRequest) -> dict[str, Any]:
        """Say what proteins do, by the texts of the index."""
        check_texts(request.sequences, "sequences", self.config)
        check_k(request.k, self.config, queries=len(request.sequences))
        self._check_kinds("sequence")
        sequences = _clean(request.sequences, "sequence", _places("sequences", request.sequences))
        self._room(len(sequences) * request.k)

        def run(asked: list[str]) -> list[Any]:
            return [plain(each.as_dict()) for each in describe(self.searcher, asked, k=request.k)]

        found = await self._ask(self._model, sequences, run, group=("describe", request.k))
        await asyncio.to_thread(lambda: self._room(0).take(size(found)))
        return {"descriptions": found}

    async def structure(self, upload: IO[bytes], chain: str | None) -> dict[str, Any]:
        """Return sequence and 3Di letters of an uploaded structure."""

        def run(_: list[None]) -> list[dict[str, Any]]:
            return [read_upload(upload, chain, self.config)]

        [answer] = await self._ask(self._uploads, [None], run)
        return dict(answer)

    def index(self) -> dict[str, Any]:
        """Say what the index holds, what it was made from, and what may be asked; no path of this machine."""
        index, config = self.searcher.index, self.config
        info = asdict(index.info)
        limits = ("max_k", "max_queries", "max_hits", "max_query_length", "max_letters", "max_variants")
        described = {key: value for key, value in info.items() if key not in ("model", "model_path", "sources")}
        return {
            "model": Path(info["model"]).name if Path(info["model"]).is_absolute() else info["model"],
            "modalities": list(index.info.modalities),
            "queries": list(self.searcher.model.tasks),
            "columns": [{"name": name, "type": str(kind)} for name, kind in index.records.schema.items()],
            **described,
            "sources": [{**each, "file": Path(each["file"]).name} for each in info["sources"]],
            "examples": self._examples,
            "twin_head": self.searcher.head is not None,
            "limits": {name: getattr(config, name) for name in (*limits, "max_upload_bytes")},
        }

    async def _search(self, fields: Sequence[str], request: BatchRequest) -> list[dict[str, Any]]:
        check_k(request.k, self.config, queries=len(request.queries))
        self._check_kinds(request.by)
        held = self.searcher.index.info.modalities
        if request.want not in held:
            raise ProblemError(400, "want", f"this index holds {', '.join(held)}", "choose one of them")
        where = None
        if request.where is not None:
            where = read_condition(request.where, self.searcher.index.records, seconds=self.config.timeout)
        with _told_of("fdr"):
            config = SearchConfig(
                request.by,
                request.want,
                request.k,
                where,
                group=request.group,
                exact=request.exact,
                most_hits=_MOST_GROUPED,
                signals=request.signals,
                within=request.within,
                relatives=request.relatives,
                fdr=request.fdr,
                partial=request.partial,
            )
        cleaned = _clean(request.queries, request.by, fields)
        room = self._room(len(cleaned) * request.k)
        asked = [_Question(query, config, room) for query in cleaned]
        found = await self._ask(self._model, asked, self._answer, group=("search", request.by))
        kinds = {"by": request.by, "want": request.want}
        return [{"query": query, **kinds, **own} for query, own in zip(request.queries, found, strict=True)]

    def _answer(self, questions: list[_Question]) -> list[dict[str, Any]]:
        """Answer the queries of several requests at once."""
        for question in questions:
            question.room.empty()
        queries, configs = [each.query for each in questions], [each.config for each in questions]
        answers = self.searcher.answer(queries, configs, batch_size=self.config.batch_size)
        found = []
        for question, answer in zip(questions, answers, strict=True):
            families = []
            for family in answer:
                families.append(family_answer(family))
                question.room.take(size(families[-1]))
            vectors = self.searcher.index.info.counts[question.config.target_type]
            background = background_answer(answer.background, vectors=vectors)
            notes = [
                each.replace("--exact", "exact: true").replace("--within model", 'within: ["model"]')
                for each in answer.notes
            ]
            own = {"families": families, "looked_at": answer.looked_at, "background": background}
            found.append({**own, "missing": list(answer.missing), "notes": notes})
        return found

    def _room(self, hits: int) -> Room:
        """Return the room for an answer; raise ProblemError if so many records of usual size do not fit into it."""
        room = Room(self.config.max_answer_bytes)
        room.take(hits * self._record_bytes)
        return room

    @cached_property
    def _record_bytes(self) -> float:
        records = self.searcher.index.records
        return records.estimated_size() / max(len(records), 1)

    @cached_property
    def _examples(self) -> dict[str, list[dict[str, str]]]:
        return examples_of(self.searcher.index)

    async def _ask(
        self,
        batcher: Batcher,
        items: Sequence[Item],
        run: Callable[[list[Item]], Sequence[Any]],
        *,
        group: Hashable | None = None,
    ) -> list[Any]:
        try:
            future = asyncio.wrap_future(batcher.submit(items, run, group=group, seconds=self.config.timeout))
        except FullError:
            message, remedy = "too many questions wait already", "ask again in a second"
            raise ProblemError(429, None, message, remedy, headers={"Retry-After": "1"}) from None
        done, _ = await asyncio.wait([future], timeout=self.config.timeout)
        if not done:
            future.cancel()
            raise self._too_late()
        error = future.exception()
        if isinstance(error, GivenUpError):
            raise self._too_late()
        if error is not None:
            problem = as_problem(error)
            if problem.status >= 500:
                _LOG.error("a question was not answered", exc_info=error)
            raise problem from error
        return future.result()

    def _too_late(self) -> ProblemError:
        message = f"no answer within {self.config.timeout:g} seconds"
        return ProblemError(503, None, message, "ask for less, or later", headers={"Retry-After": "5"})

    def _check_kinds(self, *kinds: Modality) -> None:
        known = self.searcher.model.tasks
        for kind in kinds:
            if kind not in known:
                message = f"this model has no route for {kind!r}"
                raise ProblemError(400, "by", message, f"it encodes {', '.join(known)}")


def _places(field: str, values: Sequence[str]) -> list[str]:
    return [f"{field}[{place}]" for place in range(len(values))]


def _clean(values: Sequence[str], by: Modality, fields: Sequence[str]) -> list[str]:
    cleaned = []
    for value, field in zip(values, fields, strict=True):
        with _told_of(field):
            cleaned.append(clean_query(value, by))
    return cleaned


@contextmanager
def _told_of(field: str) -> Iterator[None]:
    """Say in which field of the request the value stands that is refused."""
    try:
        yield
    except OptionError as error:
        problem = as_problem(error)
        raise ProblemError(400, field, problem.message, problem.remedy) from None
