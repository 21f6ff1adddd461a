"""The nearest of many vectors, nearly always: FAISS's inverted lists, with exact comparison of what they propose.

Vectors are kept in lists by their nearest centre, one bit per dimension after a random rotation (RaBitQ, Gao and Long,
2024; IVF, Jégou et al., 2011). A search looks into the lists that promise most (`promise`). The centre of a list says
where its vectors lie on average. A neighbour is not average: it is the best of its list, and the best of a large or
loose list lies farther from the centre than that of a small or close one. FAISS is loaded for large indexes only.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from jaxtyping import Bool, Float, Int

from protrek_hm.config import require
from protrek_hm.errors import FileFormatError, MissingFileError, OutputError
from protrek_hm.index.layout import REBUILD
from protrek_hm.index.nearest import ExactEngine, Nearest, inner_products, nearest, nearest_proposed
from protrek_hm.index.segments import Vectors


def promise(
    cosines: Float[np.ndarray, "*queries lists"],
    closeness: Float[np.ndarray, " lists"],
    sizes: Int[np.ndarray, " lists"],
    *,
    scatter: float,
) -> Float[np.ndarray, "*queries lists"]:
    """Return the cosine that the best vector of each list is expected to have with each query.

    The mean of a list is its centre times `closeness`, so its vectors have that share of the centre's cosine on
    average. Around it they scatter by `scatter` times their distance from the mean, sqrt(1 - closeness²), and the
    greatest of n such numbers exceeds the average sqrt(2 ln n) times as far (n + 1, so that one vector scatters, too).

    Parameters
    ----------
    cosines
        Of each query with each list's centre, in [-1, 1].
    closeness
        Mean cosine of a list's vectors with its centre, in [0, 1].
    sizes
        Vectors in each list.
    scatter
        How much of a vector's distance from its list's mean points along a query, as a standard deviation, in [0, 1].
        If all directions were alike it would be 1 / sqrt(dimension).

    Examples
    --------
    A list of one vector, and seven loose ones, whose best is 0.6 · 0.1 · sqrt(2 ln 8) better than their average:

    >>> cosines, closeness = np.array([[0.5, 0.5]]), np.array([1.0, 0.8])
    >>> promise(cosines, closeness, np.array([1, 7]), scatter=0.1).round(4).tolist()
    [[0.5, 0.5224]]
    >>> promise(cosines, closeness, np.array([1, 7]), scatter=0.0).tolist()
    [[0.5, 0.4]]
    """
    best_of = np.sqrt(2 * np.log1p(sizes)) * np.sqrt(np.maximum(1 - closeness**2, 0))
    return np.asarray(cosines * closeness + (scatter * best_of).astype(cosines.dtype))


def ranked(
    worth: Float[np.ndarray, "queries lists"], floor: Float[np.ndarray, " queries"]
) -> Int[np.ndarray, "queries most"]:
    """List what each query finds worth at least `floor`, the best first; places that stay empty hold -1.

    >>> ranked(np.array([[1.0, 3.0, 2.0], [5.0, 1.0, 0.0]]), np.array([2.0, 4.0])).tolist()
    [[1, 2], [0, -1]]
    """
    query, number = np.nonzero(worth >= floor[:, None])
    order = np.lexsort((number, -worth[query, number], query))
    query, number = query[order], number[order]
    first = np.searchsorted(query, np.arange(len(worth) + 1))
    places = np.full((len(worth), int(np.diff(first).max(initial=1))), -1, dtype=np.int64)
    places[query, np.arange(len(query)) - first[query]] = number
    return places


def likeliest(
    estimates: Float[np.ndarray, "queries more"], found: Int[np.ndarray, "queries more"]
) -> Int[np.ndarray, "queries count"]:
    """Keep all but the last, and no other that was estimated as high as it: which of equals come first is chance.

    >>> likeliest(np.array([[3.0, 2.0, 1.0], [3.0, 2.0, 2.0], [3.0, -np.inf, -np.inf]]), np.array([[7, 8, 9]] * 3))
    array([[ 7,  8],
           [ 7, -1],
           [ 7, -1]])
    """
    return np.where(estimates[:, :-1] > estimates[:, -1:], found[:, :-1], -1)


def share_of(among: Bool[np.ndarray, " vectors"] | None) -> float:
    """Say which share of the vectors may answer, at least one of them; None: all.

    >>> share_of(None), share_of(np.array([True, False])), share_of(np.array([False, False]))
    (1.0, 0.5, 0.5)
    """
    return 1.0 if among is None else max(float(among.mean()), 1 / len(among))


EXACT = 50_000
"""So many vectors are compared one by one, in about 10 ms a query: an engine begins beyond."""
NEIGHBOURS = 10
"""So many of the nearest are found with an engine's first effort."""
_QUERIES = 256
BLOCK = 16_384
_SAMPLES_PER_LIST = 32
_MOST_SAMPLES = 200_000
_ROUNDS = 6
_OWNED = 1_024  # vectors that are held against all centres at once


