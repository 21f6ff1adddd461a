"""Candidate pairs: which proteins to compare at all, piece by piece, each piece the same in every run.

The shorter protein of a pair decides how it is looked for: up to `TINY` residues against every protein of
fitting length, above by shared seeds (`seeds`), of few letters, or of more where proteins would share few by
chance; proteins that repeat themselves against each other. Then comes a bound that every wanted pair keeps: its
Levenshtein distance (`rapidfuzz`).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int, Int32, Int64
from rapidfuzz import process
from rapidfuzz.distance import Levenshtein

from protrek_hm.homology.config import HomologyConfig
from protrek_hm.homology.scoring import Proteins
from protrek_hm.homology.seeds import OFFSETS, SeedIndex

TINY, SHORT = 48, 160
EXPECTED = 16
"""Seeds that a pair of the least wanted identity shares on average, its mismatches falling anywhere."""

CAUTION = 5
"""A pair is looked at from a fifth of that on: one in 20,000 shares fewer, if mismatches fall anywhere."""

CHANCE, CHANCE_SHORT = 1, 30
"""Partners that a seed may have by chance before seeds of more letters are taken; more for short proteins,
which share few seeds and are soon compared."""

_WORK_OF_A_SHARD = 4_000_000
_PROTEINS_OF_A_SHARD = 4_000
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Shard:
    """A range of ranks and where to find their partners: `index`, or without it all that fit in length."""

    ranks: range
    index: SeedIndex | None = None
    config: HomologyConfig = HomologyConfig()

    def pairs(self, last: Int64[np.ndarray, " n"]) -> Int64[np.ndarray, "pairs 2"]:
        """Return the pairs of ranks (lower one in this shard) that are worth a look."""
        rank = np.arange(self.ranks.start, self.ranks.stop)
        if self.index is not None:
            shared = self.index.kept()[rank] * self.config.min_identity**self.index.letters
            pairs = self.index.pairs(self.ranks, np.maximum(shared / CAUTION, 1).astype(np.int64))
            repeats = self.index.pairs_of_repeats(self.ranks, last)
            if not len(repeats):
                return pairs
            keys = np.union1d(*(each[:, 0] * len(last) + each[:, 1] for each in (pairs, repeats)))
            return np.stack(np.divmod(keys, len(last)), axis=1)
        count = last[rank] - rank - 1
        partner = np.arange(int(count.sum())) + np.repeat(rank + 1 - (np.cumsum(count) - count), count)
        return np.stack([np.repeat(rank, count), partner], axis=1)


def last_partners(proteins: Proteins, config: HomologyConfig) -> Int64[np.ndarray, " n"]:
    """Return for each rank the rank after the longest protein that it can be paired with.

    Matches and aligned columns are at most the shorter length, columns at least the longer one: so
    shorter ÷ longer ≥ max(identity, coverage).

    Examples
    --------
    >>> last_partners(Proteins.of(["A" * 8, "A" * 10, "A" * 11]), HomologyConfig(coverage=0.8)).tolist()
    [2, 3, 3]
    """
    ratio = max(config.min_identity, config.coverage)
    return np.searchsorted(proteins.lengths, proteins.lengths / ratio + _ROUNDING, side="right")


def shards(proteins: Proteins, config: HomologyConfig, last: Int64[np.ndarray, " n"]) -> Iterator[list[Shard]]:
    """Yield the shards, those that share an index together."""
    n = len(proteins.lengths)
    tiny, short = np.searchsorted(proteins.lengths, [TINY, SHORT], side="right").tolist()
    yield [Shard(ranks) for ranks in _cut(range(tiny), last[:tiny] - np.arange(tiny))]
    for own, chance in ((range(tiny, short), CHANCE_SHORT), (range(short, n), CHANCE)):
        if len(own):
            reach = range(own.start, int(last[own.stop - 1]))
            letters, sketch = _seed_size(proteins, reach, config, chance)
            index = SeedIndex.of(proteins, last, reach, letters=letters, sketch=sketch)
            work = index.work(last)[own.start : own.stop]
            yield [Shard(ranks, index, config) for ranks in _cut(own, work)]


def _seed_size(proteins: Proteins, ranks: range, config: HomologyConfig, chance: int) -> tuple[int, int]:
    """Return the letters of a seed and the seeds kept of a protein."""
    for letters in OFFSETS:
        sketch = int(np.ceil(EXPECTED / config.min_identity**letters))
        entries = np.minimum(proteins.lengths[ranks.start : ranks.stop], sketch).sum()
        if entries / 20**letters <= chance:
            break
    return letters, sketch


def _cut(ranks: range, work: Int64[np.ndarray, " some"]) -> list[range]:
    """Cut `ranks` where their work or their number fills a shard."""
    found, begin, total = [], 0, 0
    for position, amount in enumerate(work.tolist()):
        full = total + amount > _WORK_OF_A_SHARD or position - begin >= _PROTEINS_OF_A_SHARD
        if full and position > begin:
            found.append(ranks[begin:position])
            begin, total = position, 0
        total += amount
    return [*found, ranks[begin:]] if len(ranks) else []


def near_enough(
    proteins: Proteins, pairs: Int[np.ndarray, "pairs 2"], config: HomologyConfig
) -> tuple[Int64[np.ndarray, "near 2"], Int32[np.ndarray, " near"]]:
    """Return the pairs near enough in Levenshtein distance, and that distance; no wanted pair is lost.

    A wanted pair has L columns, n of them with two residues, m identical: L = la + lb − n, m ≥ t·L, n ≥ m and
    n ≥ c·max(la, lb). Hence n ≥ t(la + lb)/(1 + t), which with c bounds L from above; and the alignment is
    one way to edit one into the other, so the distance is at most L − m ≤ (1 − t)·L.

    Examples
    --------
    >>> proteins = Proteins.of(["MKTAYIAKQR", "MKTAYWAKQR", "GGGGGGGGGG"])
    >>> pairs, distance = near_enough(proteins, np.array([[0, 1], [0, 2]]), HomologyConfig())
    >>> pairs.tolist(), distance.tolist()
    ([[0, 1]], [1])
    """
    if not len(pairs):
        return pairs, np.empty(0, dtype=np.int32)
    lengths, least = proteins.lengths[pairs], config.min_identity
    both = lengths.sum(axis=1)
    aligned = np.maximum(config.coverage * lengths.max(axis=1), least * both / (1 + least))
    furthest = np.floor((1 - least) * (both - aligned) + _ROUNDING).astype(np.int32)
    letters = proteins.letters
    distance = process.cpdist(
        [letters[rank] for rank in pairs[:, 0].tolist()],
        [letters[rank] for rank in pairs[:, 1].tolist()],
        scorer=Levenshtein.distance,
        score_cutoff=int(furthest.max()),
        dtype=np.int32,
    )
    near = distance <= furthest
    return pairs[near], distance[near]
