"""The nearest of many vectors, nearly always: FAISS's inverted lists, with exact comparison of what they propose.

Vectors are kept in lists by their nearest centre, one bit per dimension after a random rotation (RaBitQ, Gao and Long,
2024; IVF, Jégou et al., 2011). A search looks into the lists whose centres are nearest to the query. This is the one
module that loads FAISS, and it is loaded for large indexes only.
"""

from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from protrek_hm.errors import FileFormatError, MissingFileError, OutputError
from protrek_hm.index.arrays import Vectors
from protrek_hm.index.layout import REBUILD

BLOCK = 16_384
_SAMPLES_PER_LIST = 32
_MOST_SAMPLES = 200_000
_ROUNDS = 6


def lists_for(vectors: int) -> int:
    """How many lists suit so many vectors: the power of two nearest to twice the square root.

    >>> lists_for(50_000), lists_for(1_000_000)
    (512, 2048)
    """
    return 1 << round(float(np.log2(2 * np.sqrt(max(vectors, 4)))))


class Approximate:
    """Lists of vectors, numbered in the order in which they were added.

    Examples
    --------
    >>> vectors = np.random.default_rng(0).normal(size=(200, 16)).astype(np.float32)
    >>> engine = Approximate.train(vectors, seed=0)
    >>> engine.add(vectors)
    >>> found = engine.candidates(vectors[[7]], reach=2, count=20)
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
    def _rotation(self) -> Any:
        import faiss

        return faiss.downcast_VectorTransform(self._index.chain.at(0))

    def add(self, vectors: Vectors, *, start: int = 0) -> None:
        """Add `vectors` from number `start` on."""
        for begin in range(start, len(vectors), BLOCK):
            self._index.add(np.ascontiguousarray(vectors[begin : begin + BLOCK], dtype=np.float32))

    def candidates(
        self,
        queries: Float[np.ndarray, "queries dim"],
        *,
        reach: float,
        count: int,
        among: Bool[np.ndarray, " vectors"] | None = None,
    ) -> Int[np.ndarray, "queries count"]:
        """Propose `count` vectors for each query, the likeliest first; places that stay empty hold -1.

        Parameters
        ----------
        reach
            Lists are looked into whose centre's cosine is at most so much less than the nearest one's, in [0, 2]. A
            query among the proteins has few such lists, one that lies apart has many: so each gets what it needs.
        among
            Propose these vectors only; as many more lists are looked into as vectors are left out.
        """
        faiss: Any = import_module("faiss")  # its own types do not know its Python side
        rotated = self._rotation.apply(np.ascontiguousarray(queries, dtype=np.float32))
        cosines, nearest = self._ivf.quantizer.search(rotated, self.lists)
        chosen = (cosines >= cosines[:, :1] - reach).sum(axis=1)
        options = {}
        if among is not None:
            options["sel"] = faiss.IDSelectorBitmap(np.packbits(among, bitorder="little"))
            chosen = np.ceil(chosen * len(among) / max(int(among.sum()), 1))
        width = int(min(chosen.max(initial=1), self.lists))
        lists = np.where(np.arange(width) < chosen[:, None], nearest[:, :width], -1)
        inner = faiss.SearchParametersIVF(nprobe=width, **options)
        centres = np.ascontiguousarray(cosines[:, :width])
        estimates = np.empty((len(queries), count), dtype=np.float32)
        pairs = False  # numbers of vectors, not places in lists
        found = np.empty((len(queries), count), dtype=np.int64)
        pointers = (faiss.swig_ptr(array) for array in (lists, centres, estimates, found))
        # FAISS's own way into lists that are chosen already: its Python wrapper takes no filter
        self._ivf.search_preassigned_c(len(queries), faiss.swig_ptr(rotated), count, *pointers, pairs, inner)
        return found

    def share(self, queries: Float[np.ndarray, "queries dim"], *, reach: float) -> float:
        """Return which share of the vectors such queries are compared with, in (0, 1]."""
        rotated = self._rotation.apply(np.ascontiguousarray(queries, dtype=np.float32))
        cosines, nearest = self._ivf.quantizer.search(rotated, self.lists)
        held = np.array([self._ivf.invlists.list_size(number) for number in range(self.lists)])
        return float((held[nearest] * (cosines >= cosines[:, :1] - reach)).sum(axis=1).mean() / len(self))
