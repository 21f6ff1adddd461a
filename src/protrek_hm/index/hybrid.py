"""The nearest vectors by whatever way is right: exactly, or by an engine's candidates compared exactly."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from protrek_hm.config import require
from protrek_hm.index.approximate import Approximate, Effort
from protrek_hm.index.arrays import Vectors
from protrek_hm.index.nearest import nearest
from protrek_hm.index.proposed import nearest_proposed

EXACT = 50_000
"""So many vectors are compared one by one, in about 10 ms a query: an engine begins beyond."""
NEIGHBOURS = 10
"""So many of the nearest are found with an engine's first effort."""
_QUERIES = 256


@dataclass(frozen=True)
class Engine:
    """An engine over the first vectors of a modality, and how thoroughly to ask it; see `layout.EngineInfo`.

    effort: for up to `NEIGHBOURS` vectors. wider: for up to as many as the key says.
    """

    lists: Approximate
    effort: Effort
    wider: Mapping[int, Effort] = field(default_factory=dict)

    def effort_for(self, k: int) -> Effort | None:
        """Return how thoroughly to ask for `k` vectors; None for so many that nobody measured it.

        >>> engine = Engine(None, Effort(0.1, 0, 50), {100: Effort(0.2, 0, 400)})
        >>> [engine.effort_for(k) and engine.effort_for(k).candidates for k in (1, 10, 11, 100, 101)]
        [50, 50, 400, 400, None]
        """
        efforts = {NEIGHBOURS: self.effort, **self.wider}
        return next((efforts[most] for most in sorted(efforts) if k <= most), None)


class Nearest(NamedTuple):
    """Cosines and numbers of the nearest vectors, a row for each query; exact: whether none can be missing there."""

    cosines: Float[np.ndarray, "queries k"]
    found: Int[np.ndarray, "queries k"]
    exact: Bool[np.ndarray, " queries"]


def nearest_by_engine(
    queries: Float[np.ndarray, "queries dim"],
    vectors: Vectors,
    *,
    k: int,
    engine: Engine | None,
    only: Int[np.ndarray, " some"] | None = None,
) -> Nearest:
    """Find the `k` nearest vectors as `nearest` does: cosines and order are its own, a few neighbours may be missed.

    Vectors that the engine does not hold are compared one by one. So are all where those of `only` are few, where more
    are wanted than the engine was measured for, and for a query for which it proposes fewer than there are.

    Returns
    -------
    As `nearest`, and which queries were compared with all vectors that may answer.
    """
    require("k", k, "must be at least 1", holds=k >= 1)
    k = min(k, len(vectors) if only is None else len(only))
    effort = None if engine is None else engine.effort_for(k)
    if engine is None or effort is None or (only is not None and len(only) <= EXACT):
        return Nearest(*nearest(queries, vectors, k=max(k, 1), only=only), np.ones(len(queries), dtype=bool))
    held = len(engine.lists)
    among = None
    if only is not None:
        among = np.zeros(held, dtype=bool)
        among[only[only < held]] = True
    tail = np.arange(held, len(vectors)) if only is None else only[only >= held]
    cosines, found = np.empty((len(queries), k)), np.empty((len(queries), k), dtype=np.int64)
    effort = replace(effort, candidates=min(max(effort.candidates, k), held))
    for start in range(0, len(queries), _QUERIES):
        block = slice(start, start + _QUERIES)
        proposed = engine.lists.candidates(queries[block], effort, among=among)
        cosines[block], found[block] = nearest_proposed(queries[block], vectors, proposed, k=k)
    allowed = held if among is None else int(among.sum())
    short = (found >= 0).sum(axis=1) < min(k, allowed)
    if len(tail):
        best, where = nearest(queries, vectors, k=k, only=tail)
        cosines, found = np.hstack([cosines, best]), np.hstack([found, where])
    order = np.lexsort((found, -cosines))[:, :k]
    cosines, found = np.take_along_axis(cosines, order, axis=1), np.take_along_axis(found, order, axis=1)
    if short.any():
        cosines[short], found[short] = nearest(queries[short], vectors, k=k, only=only)
    return Nearest(cosines, found, short)
