"""Engines made, extended and tuned: how thoroughly to ask them is measured, not guessed.

Queries are drawn from the index itself, of every modality that it holds: texts ask a sequence engine otherwise than
sequences do. The exact neighbours of these queries tell what is missed.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from protrek_hm.index import hybrid
from protrek_hm.index.approximate import Approximate, lists_for
from protrek_hm.index.arrays import Vectors
from protrek_hm.index.embeddings import Embeddings
from protrek_hm.index.layout import EngineInfo, Modality
from protrek_hm.index.nearest import nearest

AIM = 0.99
"""Share of the ten nearest that is wanted of every kind of query, so that other queries see at least 0.98."""
QUERIES = 256
NEIGHBOURS = 10
CANDIDATES = (50, 100, 200, 400, 800, 1_600)
REACHES = (0.05, 0.075, 0.1, 0.125, 0.15, 0.175, 0.2, 0.225, 0.25, 0.3, 0.4, 2.0)


def make_engines(
    index: Path, embeddings: Mapping[Modality, Embeddings], old: Mapping[str, EngineInfo], *, generation: int
) -> dict[str, EngineInfo]:
    """Make an engine for each modality that has more than `hybrid.EXACT` vectors; one that still fits is kept.

    An old engine is extended when more than `hybrid.EXACT` vectors lie beyond it, and made anew when it has become
    too coarse.
    """
    made: dict[str, EngineInfo] = {}
    for modality, held in embeddings.items():
        vectors, about = held.vectors, old.get(modality)
        if len(vectors) <= hybrid.EXACT:
            continue
        if about is not None and len(vectors) - about.vectors <= hybrid.EXACT:
            made[modality] = about
            continue
        if about is None or lists_for(len(vectors)) > about.lists:
            engine = Approximate.train(vectors, seed=0)
            engine.add(vectors)
        else:
            engine = Approximate.open(index / about.file, vectors=about.vectors, mapped=False)
            engine.add(vectors, start=about.vectors)
        name = f"{modality}-{generation}.faiss"
        engine.save(index / name)
        reach, candidates, recall = tune(engine, vectors, _queries(embeddings))
        made[modality] = EngineInfo(name, len(vectors), engine.lists, reach, candidates, recall)
    return made


def tune(
    engine: Approximate, vectors: Vectors, queries: Mapping[str, Float[np.ndarray, "queries dim"]]
) -> tuple[float, int, dict[str, float]]:
    """Find the cheapest reach and number of candidates that find `AIM` of the neighbours for all kinds of queries.

    A query that is itself one of the vectors does not count as its own neighbour.

    Returns
    -------
    Reach, candidates to compare, and the recall with them by kind of query; the most thorough setting where none
    reaches the aim.
    """
    truth = {kind: _neighbours(each, vectors) for kind, each in queries.items()}
    most = min(CANDIDATES[-1], len(engine))
    for reach in REACHES:
        proposed = {kind: engine.candidates(each, reach=reach, count=most) for kind, each in queries.items()}
        for count in CANDIDATES:
            recall = {kind: _recall(proposed[kind][:, :count], truth[kind]) for kind in queries}
            if min(recall.values()) >= AIM:
                break
        else:
            continue
        break
    return reach, count, {kind: round(value, 4) for kind, value in recall.items()}


def _queries(embeddings: Mapping[Modality, Embeddings]) -> dict[str, Float[np.ndarray, "queries dim"]]:
    rng = np.random.default_rng(1)
    drawn = {}
    for modality, held in embeddings.items():
        size = min(QUERIES, len(held.vectors))
        drawn[str(modality)] = held.vectors[np.sort(rng.choice(len(held.vectors), size, replace=False))]
    return drawn


def _neighbours(queries: Float[np.ndarray, "queries dim"], vectors: Vectors) -> Int[np.ndarray, "queries near"]:
    """Find the nearest vectors exactly; a vector that equals the query is not its neighbour."""
    cosines, found = nearest(queries, vectors, k=NEIGHBOURS + 1)
    own = cosines[:, 0] > 1 - 1e-6
    return np.where(own[:, None], found[:, 1:], found[:, :-1])


def _recall(proposed: Int[np.ndarray, "queries count"], truth: Int[np.ndarray, "queries near"]) -> float:
    return float(np.mean([np.isin(near, seen).mean() for near, seen in zip(truth, proposed, strict=True)]))
