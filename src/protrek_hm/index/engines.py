"""Engines made, extended and tuned: how thoroughly to ask them is measured, not guessed.

Queries are drawn from the index itself, of every modality that it holds: texts ask a sequence engine otherwise than
sequences do. The exact neighbours of these queries tell what is missed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from operator import itemgetter
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from protrek_hm.config import Modality
from protrek_hm.index import approximate
from protrek_hm.index.approximate import NEIGHBOURS, Approximate, ApproximateEngine, Effort, Lists, lists_for
from protrek_hm.index.layout import EffortInfo, EngineInfo
from protrek_hm.index.nearest import Engine, nearest
from protrek_hm.index.segments import Embeddings, Vectors

AIM = 0.99
"""Share of the ten nearest that is wanted of every kind of query, so that other queries see at least 0.98."""
QUERIES = 1_024
"""So many of each kind: what is missed, a few queries miss, so that a small sample tells little."""
CANDIDATES = (50, 100, 200, 400, 800, 1_600)
WIDER = (100, 1_000)
"""Numbers of neighbours that are tuned for besides the first ten, with `_FEWEST` queries at least."""
_FEWEST = 32
_SURPLUS = (2, 3, 4, 6, 8, 12, 16)  # candidates for each of many neighbours
SCATTERS = (0.0, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08, 0.1, 0.12)
MISSED = (0.006, 0.004, 0.002, 0.001, 0.0)
"""Shares of the neighbours that may lie in lists that are not looked into."""
_LIST, _CANDIDATE, _COMPARED = 100, 40, 10
# the time of a list, a candidate, and a vector that is compared exactly, in that of one vector of a list (20 ns)


def make_engines(
    index: Path, embeddings: Mapping[Modality, Embeddings], old: Mapping[str, EngineInfo], *, generation: int
) -> dict[str, EngineInfo]:
    """Make an engine for each modality that has more than `approximate.EXACT` vectors; one that still fits is kept.

    An old engine is extended when more than `approximate.EXACT` vectors lie beyond it, and made anew when it has become
    too coarse.
    """
    made: dict[str, EngineInfo] = {}
    for modality, held in embeddings.items():
        vectors, about = held.vectors, old.get(modality)
        if about is not None and len(vectors) - about.vectors <= approximate.EXACT:
            made[modality] = about
            continue
        if len(vectors) <= approximate.EXACT:
            continue
        if about is None or lists_for(len(vectors)) > about.lists:
            engine = Approximate.train(vectors, seed=0)
            engine.add(vectors)
        else:
            engine = Approximate.open(index / about.file, vectors=about.vectors, mapped=False)
            engine.add(vectors, start=about.vectors)
        name = f"{modality}-{generation}.faiss"
        engine.save(index / name)
        made[modality] = _measured(name, engine, vectors, _queries(embeddings))
    return made


def make_part(
    index: Path,
    embeddings: Mapping[Modality, Embeddings],
    modality: Modality,
    whole: Path,
    numbers: Int[np.ndarray, " n"],
) -> EngineInfo:
    """Make the engine of a shard from that of the whole index, the file `whole`: the same centres, rotation and codes.

    numbers: in the whole index, of the shard's vectors, in order.
    """
    engine = Approximate.open(whole).part(numbers, whole)
    name = f"{modality}-1.faiss"
    engine.save(index / name)
    return _measured(name, engine, embeddings[modality].vectors, _queries(embeddings))


def _measured(
    name: str, engine: Approximate, vectors: Vectors, queries: Mapping[str, Float[np.ndarray, "queries dim"]]
) -> EngineInfo:
    """Say how thoroughly an engine is asked, and what it finds then."""
    effort, recall = tune(engine, vectors, queries)
    return EngineInfo(
        *(name, len(vectors), engine.lists, effort.reach, effort.candidates, recall, effort.scatter),
        wider=tuple(_tune_wider(engine, vectors, queries)),
    )


def open_engine(index: Path, about: EngineInfo) -> Engine:
    """Open an engine that `make_engines` made; raises as `Approximate.open`."""
    return engine_over(Approximate.open(index / about.file, vectors=about.vectors), about)


def engine_over(lists: Lists, about: EngineInfo) -> Engine:
    """Return the engine that asks these lists as thoroughly as was measured."""
    wider = {each.neighbours: Effort(each.reach, each.scatter, each.candidates) for each in about.wider}
    return ApproximateEngine(lists, Effort(about.reach, about.scatter, about.candidates), wider)


def _tune_wider(
    engine: Approximate, vectors: Vectors, queries: Mapping[str, Float[np.ndarray, "queries dim"]]
) -> Iterator[EffortInfo]:
    """Tune for more neighbours, up to the number for which comparing all vectors is as good."""
    for neighbours in WIDER:
        size = max(_FEWEST, QUERIES * NEIGHBOURS // neighbours)
        if _SURPLUS[0] * neighbours > len(vectors):
            return
        some = {kind: each[:: max(len(each) // size, 1)] for kind, each in queries.items()}
        effort, recall = tune(engine, vectors, some, neighbours=neighbours)
        if min(recall.values()) < AIM or _CANDIDATE * effort.candidates > _COMPARED * len(vectors):
            return
        yield EffortInfo(neighbours, **asdict(effort), recall=recall)


def tune(
    engine: Approximate,
    vectors: Vectors,
    queries: Mapping[str, Float[np.ndarray, "queries dim"]],
    *,
    neighbours: int = NEIGHBOURS,
) -> tuple[Effort, dict[str, float]]:
    """Find the cheapest effort that finds `AIM` of so many neighbours for all kinds of queries.

    Where the neighbours lie says how far one must reach for them; then the engine is asked how many candidates it
    takes. A query that is itself one of the vectors does not count as its own neighbour.

    Returns
    -------
    The effort, and the recall with it by kind of query; the most thorough effort where none reaches the aim.
    """
    counts = CANDIDATES if neighbours == NEIGHBOURS else [each * neighbours for each in _SURPLUS]
    truth = {kind: _neighbours(each, vectors, neighbours) for kind, each in queries.items()}
    owners = {kind: engine.owners(vectors[near.ravel()]).reshape(near.shape) for kind, near in truth.items()}
    cosines = {kind: engine.cosines(each) for kind, each in queries.items()}

    def reaching(scatter: float, missed: float) -> tuple[float, float]:
        """Return how far to reach so that no more is missed, and what that costs a query."""
        lags = {kind: _lags(engine.promises(each, scatter=scatter)) for kind, each in cosines.items()}
        needed = [np.take_along_axis(lags[kind], owners[kind], axis=1) for kind in queries]
        reach = max(float(np.quantile(each, 1 - missed, method="higher")) for each in needed)
        costs = [((each <= reach) * (engine.sizes + _LIST)).sum(axis=1).mean() for each in lags.values()]
        return reach, float(np.mean(costs))

    scatter = min(SCATTERS, key=lambda each: reaching(each, MISSED[0])[1])
    tried: list[tuple[float, Effort, dict[str, float]]] = []
    for missed in MISSED:
        reach, cost = reaching(scatter, missed)
        if tried and cost + _CANDIDATE * counts[0] >= min(tried, key=itemgetter(0))[0]:
            break  # farther is dearer, whatever it saves in candidates
        effort = Effort(round(reach + 5e-5, 4), scatter, min(counts[-1], len(engine)))
        proposed = {kind: engine.candidates(each, effort) for kind, each in queries.items()}
        for count in counts:
            recall = {kind: _recall(proposed[kind][:, :count], truth[kind]) for kind in queries}
            if min(recall.values()) >= AIM:
                tried.append((cost + _CANDIDATE * count, replace(effort, candidates=count), recall))
                break
    if not tried:
        tried = [(0.0, effort, recall)]
    _, effort, recall = min(tried, key=itemgetter(0))
    return effort, {kind: round(value, 4) for kind, value in recall.items()}


def _lags(promises: Float[np.ndarray, "queries lists"]) -> Float[np.ndarray, "queries lists"]:
    """Say how much less than the best each list promises."""
    return np.asarray(promises.max(axis=1, keepdims=True) - promises)


def _queries(embeddings: Mapping[Modality, Embeddings]) -> dict[str, Float[np.ndarray, "queries dim"]]:
    rng = np.random.default_rng(1)
    drawn = {}
    for modality, held in embeddings.items():
        size = min(QUERIES, len(held.vectors))
        drawn[str(modality)] = held.vectors[np.sort(rng.choice(len(held.vectors), size, replace=False))]
    return drawn


def _neighbours(
    queries: Float[np.ndarray, "queries dim"], vectors: Vectors, count: int
) -> Int[np.ndarray, "queries near"]:
    """Find the nearest vectors exactly; a vector that equals the query is not its neighbour."""
    cosines, found = nearest(queries, vectors, k=count + 1)
    own = cosines[:, 0] > 1 - 1e-6
    return np.where(own[:, None], found[:, 1:], found[:, :-1])


def _recall(proposed: Int[np.ndarray, "queries count"], truth: Int[np.ndarray, "queries near"]) -> float:
    return float(np.mean([np.isin(near, seen).mean() for near, seen in zip(truth, proposed, strict=True)]))
