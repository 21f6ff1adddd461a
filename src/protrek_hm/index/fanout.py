"""Vectors that lie in the shards of an index, asked as if they lay in one place.

A shard is asked four things (`Part`): its nearest vectors, the nearest of those that were proposed, what its lists
propose, and vectors themselves. Numbers are those of the whole index. What comes back is merged by exact cosine, equal
ones by number, so that the answer is that of the whole index to the last digit: cosines are computed pair by pair, and
lists choose as those of the whole index do, whose sizes they are told. Everything else (the table, its words, the
statistics) is one, and is not asked for. `Asked` says where shards are: `LocalParts` asks those of this process,
`serve.cluster` those of other machines.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from jaxtyping import Bool, Float, Float32, Int, UInt8

from protrek_hm.deadline import checkpoint
from protrek_hm.index.approximate import Approximate, Effort, likeliest, share_of
from protrek_hm.index.layout import MEANING, Manifest, read_manifest
from protrek_hm.index.nearest import nearest, nearest_proposed
from protrek_hm.index.segments import Embeddings, open_array, read_embeddings, read_meaning

Question = Literal["nearest", "compare", "propose", "vectors"]
Bits = UInt8[np.ndarray, " bytes"]


class Asked(Protocol):
    """Shards, wherever they are."""

    def __call__(self, question: Question, calls: Mapping[int, tuple[Any, ...]]) -> dict[int, Any]:
        """Ask some shards, by number, a method of `Part` with these arguments.

        Raises
        ------
        ShardDownError
            If one does not answer.
        """
        ...


class Part:
    """One shard, opened: what it is asked about its own vectors, those that have their first record in it.

    kind: a modality, or `MEANING`. only, among: which of its own vectors, as bits; None: all.
    """

    def __init__(self, folder: Path, manifest: Manifest, number: int) -> None:
        about = manifest.shards[number]
        shard = folder / about.name
        own = read_manifest(shard)
        self._held: dict[str, Embeddings] = {str(name): each for name, each in read_embeddings(shard, own).items()}
        meaning = read_meaning(shard, own)
        if meaning is not None:
            self._held[MEANING] = meaning
        common = folder / (manifest.common or "")
        self._start = {kind: starts_of(manifest, kind)[number] for kind in about.vectors}
        self._own = {
            kind: open_array(common / f"{kind}.{number}.npy", (count,), "int64")
            for kind, count in about.vectors.items()
            if count
        }
        self._lists: dict[str, Approximate] = {}
        for kind, engine in own.engines.items():
            if kind in manifest.engines:
                state = tuple(
                    open_array(common / f"{kind}.{name}.npy", (engine.lists,), type_)
                    for name, type_ in (("sizes", "int64"), ("closeness", "float32"))
                )
                lists = Approximate.open(shard / engine.file, vectors=engine.vectors)
                self._lists[kind] = lists.part_of((state[0], state[1]))

    def nearest(
        self, kind: str, queries: Float32[np.ndarray, "queries dim"], k: int, only: Bits | None
    ) -> tuple[Float[np.ndarray, "queries some"], Int[np.ndarray, "queries some"]]:
        """Find its `k` nearest vectors: cosines and numbers, as `nearest.nearest`."""
        vectors, own = self._held[kind].vectors, self._some(kind, only)
        cosines, found = nearest(queries, vectors, k=k, only=None if len(own) == len(vectors) else own)
        return cosines, self._numbers(kind, found)

    def compare(
        self, kind: str, queries: Float32[np.ndarray, "queries dim"], proposed: Int[np.ndarray, "queries count"], k: int
    ) -> tuple[Float[np.ndarray, "queries k"], Int[np.ndarray, "queries k"]]:
        """Find the `k` nearest of those that are proposed, as `nearest.nearest_proposed`."""
        cosines, found = nearest_proposed(queries, self._held[kind].vectors, self._places(kind, proposed), k=k)
        return cosines, self._numbers(kind, found)

    def propose(
        self, kind: str, queries: Float32[np.ndarray, "queries dim"], effort: Effort, among: Bits | None, share: float
    ) -> tuple[Float32[np.ndarray, "queries more"], Int[np.ndarray, "queries more"]]:
        """Estimate the cosines of its likeliest vectors, as `Approximate.estimates`."""
        held = len(self._held[kind].vectors)
        own = self._some(kind, among)
        mask = None
        if len(own) < held:
            mask = np.zeros(held, dtype=bool)
            mask[own] = True
        estimates, found = self._lists[kind].estimates(queries, effort, among=mask, share=share)
        return estimates, self._numbers(kind, found)

    def vectors(self, kind: str, numbers: Int[np.ndarray, " n"]) -> Float32[np.ndarray, "n dim"]:
        """Return its vectors of these numbers."""
        return np.asarray(self._held[kind].vectors[self._places(kind, numbers)])

    def _some(self, kind: str, bits: Bits | None) -> Int[np.ndarray, " some"]:
        own = self._own[kind]
        return own if bits is None else own[np.unpackbits(bits, count=len(own)).astype(bool)]

    def _places(self, kind: str, numbers: Int[np.ndarray, "*any"]) -> Int[np.ndarray, "*any"]:
        return np.where(numbers >= 0, self._own[kind][np.maximum(numbers - self._start[kind], 0)], -1)

    def _numbers(self, kind: str, places: Int[np.ndarray, "*any"]) -> Int[np.ndarray, "*any"]:
        return np.where(places >= 0, self._start[kind] + np.searchsorted(self._own[kind], places), -1)


@dataclass(frozen=True)
class LocalParts:
    """The shards of an index, in this process, one after the other."""

    parts: Sequence[Part]

    @classmethod
    def open(cls, folder: Path, manifest: Manifest) -> "LocalParts":
        """Open all shards; raises as `Index.open`."""
        return cls([Part(folder, manifest, number) for number in range(len(manifest.shards))])

    def __call__(self, question: Question, calls: Mapping[int, tuple[Any, ...]]) -> dict[int, Any]:
        """Ask some of them; see `Asked`."""
        found = {}
        for number, given in calls.items():
            checkpoint()
            found[number] = getattr(self.parts[number], question)(*given)
        return found


def starts_of(manifest: Manifest, kind: str) -> list[int]:
    """Return the number of the first own vector of each shard, and the number of all."""
    return list(accumulate((each.vectors.get(kind, 0) for each in manifest.shards), initial=0))


@dataclass(frozen=True)
class ShardedVectors:
    """The vectors of one kind in all shards, numbered through, as a `FarVectors`.

    starts: the number of the first vector of each shard, and how many there are. dimension: of how many numbers.
    """

    kind: str
    starts: Sequence[int]
    dimension: int
    ask: Asked

    @property
    def shape(self) -> tuple[int, int]:
        """How many there are, and of how many numbers."""
        return self.starts[-1], self.dimension

    def __len__(self) -> int:
        return self.starts[-1]

    def __getitem__(self, which: "slice | Int[np.ndarray, ' n']") -> Float32[np.ndarray, "_ dim"]:
        numbers = np.arange(len(self))[which] if isinstance(which, slice) else np.asarray(which)
        owner = self.owners(numbers)
        calls = {shard: (self.kind, numbers[owner == shard]) for shard in np.unique(owner).tolist()}
        found = np.empty((len(numbers), self.dimension), dtype=np.float32)
        for shard, vectors in self.ask("vectors", calls).items():
            found[owner == shard] = vectors
        return found

    def owners(self, numbers: Int[np.ndarray, "*any"]) -> Int[np.ndarray, "*any"]:
        """Return the shard that each vector lies in."""
        return np.asarray(np.searchsorted(self.starts, numbers, side="right") - 1)

    def nearest(
        self, queries: Float[np.ndarray, "queries dim"], *, k: int, only: Int[np.ndarray, " some"] | None
    ) -> tuple[Float[np.ndarray, "queries k"], Int[np.ndarray, "queries k"]]:
        """Find the nearest of all, or of `only`, as `nearest.nearest`."""
        some = None
        if only is not None:
            some = np.zeros(len(self), dtype=bool)
            some[only] = True
        calls = {shard: (self.kind, queries, k, bits) for shard, bits in self.shares(some)}
        return _merged(self.ask("nearest", calls), len(queries), k)

    def nearest_proposed(
        self, queries: Float[np.ndarray, "queries dim"], proposed: Int[np.ndarray, "queries count"], *, k: int
    ) -> tuple[Float[np.ndarray, "queries k"], Int[np.ndarray, "queries k"]]:
        """Find the nearest of those that are proposed, as `nearest.nearest_proposed`."""
        owner, calls = self.owners(proposed), {}
        for shard in np.unique(owner[proposed >= 0]).tolist():
            own = np.where(owner == shard, proposed, -1)
            most = int((own >= 0).sum(axis=1).max())
            calls[shard] = (self.kind, queries, -np.sort(-own, axis=1)[:, :most], k)
        cosines, found = _merged(self.ask("compare", calls), len(queries), k)
        empty = ((0, 0), (0, k - cosines.shape[1]))
        return np.pad(cosines, empty, constant_values=np.nan), np.pad(found, empty, constant_values=-1)

    def shares(self, some: Bool[np.ndarray, " vectors"] | None) -> list[tuple[int, Bits | None]]:
        """Tell each shard which of its vectors may answer, as bits; None: all. Those with none are left out."""
        found: list[tuple[int, Bits | None]] = []
        for shard, (start, stop) in enumerate(zip(self.starts[:-1], self.starts[1:], strict=True)):
            own = None if some is None else some[start:stop]
            if stop > start and (own is None or own.any()):
                found.append((shard, None if own is None or own.all() else np.packbits(own)))
        return found


@dataclass(frozen=True)
class ShardedLists:
    """The lists of all shards, asked for candidates as if they were one: a `Lists`."""

    vectors: ShardedVectors

    def __len__(self) -> int:
        return len(self.vectors)

    def candidates(
        self,
        queries: Float[np.ndarray, "queries dim"],
        effort: Effort,
        *,
        among: Bool[np.ndarray, " vectors"] | None = None,
    ) -> Int[np.ndarray, "queries count"]:
        """Propose vectors for each query, as `Approximate.candidates`."""
        share = share_of(among)
        shares = self.vectors.shares(among)
        calls = {shard: (self.vectors.kind, queries, effort, bits, share) for shard, bits in shares}
        estimates, found = _merged(self.vectors.ask("propose", calls), len(queries), effort.candidates + 1)
        return likeliest(estimates, found)


def _merged(
    answers: Mapping[int, tuple[np.ndarray, np.ndarray]], queries: int, k: int
) -> tuple[Float[np.ndarray, "queries k"], Int[np.ndarray, "queries k"]]:
    """Keep the `k` highest scores of all shards, equal ones in the order of their numbers; NaN is last."""
    scores = np.hstack([np.empty((queries, 0)), *(each for each, _ in answers.values())])
    found = np.hstack([np.empty((queries, 0), dtype=np.int64), *(each for _, each in answers.values())])
    order = np.lexsort((found, -scores))[:, :k]
    return np.take_along_axis(scores, order, axis=1), np.take_along_axis(found, order, axis=1)
