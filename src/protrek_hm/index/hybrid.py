"""The nearest vectors by whatever way is right: exactly, or by an engine's candidates compared exactly."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from protrek_hm.index.approximate import Approximate, Effort
from protrek_hm.index.arrays import Vectors
from protrek_hm.index.nearest import nearest
from protrek_hm.index.proposed import nearest_proposed

EXACT = 50_000
"""So many vectors are compared one by one, in about 10 ms a query: an engine begins beyond."""
_SURPLUS = 4  # candidates per wanted vector, where more than a few are wanted
_QUERIES = 256


@dataclass(frozen=True)
class Engine:
    """An engine over the first vectors of a modality, and how thoroughly to ask it; see `layout.EngineInfo`."""

    lists: Approximate
    effort: Effort


def nearest_by_engine(
    queries: Float[np.ndarray, "queries dim"],
    vectors: Vectors,
    *,
    k: int,
    engine: Engine | None,
    only: Int[np.ndarray, " some"] | None = None,
) -> tuple[Float[np.ndarray, "queries k"], Int[np.ndarray, "queries k"]]:
    """Find the `k` nearest vectors as `nearest` does: cosines and order are its own, a few neighbours may be missed.

    Vectors that the engine does not hold are compared one by one, and so are all of `only` where they are few.

    Returns
    -------
    As `nearest`; places that stay empty hold -1, and NaN as their cosine.
    """
    if engine is None or (only is not None and len(only) <= EXACT):
        return nearest(queries, vectors, k=k, only=only)
    held = len(engine.lists)
    among = None
    if only is not None:
        among = np.zeros(held, dtype=bool)
        among[only[only < held]] = True
    tail = np.arange(held, len(vectors)) if only is None else only[only >= held]
    cosines, found = np.empty((len(queries), k)), np.empty((len(queries), k), dtype=np.int64)
    effort = replace(engine.effort, candidates=min(max(engine.effort.candidates, _SURPLUS * k), held))
    for start in range(0, len(queries), _QUERIES):
        block = slice(start, start + _QUERIES)
        proposed = engine.lists.candidates(queries[block], effort, among=among)
        cosines[block], found[block] = nearest_proposed(queries[block], vectors, proposed, k=k)
    if len(tail):
        best, where = nearest(queries, vectors, k=k, only=tail)
        cosines, found = np.hstack([cosines, best]), np.hstack([found, where])
    order = np.lexsort((found, -cosines))[:, : min(k, len(vectors) if only is None else len(only))]
    return np.take_along_axis(cosines, order, axis=1), np.take_along_axis(found, order, axis=1)
