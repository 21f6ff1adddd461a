"""Candidate pairs: which proteins to compare at all, piece by piece, each piece the same in every run.

The shorter protein of a pair decides how it is looked for: up to `TINY` residues against every protein of
fitting length, above by shared seeds, of few letters, or of more where proteins would share few by
chance; proteins that repeat themselves against each other. Then comes a bound that every wanted pair keeps: its
Levenshtein distance (`rapidfuzz`).

A *seed* is the letters at fixed offsets of a window (spaced, so that neighbouring windows fail
independently; Ma, Tromp and Li 2002, doi:10.1093/bioinformatics/18.3.440). The second occurrence of the same
letters in a protein is another seed than the first, and so on: two repeats share as many seeds as any two proteins
that are as identical. Each protein keeps about as many seeds as asked for, those with the lowest hash: below a limit
that falls with the number of its seeds, so that of the seeds which two proteins share, one keeps all that the other
keeps. All (seed, rank) are sorted once; the partners of a protein are its neighbours in that list, up to the longest
one that coverage and identity allow.

Mismatches of two repeats need not fall anywhere: `GAGAGA` and `GSGSGS` share no seed. So proteins that repeat
themselves are paired whatever they share.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int, Int32, Int64, UInt32, UInt64
from rapidfuzz import process
from rapidfuzz.distance import Levenshtein

from protrek_hm.homology.config import HomologyConfig
from protrek_hm.homology.identity import Proteins

OFFSETS = {3: (0, 1, 3), 4: (0, 1, 4, 6), 5: (0, 1, 4, 6, 9), 6: (0, 1, 4, 6, 9, 11)}
"""Number of letters of a seed → where in the window they stand: few distances between them are equal."""

_ALPHABET = 24
_LOW = 0xFFFFFFFF
_WINDOWS_AT_ONCE = 1 << 22
_CELLS_PER_SHARED_SEED = 4  # a table of counts is faster than a sort up to here
_REPEATED = 0.5  # part of a protein's seeds that occurred in it before, from which on it is a repeat


@dataclass(frozen=True)
class SeedIndex:
    """All seeds of all proteins of a range of ranks, sorted.

    Parameters
    ----------
    ranks
        The protein of each entry; entries of one seed lie together, by rank.
    ends
        Where the partners of each entry end: they are the entries after it, up to here.
    by_rank, first
        Entries of each protein: `by_rank[first[rank] : first[rank + 1]]`.
    letters
        Letters of a seed.
    repeats
        Ranks of the proteins that repeat themselves, ascending.
    """

    ranks: UInt32[np.ndarray, " entries"]
    ends: UInt32[np.ndarray, " entries"]
    by_rank: UInt32[np.ndarray, " entries"]
    first: Int64[np.ndarray, " n_and_one"]
    letters: int
    repeats: Int64[np.ndarray, " repeats"]

    @classmethod
    def of(
        cls, proteins: Proteins, last: Int64[np.ndarray, " n"], ranks: range, *, letters: int, sketch: int
    ) -> "SeedIndex":
        """Build the index of the proteins in `ranks`.

        Parameters
        ----------
        last
            For each rank, the rank after its last possible partner.
        letters
            Letters of a seed, 3 to 6.
        sketch
            Seeds kept of a protein, about.
        """
        entries, repeats = _entries(proteins, ranks, letters=letters, sketch=sketch)
        entries.sort()
        of_entry = (entries & np.uint64(_LOW)).astype(np.uint32)
        ends = np.empty(len(entries), dtype=np.uint32)
        for start in range(0, len(entries), _WINDOWS_AT_ONCE):
            part = slice(start, start + _WINDOWS_AT_ONCE)
            limit = entries[part] >> np.uint64(32) << np.uint64(32) | last[of_entry[part]].astype(np.uint64)
            ends[part] = np.searchsorted(entries, limit)
        del entries
        first = np.zeros(len(proteins.lengths) + 1, dtype=np.int64)
        np.cumsum(np.bincount(of_entry, minlength=len(proteins.lengths)), out=first[1:])
        return cls(of_entry, ends, np.argsort(of_entry, kind="stable").astype(np.uint32), first, letters, repeats)

    def kept(self) -> Int64[np.ndarray, " n"]:
        """Return how many seeds each rank keeps."""
        return np.asarray(np.diff(self.first))

    def work(self, last: Int64[np.ndarray, " n"]) -> Int64[np.ndarray, " n"]:
        """Return how many seeds each rank shares with later ones, summed over these, and of a repeat its pairs."""
        shared = np.zeros(len(self.ranks) + 1, dtype=np.int64)
        np.cumsum(self.ends[self.by_rank].astype(np.int64) - self.by_rank - 1, out=shared[1:])
        work = np.diff(shared[self.first])
        work[self.repeats] += self._later_repeats(last)
        return np.asarray(work)

    def pairs_of_repeats(self, ranks: range, last: Int64[np.ndarray, " n"]) -> Int64[np.ndarray, "pairs 2"]:
        """Return the pairs of a repeat in `ranks` and a later one, up to its `last` partner, in order."""
        place = np.arange(*np.searchsorted(self.repeats, [ranks.start, ranks.stop]))
        count = self._later_repeats(last)[place]
        partner = np.arange(int(count.sum())) + np.repeat(place + 1 - (np.cumsum(count) - count), count)
        return np.stack([self.repeats[np.repeat(place, count)], self.repeats[partner]], axis=1)

    def _later_repeats(self, last: Int64[np.ndarray, " n"]) -> Int64[np.ndarray, " repeats"]:
        """Return how many later repeats each repeat can be paired with."""
        return np.asarray(np.searchsorted(self.repeats, last[self.repeats]) - np.arange(len(self.repeats)) - 1)

    def pairs(self, ranks: range, least: Int[np.ndarray, " ranks"]) -> Int64[np.ndarray, "pairs 2"]:
        """Return the pairs of a rank and a later one that share at least its `least` seeds, in order."""
        own = self.by_rank[self.first[ranks.start] : self.first[ranks.stop]].astype(np.int64)
        count = self.ends[own] - own - 1
        skipped = np.cumsum(count) - count
        entry = np.arange(int(count.sum())) + np.repeat(own + 1 - skipped, count)
        if not len(entry):
            return np.empty((0, 2), dtype=np.int64)
        partner = self.ranks[entry].astype(np.int64) - ranks.start
        width = int(partner.max()) + 1
        cell = np.repeat((self.ranks[own].astype(np.int64) - ranks.start) * width, count) + partner
        if len(ranks) * width <= _CELLS_PER_SHARED_SEED * len(cell):
            table = np.bincount(cell, minlength=len(ranks) * width).reshape(-1, width)
            often = np.flatnonzero(table >= least[:, None])
        else:
            cell.sort()
            begins = np.flatnonzero(np.append(True, cell[1:] != cell[:-1]))
            often = cell[begins]
            often = often[np.diff(begins, append=len(cell)) >= least[often // width]]
        return np.stack(np.divmod(often, width), axis=1) + ranks.start


def _entries(
    proteins: Proteins, ranks: range, *, letters: int, sketch: int
) -> tuple[UInt64[np.ndarray, " entries"], Int64[np.ndarray, " repeats"]]:
    """Return seed and rank of each kept seed as one number, unsorted, each once, and the ranks of repeats."""
    offsets = OFFSETS[letters]
    windows = np.maximum(proteins.lengths[ranks.start : ranks.stop] - offsets[-1], 0)
    done = np.cumsum(windows)
    cuts = np.searchsorted(done, np.arange(_WINDOWS_AT_ONCE, int(windows.sum()), _WINDOWS_AT_ONCE))
    limit = np.minimum(sketch / np.maximum(windows, 1), 1) * _LOW
    again = np.zeros(len(windows), dtype=np.int64)
    pieces = [np.empty(0, dtype=np.uint64)]
    for part in np.split(np.arange(len(windows)), cuts):
        count = windows[part]
        begin = np.arange(int(count.sum())) + np.repeat(
            proteins.starts[ranks.start + part] - (np.cumsum(count) - count), count
        )
        seed = np.repeat(part, count).astype(np.uint64)
        for offset in offsets:
            seed = seed * np.uint64(_ALPHABET) + proteins.codes[begin + offset]
        seed.sort()
        begins = np.flatnonzero(np.append(True, seed[1:] != seed[:-1]))[: len(seed)]
        occurrence = np.arange(len(seed)) - np.repeat(begins, np.diff(begins, append=len(seed)))
        protein, seed = np.divmod(seed, np.uint64(_ALPHABET**letters))
        later = np.flatnonzero(occurrence)
        again += np.bincount(protein[later].astype(np.int64), minlength=len(windows))
        seed[later] = mix(seed[later] << np.uint64(32) | occurrence[later].astype(np.uint64))
        kept = np.flatnonzero(mix(seed) <= limit[protein])
        pieces.append(seed[kept] << np.uint64(32) | (protein[kept] + np.uint64(ranks.start)))
    repeats = np.flatnonzero((windows > 0) & (again >= _REPEATED * windows)) + ranks.start
    return np.concatenate(pieces), repeats


def mix(numbers: UInt64[np.ndarray, " numbers"]) -> UInt64[np.ndarray, " numbers"]:
    """Return 32 well-mixed bits of each number (as MurmurHash3 ends, Appleby 2011, public domain)."""
    mixed = numbers * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(33)
    mixed *= np.uint64(0xFF51AFD7ED558CCD)
    return np.asarray(mixed >> np.uint64(32))


TINY, SHORT = 48, 160
EXPECTED = 16
"""Seeds that a pair of the least wanted identity shares on average, its mismatches falling anywhere."""

CAUTION = 5
"""A pair is looked at from a fifth of that on: one in 20,000 shares fewer, if mismatches fall anywhere."""

CHANCE, CHANCE_SHORT = 1, 30
"""Partners that a seed may have by chance before seeds of more letters are taken; more for short proteins,
which share few seeds and are soon compared."""

RESIDUES_OF_AN_INDEX = 50_000_000
"""Of the proteins that are indexed at a time: some 20 bytes each while an index is made, 12 while it is used."""

_WORK_OF_A_SHARD = 1_000_000
_PROTEINS_OF_A_SHARD = 1_000
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
    for all_own, chance in ((range(tiny, short), CHANCE_SHORT), (range(short, n), CHANCE)):
        for own in _cut_for_memory(all_own, proteins, last):
            reach = range(own.start, int(last[own.stop - 1]))
            letters, sketch = _seed_size(proteins, reach, config, chance)
            index = SeedIndex.of(proteins, last, reach, letters=letters, sketch=sketch)
            work = index.work(last)[own.start : own.stop]
            yield [Shard(ranks, index, config) for ranks in _cut(own, work)]


def _cut_for_memory(ranks: range, proteins: Proteins, last: Int64[np.ndarray, " n"]) -> Iterator[range]:
    """Cut `ranks` so that the index of a piece and its partners holds `RESIDUES_OF_AN_INDEX`, or not much more."""
    residues = np.concatenate([[0], np.cumsum(proteins.lengths)])
    reach = residues[last]
    start = ranks.start
    while start < ranks.stop:
        least = int(reach[start] - residues[start])  # of the first one with all its partners
        most = residues[start] + max(RESIDUES_OF_AN_INDEX, 3 * least // 2)
        stop = int(np.searchsorted(reach[: ranks.stop], most, side="right"))
        yield range(start, stop)
        start = stop


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