def lists_for(vectors: int) -> int:
    """How many lists suit so many vectors: the power of two nearest to four times the square root.

    >>> lists_for(50_000), lists_for(1_000_000)
    (1024, 4096)
    """
    return 1 << round(float(np.log2(4 * np.sqrt(max(vectors, 16)))))


@dataclass(frozen=True)
class Effort:
    """How thoroughly to look.

    Attributes
    ----------
    reach
        Search every list whose score (what it promises, a cosine) is within `reach` of the best list. A query among
        the proteins has few such lists, one that lies apart has many.
    scatter
        See `promise.promise`.
    candidates
        So many vectors are proposed for a query.
    """

    reach: float
    scatter: float
    candidates: int


class Approximate:
    """Lists of vectors, numbered in the order in which they were added.

    Examples
    --------
    >>> vectors = np.random.default_rng(0).normal(size=(200, 16)).astype(np.float32)
    >>> engine = Approximate.train(vectors, seed=0)
    >>> engine.add(vectors)
    >>> found = engine.candidates(vectors[[7]], Effort(reach=2, scatter=0.1, candidates=20))
    >>> len(engine), found.shape, 7 in found
    (200, (1, 20), True)
    """

    def __init__(self, index: Any, state: "tuple[np.ndarray, np.ndarray] | None" = None) -> None:
        self._index, self._told = index, state

    @classmethod
    def train(cls, vectors: Vectors, *, seed: int) -> "Approximate":
        """Place the centres by k-means on a sample of `vectors`; none is added yet."""
        import faiss

        lists, dimension = lists_for(len(vectors)), vectors.shape[1]
        size = min(len(vectors), _SAMPLES_PER_LIST * lists, _MOST_SAMPLES)
        sample = vectors[np.sort(np.random.default_rng(seed).choice(len(vectors), size, replace=False))]
        inner = faiss.METRIC_INNER_PRODUCT
        ivf = faiss.IndexIVFRaBitQ(faiss.IndexFlat(dimension, inner), dimension, lists, inner)
        ivf.cp.seed, ivf.cp.niter = seed, _ROUNDS
        ivf.cp.min_points_per_centroid, ivf.cp.max_points_per_centroid = 1, _SAMPLES_PER_LIST
        rotation = faiss.RandomRotationMatrix(dimension, dimension)
        rotation.init(seed)
        index = faiss.IndexPreTransform(rotation, ivf)
        index.train(np.ascontiguousarray(sample, dtype=np.float32))
        return cls(index)

    @classmethod
    def open(cls, path: Path, *, vectors: int | None = None, mapped: bool = True) -> "Approximate":
        """Read what `save` wrote; mapped: leave the codes on disk, where nothing can be added to them.

        vectors: how many it must hold; None: any number.

        Raises
        ------
        MissingFileError, FileFormatError
            If it is not there, damaged, or of another index.
        """
        import faiss

        if not path.is_file():
            raise MissingFileError(path, REBUILD)
        try:
            index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP if mapped else 0)
        except RuntimeError as error:
            raise FileFormatError(path, f"damaged or cut off ({str(error)[:100]})", REBUILD) from None
        if vectors is not None and index.ntotal != vectors:
            raise FileFormatError(path, f"holds {index.ntotal} vectors, not {vectors}", REBUILD)
        return cls(index)

    def save(self, path: Path) -> None:
        """Write it; raises OutputError if it cannot."""
        import faiss

        try:
            faiss.write_index(self._index, str(path))
        except RuntimeError as error:
            raise OutputError(path, str(error)[:100]) from None

    def __len__(self) -> int:
        return int(self._index.ntotal)

    @property
    def lists(self) -> int:
        """How many lists there are."""
        return int(self._ivf.nlist)

    @cached_property
    def _ivf(self) -> Any:
        import faiss

        return faiss.downcast_index(self._index.index)

    @cached_property
    def _rotation(self) -> Float[np.ndarray, "dim dim"]:
        import faiss

        matrix: Any = faiss.downcast_VectorTransform(self._index.chain.at(0))
        return faiss.vector_to_array(matrix.A).reshape(matrix.d_out, matrix.d_in)

    @cached_property
    def _centres(self) -> Float[np.ndarray, "lists dim"]:
        return np.asarray(self._ivf.quantizer.reconstruct_n(0, self.lists))

    @property
    def sizes(self) -> Int[np.ndarray, " lists"]:
        """How many vectors each list holds."""
        return self._state[0]

    @property
    def state(self) -> tuple[Int[np.ndarray, " lists"], Float[np.ndarray, " lists"]]:
        """Sizes of the lists, and mean cosines of their vectors with the centres: what `promise` is told."""
        return self._state

    def part_of(self, state: tuple[Int[np.ndarray, " lists"], Float[np.ndarray, " lists"]]) -> "Approximate":
        """Return the same lists as a part of larger ones, of which `state` is told: it looks where those look."""
        return Approximate(self._index, state)

    def part(self, numbers: Int[np.ndarray, " some"], path: Path) -> "Approximate":
        """Return lists of these vectors alone, numbered anew, with the same centres, rotation and codes.

        numbers: each at most once. path: where these lists were saved; they are read once more.
        """
        faiss: Any = import_module("faiss")
        place = np.full(len(self), -1, dtype=np.int64)
        place[numbers] = np.arange(len(numbers))
        copied = faiss.read_index(str(path))
        ivf = faiss.downcast_index(copied.index)
        held, width = self._ivf.invlists, int(self._ivf.code_size)
        kept = faiss.ArrayInvertedLists(self.lists, width)
        for number in np.flatnonzero(self.sizes).tolist():
            size = int(self.sizes[number])
            ids = place[faiss.rev_swig_ptr(held.get_ids(number), size)]
            codes = faiss.rev_swig_ptr(held.get_codes(number), size * width).reshape(size, width)[ids >= 0]
            ids = np.ascontiguousarray(ids[ids >= 0])
            if len(ids):
                codes = np.ascontiguousarray(codes)
                kept.add_entries(number, len(ids), faiss.swig_ptr(ids), faiss.swig_ptr(codes))
        ivf.replace_invlists(kept, True)  # noqa: FBT003 - whose they are, in FAISS's own words
        kept.this.disown()
        ivf.ntotal = copied.ntotal = len(numbers)
        return Approximate(copied)

    @cached_property
    def _state(self) -> tuple[Int[np.ndarray, " lists"], Float[np.ndarray, " lists"]]:
        """Sizes, and mean cosines of vectors with their centre, which FAISS keeps beside each code."""
        if self._told is not None:
            return self._told
        import faiss

        held, width = self._ivf.invlists, self._ivf.code_size
        sizes = np.array([held.list_size(number) for number in range(self.lists)])
        closeness = np.ones(self.lists, dtype=np.float32)
        for number in np.flatnonzero(sizes).tolist():
            codes = faiss.rev_swig_ptr(held.get_codes(number), int(sizes[number]) * width).reshape(-1, width)
            beside = -(-self._ivf.d // 8)  # behind the bits: |x - c|² - |x|², which is 1 - 2 cos(x, c)
            closeness[number] = 0.5 - 0.5 * codes[:, beside : beside + 4].copy().view(np.float32).mean()
        return sizes, np.clip(closeness, 0, 1)

    def add(self, vectors: Vectors, *, start: int = 0) -> None:
        """Add `vectors` from number `start` on."""
        for begin in range(start, len(vectors), BLOCK):
            self._index.add(np.ascontiguousarray(vectors[begin : begin + BLOCK], dtype=np.float32))
        self.__dict__.pop("_state", None)

    def cosines(self, queries: Float[np.ndarray, "queries dim"]) -> Float[np.ndarray, "queries lists"]:
        """Return the cosine of each query with each list's centre."""
        return np.asarray(self._rotated(queries) @ self._centres.T)

    def promises(
        self, cosines: Float[np.ndarray, "queries lists"], *, scatter: float
    ) -> Float[np.ndarray, "queries lists"]:
        """Return what each list promises queries of these `cosines`; see `promise.promise`."""
        sizes, closeness = self._state
        return promise(cosines, closeness, sizes, scatter=scatter)

    def owners(self, vectors: Float[np.ndarray, "some dim"]) -> Int[np.ndarray, " some"]:
        """Return the list that each of these vectors belongs to."""
        blocks = (vectors[start : start + _OWNED] for start in range(0, len(vectors), _OWNED))
        return np.concatenate([self.cosines(block).argmax(axis=1) for block in blocks])

    def candidates(
        self,
        queries: Float[np.ndarray, "queries dim"],
        effort: Effort,
        *,
        among: Bool[np.ndarray, " vectors"] | None = None,
    ) -> Int[np.ndarray, "queries count"]:
        """Propose vectors for each query, the likeliest first; places that stay empty hold -1.

        What is proposed for a query does not depend on the others. among: propose these vectors only; as many more
        lists are looked into as vectors are left out.
        """
        return likeliest(*self.estimates(queries, effort, among=among, share=share_of(among)))

    def estimates(
        self,
        queries: Float[np.ndarray, "queries dim"],
        effort: Effort,
        *,
        among: Bool[np.ndarray, " vectors"] | None,
        share: float,
    ) -> tuple[Float[np.ndarray, "queries more"], Int[np.ndarray, "queries more"]]:
        """Estimate the cosines of the likeliest vectors, falling: one more than `effort` wants; -inf and -1 for none.

        share: of all vectors that may answer, in (0, 1]; see `candidates`.
        """
        faiss: Any = import_module("faiss")  # its own types do not know its Python side
        rotated = self._rotated(queries)
        lists = self._lists(rotated, effort, share=share)
        options = {}
        if among is not None:
            options["sel"] = faiss.IDSelectorBitmap(np.packbits(among, bitorder="little"))
        inner = faiss.SearchParametersIVF(nprobe=lists.shape[1], **options)
        unused = np.zeros(lists.shape, dtype=np.float32)  # FAISS takes the cosines of the centres, and ignores them
        shape = (len(queries), effort.candidates + 1)
        estimates, found = np.empty(shape, dtype=np.float32), np.empty(shape, dtype=np.int64)
        pairs = False  # numbers of vectors, not places in lists
        pointers = (faiss.swig_ptr(array) for array in (lists, unused, estimates, found))
        # FAISS's own way into lists that are chosen already: its Python wrapper takes no filter
        self._ivf.search_preassigned_c(len(queries), faiss.swig_ptr(rotated), shape[1], *pointers, pairs, inner)
        return np.where(found < 0, np.float32(-np.inf), estimates), found

    def _lists(
        self, rotated: Float[np.ndarray, "queries dim"], effort: Effort, *, share: float
    ) -> Int[np.ndarray, "queries most"]:
        """Choose the lists to look into, the most promising first."""
        sizes, closeness = self._state
        if share < 1:
            every = np.broadcast_to(np.arange(self.lists), (len(rotated), self.lists))
            cosines = inner_products(rotated, self._centres, every)
            worth = promise(cosines, closeness, sizes, scatter=effort.scatter)
            chosen = (worth >= worth.max(axis=1, keepdims=True) - effort.reach).sum(axis=1)
            last = self.lists - np.minimum(np.ceil(chosen / share), self.lists).astype(int)
            return ranked(worth, np.take_along_axis(np.sort(worth, axis=1), last[:, None], axis=1)[:, 0])

        worth = promise(rotated @ self._centres.T, closeness, sizes, scatter=effort.scatter)
        margin = len(self._rotation) * np.finfo(np.float32).eps

        def settle(doubtful: Bool[np.ndarray, "queries lists"]) -> None:
            """Compute by itself what the product of the whole batch may have rounded otherwise."""
            query, number = np.nonzero(doubtful)
            cosines = inner_products(rotated[query], self._centres, number[:, None])[:, 0]
            worth[query, number] = promise(cosines, closeness[number], sizes[number], scatter=effort.scatter)

        settle(worth >= worth.max(axis=1, keepdims=True) - margin)
        floor = worth.max(axis=1) - np.float32(effort.reach)
        settle(np.abs(worth - floor[:, None]) <= margin)
        return ranked(worth, floor)

    def _rotated(self, queries: Float[np.ndarray, "queries dim"]) -> Float[np.ndarray, "queries dim"]:
        """Turn queries as the codes were turned, each by itself, so that none depends on its batch."""
        every = np.broadcast_to(np.arange(len(self._rotation)), (len(queries), len(self._rotation)))
        return inner_products(queries, self._rotation, every)


class Lists(Protocol):
    """Lists of vectors, here or in many places, that propose candidates as `Approximate` does."""

    def __len__(self) -> int: ...

    def candidates(
        self,
        queries: Float[np.ndarray, "queries dim"],
        effort: Effort,
        *,
        among: Bool[np.ndarray, " vectors"] | None = None,
    ) -> Int[np.ndarray, "queries count"]:
        """Propose vectors for each query, the likeliest first; places that stay empty hold -1."""
        ...


@dataclass(frozen=True)
class ApproximateEngine:
    """An engine over the first vectors of a modality, and how thoroughly to ask it; see `layout.EngineInfo`.

    effort: for up to `NEIGHBOURS` vectors. wider: for up to as many as the key says.
    """

    lists: Lists
    effort: Effort
    wider: Mapping[int, Effort] = field(default_factory=dict)

    def effort_for(self, k: int) -> Effort | None:
        """Return how thoroughly to ask for `k` vectors; None for so many that nobody measured it.

        >>> engine = ApproximateEngine(None, Effort(0.1, 0, 50), {100: Effort(0.2, 0, 400)})
        >>> [engine.effort_for(k) and engine.effort_for(k).candidates for k in (1, 10, 11, 100, 101)]
        [50, 50, 400, 400, None]
        """
        efforts = {NEIGHBOURS: self.effort, **self.wider}
        return next((efforts[most] for most in sorted(efforts) if k <= most), None)

    def nearest(
        self,
        queries: Float[np.ndarray, "queries dim"],
        vectors: Vectors,
        *,
        k: int,
        only: Int[np.ndarray, " some"] | None = None,
    ) -> Nearest:
        """Find the `k` nearest vectors as `nearest` does: cosines and order are its own, a few may be missed.

        Vectors that the engine does not hold are compared one by one. So are all where those of `only` are few, where
        more are wanted than the engine was measured for, and for a query for which it proposes fewer than there are.

        Returns
        -------
        As `nearest`, and which queries were compared with all vectors that may answer.
        """
        require("k", k, "must be at least 1", holds=k >= 1)
        k = min(k, len(vectors) if only is None else len(only))
        effort = self.effort_for(k)
        if effort is None or (only is not None and len(only) <= EXACT):
            return ExactEngine().nearest(queries, vectors, k=max(k, 1), only=only)
        held = len(self.lists)
        among = None
        if only is not None:
            among = np.zeros(held, dtype=bool)
            among[only[only < held]] = True
        tail = np.arange(held, len(vectors)) if only is None else only[only >= held]
        cosines, found = np.empty((len(queries), k)), np.empty((len(queries), k), dtype=np.int64)
        effort = replace(effort, candidates=min(max(effort.candidates, k), held))
        for start in range(0, len(queries), _QUERIES):
            block = slice(start, start + _QUERIES)
            proposed = self.lists.candidates(queries[block], effort, among=among)
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
