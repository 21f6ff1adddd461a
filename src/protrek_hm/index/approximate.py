"""The nearest of many vectors, nearly always: FAISS's inverted lists, with exact comparison of what they propose.

Vectors are kept in lists by their nearest centre, one bit per dimension after a random rotation (RaBitQ, Gao and Long,
2024; IVF, Jégou et al., 2011). A search looks into the lists that promise most (`promise`). FAISS is loaded for large
indexes only.
"""

from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from protrek_hm.errors import FileFormatError, MissingFileError, OutputError
from protrek_hm.index.arrays import Vectors
from protrek_hm.index.layout import REBUILD
from protrek_hm.index.promise import promise, ranked
from protrek_hm.index.proposed import inner_products

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
        Lists are looked into that promise at most so much less than the best one, in cosines. A query among the
        proteins finds few such lists, one that lies apart many: so each gets what it needs.
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

    def __init__(self, index: Any) -> None:
        self._index = index

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
    def open(cls, path: Path, *, vectors: int, mapped: bool = True) -> "Approximate":
        """Read what `save` wrote; mapped: leave the codes on disk, where nothing can be added to them.

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
        if index.ntotal != vectors:
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

    @cached_property
    def _state(self) -> tuple[Int[np.ndarray, " lists"], Float[np.ndarray, " lists"]]:
        """Sizes, and mean cosines of vectors with their centre, which FAISS keeps beside each code."""
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
        faiss: Any = import_module("faiss")  # its own types do not know its Python side
        rotated = self._rotated(queries)
        lists = self._lists(rotated, effort, share=1.0 if among is None else max(float(among.mean()), 1 / len(among)))
        options = {}
        if among is not None:
            options["sel"] = faiss.IDSelectorBitmap(np.packbits(among, bitorder="little"))
        inner = faiss.SearchParametersIVF(nprobe=lists.shape[1], **options)
        unused = np.zeros(lists.shape, dtype=np.float32)  # FAISS takes the cosines of the centres, and ignores them
        shape = (len(queries), effort.candidates)
        estimates, found = np.empty(shape, dtype=np.float32), np.empty(shape, dtype=np.int64)
        pairs = False  # numbers of vectors, not places in lists
        pointers = (faiss.swig_ptr(array) for array in (lists, unused, estimates, found))
        # FAISS's own way into lists that are chosen already: its Python wrapper takes no filter
        self._ivf.search_preassigned_c(len(queries), faiss.swig_ptr(rotated), shape[1], *pointers, pairs, inner)
        return found

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
