"""Exact matches and columns of many pairs: proofs first, dynamic programming for what is left.

equal lengths:    count mismatches, proven by bounds ────────────────────┐
                  else one score: no gap pays even if it cost 10 ────────┤
lengths differ:   best single gap, proven by one score ──────────────────┼─▶ matches, columns
all that is left: parasail's statistics ─────────────────────────────────┘

**No gap.** Of two sequences of one length, counting mismatches gives the exact identity if the best alignment
provably has no gap. A gapped alignment of a and b leaves the main diagonal at some (i, i) and is back on it at some
(j, j): an *excursion* over the rows and columns [i, j), in which no residue of a meets the residue of b at its own
position. It has a gap in each sequence at least, so its gaps cost ≥ 22. If no excursion can gain what it
costs, the ungapped alignment is the only best one. Two bounds on the gain over [i, j):

1. Each row scores at most BEST, and one row at least is lost to a gap (≥ 4). The ungapped alignment falls
   short of BEST by the *loss* of its mismatches, so gain ≤ loss[i, j) − 26.
2. S(a_t, b_u) ≤ S(a_t, a_u) + max over x of (S(x, b_u) − S(x, a_u)): compared with the same path through a
   against itself, every mismatched column adds at most a *lift* that its two letters fix. And a against
   itself away from the main diagonal falls short of BEST by the *barrier* of each block of rows within the
   excursion. So gain ≤ loss[i, j) + lift[i, j) − Σ barriers of the blocks within [i, j) − 22.

The barrier of a block is BEST of its rows − the best score of any path through these rows, away from the
diagonal, that may begin and end at any row and column and change its diagonal at any time for 11: a
relaxation of what an excursion can do there, since its first and last gap are paid for by the 22, and each
other costs ≥ 11.

**One gap.** Of two sequences whose lengths differ by g, an alignment with one gap sets the shorter one's first p
residues below the longer one's first, its others below the longer one's last, and costs 11 + g − 1. The best p follows
from running sums. Let U be that score. With gap opening one cheaper (10), every alignment scores one more per
gap, so if the best score at 10 is no more than U + 1, an alignment with two gaps or more scores at most U − 1
at 11: the best one has one gap. Several p can be best (a gap within `AAA`); the identity is certain if all of
them have the same matches.
"""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Bool, Float, Int, Int16, Int32, UInt8

from protrek_hm.homology.identity import (
    BEST,
    GAP_EXTEND,
    GAP_OPEN,
    SCORE,
    STANDARD,
    Proteins,
    best_score,
    fractions,
    matches_and_columns,
)

RESIDUES_AT_ONCE = 1 << 20
"""Residues of the first proteins of the pairs that are compared at once: a few MB."""

EDITS_AT_MOST = 1.05
"""The best alignment hardly ever has more edits than this times the Levenshtein distance, and one."""

WORTHWHILE = 3
"""Pairs per protein from which its barriers cost less than they save (0.25 ms against 0.1 ms a pair)."""


def verify(
    proteins: Proteins, pairs: Int[np.ndarray, "pairs 2"], distance: Int[np.ndarray, " pairs"]
) -> tuple[Int32[np.ndarray, " pairs"], Int32[np.ndarray, " pairs"]]:
    """Return matches and columns of each pair of ranks, exactly as parasail's statistics give them.

    The Levenshtein `distance` of each pair tells in advance which proofs are hardly worth an attempt.

    The protein that comes first in the order given is parasail's query: where several alignments are best,
    which of them is taken can depend on it.

    Examples
    --------
    >>> matches, columns = verify(Proteins.of(["MKTAYIAKQR", "MKTAYAKQR"]), np.array([[0, 1]]), np.array([1]))
    >>> matches.tolist(), columns.tolist()
    ([9], [10])
    """
    matches = np.full(len(pairs), -1, dtype=np.int32)
    columns = np.maximum(proteins.lengths[pairs[:, 0]], proteins.lengths[pairs[:, 1]]).astype(np.int32)
    for group in _by_lengths(proteins, pairs):
        same_length = np.ptp(proteins.lengths[pairs[group[0]]]) == 0
        solve = _equal_lengths if same_length else _unequal_lengths
        matches[group] = solve(proteins, pairs[group], EDITS_AT_MOST * distance[group] + 1)
    for index in np.flatnonzero(matches < 0).tolist():
        first, second = sorted(pairs[index].tolist(), key=proteins.order.__getitem__)
        matches[index], columns[index] = matches_and_columns(proteins.letters[first], proteins.letters[second])
    return matches, columns


def identities(
    proteins: Proteins, pairs: Int[np.ndarray, "pairs 2"], distance: Int[np.ndarray, " pairs"]
) -> tuple[Float[np.ndarray, " pairs"], Float[np.ndarray, " pairs"]]:
    """Return identity and coverage of each pair of ranks, in [0, 1]; see `verify`.

    Examples
    --------
    >>> [each.tolist() for each in identities(Proteins.of(["MKTA", "MKT"]), np.array([[0, 1]]), np.array([1]))]
    [[0.75], [0.75]]
    """
    lengths = proteins.lengths[pairs]
    matches, columns = verify(proteins, pairs, distance)
    return fractions(matches, columns, both=lengths.sum(axis=1), longer=lengths.max(axis=1, initial=0))


def _by_lengths(proteins: Proteins, pairs: Int[np.ndarray, "pairs 2"]) -> Iterator[Int[np.ndarray, " some"]]:
    """Yield the indexes of pairs whose two lengths are the same, in pieces of bounded size."""
    lengths = np.sort(proteins.lengths[pairs], axis=1)
    key = lengths[:, 0] << 32 | lengths[:, 1]
    order = np.argsort(key, kind="stable")
    for group in np.split(order, np.flatnonzero(np.diff(key[order])) + 1):
        if len(group):
            at_once = max(RESIDUES_AT_ONCE // int(lengths[group[0], 1]), 1)
            yield from np.split(group, range(at_once, len(group), at_once))


def _equal_lengths(
    proteins: Proteins, pairs: Int[np.ndarray, "pairs 2"], most_edits: Float[np.ndarray, " pairs"]
) -> Int32[np.ndarray, " pairs"]:
    """Return matches of pairs of one length, −1 where the best alignment could have gaps."""
    a, b = proteins.rows(pairs[:, 0]), proteins.rows(pairs[:, 1])
    queries, query = np.unique(pairs[:, 0], return_inverse=True)
    dense = len(pairs) >= WORTHWHILE * len(queries)
    count, certain = mismatches_if_ungapped(a, b, barriers(proteins.rows(queries))[query] if dense else None)
    unsure = np.flatnonzero(~certain & (count <= most_edits))
    ungapped = SCORE[a[unsure], b[unsure]].sum(axis=1)
    certain[unsure] = _no_better_with_cheaper_gaps(proteins, pairs[unsure], ungapped)
    return np.asarray(np.where(certain, a.shape[1] - count, -1), dtype=np.int32)


def _unequal_lengths(
    proteins: Proteins, pairs: Int[np.ndarray, "pairs 2"], most_edits: Float[np.ndarray, " pairs"]
) -> Int32[np.ndarray, " pairs"]:
    """Return matches of pairs of two lengths, −1 where the best alignment could have more than one gap."""
    ordered = np.sort(pairs, axis=1)  # ranks go by length
    score, matches, certain = best_with_one_gap(proteins.rows(ordered[:, 0]), proteins.rows(ordered[:, 1]))
    certain &= proteins.lengths[ordered[:, 1]] - matches <= most_edits
    unsure = np.flatnonzero(certain)
    certain[unsure] = _no_better_with_cheaper_gaps(proteins, pairs[unsure], score[unsure] + 1)
    return np.asarray(np.where(certain, matches, -1), dtype=np.int32)


def _no_better_with_cheaper_gaps(
    proteins: Proteins, pairs: Int[np.ndarray, "pairs 2"], score: Int[np.ndarray, " pairs"]
) -> Bool[np.ndarray, " pairs"]:
    """Return whether `score` is the best at gap opening 10: then none with more gaps is as good at 11."""
    letters = proteins.letters
    best = [best_score(letters[a], letters[b], gap_open=GAP_OPEN - 1) for a, b in pairs.tolist()]
    return np.asarray(np.equal(best, score))


def best_with_one_gap(
    shorter: UInt8[np.ndarray, "pairs less"], longer: UInt8[np.ndarray, "pairs more"]
) -> tuple[Int32[np.ndarray, " pairs"], Int32[np.ndarray, " pairs"], Bool[np.ndarray, " pairs"]]:
    """Return score and matches of each pair's best one-gap alignment, and whether all such agree in matches.

    Parameters
    ----------
    shorter, longer
        Letter codes, one pair a row.

    Examples
    --------
    >>> from protrek_hm.homology.identity import Proteins
    >>> pair = Proteins.of(["MKTAYAKQR", "MKTAYIAKQR"])
    >>> score, matches, agree = best_with_one_gap(pair.rows(np.array([0])), pair.rows(np.array([1])))
    >>> score.tolist(), matches.tolist(), agree.tolist()
    ([34], [9], [True])
    """
    less, more = shorter.shape[1], longer.shape[1]
    gap = more - less
    front, back = longer[:, :less], longer[:, gap:]
    score = _by_gap_position(SCORE[shorter, front], SCORE[shorter, back]) - GAP_OPEN - (gap - 1) * GAP_EXTEND
    matches = _by_gap_position(shorter == front, shorter == back)
    best = score.max(axis=1)
    among_best = score == best[:, None]
    most = np.where(among_best, matches, -1).max(axis=1)
    fewest = np.where(among_best, matches, less + 1).min(axis=1)
    return best, most, most == fewest


def _by_gap_position(
    front: Int16[np.ndarray, "pairs less"] | Bool[np.ndarray, "pairs less"],
    back: Int16[np.ndarray, "pairs less"] | Bool[np.ndarray, "pairs less"],
) -> Int32[np.ndarray, "pairs positions"]:
    """Return Σ front[:p] + Σ back[p:] for p from 0 to the length."""
    pairs, length = front.shape
    sums = np.empty((pairs, length + 1), dtype=np.int32)
    sums[:, 0] = back.sum(axis=1)
    change = np.subtract(front, back, dtype=np.int32)
    np.cumsum(change, axis=1, out=sums[:, 1:])
    sums[:, 1:] += sums[:, :1]
    return sums


BLOCK = 6
"""Rows of a block: short ones put a barrier between mismatches that stand close."""

_GAPS = 2 * GAP_OPEN
_ROW = int(BEST[:STANDARD].min())
_LOSS = (BEST[:, None] - SCORE).astype(np.int32)
_LIFT = (SCORE[:, :, None] - SCORE[:, None, :]).max(axis=0).T.astype(np.int32)
_FAR = np.int16(-20_000)


def mismatches_if_ungapped(
    a: UInt8[np.ndarray, "pairs length"],
    b: UInt8[np.ndarray, "pairs length"],
    barriers: Int32[np.ndarray, "pairs blocks"] | None = None,
) -> tuple[Int32[np.ndarray, " pairs"], Bool[np.ndarray, " pairs"]]:
    """Return the mismatches of each pair without gaps, and whether no other alignment is as good, proven.

    Parameters
    ----------
    a, b
        Letter codes, one pair a row.
    barriers
        What `barriers` returns for each a; without it only bound 1 is tried, over the whole length.

    Examples
    --------
    >>> from protrek_hm.homology.identity import Proteins
    >>> pair = Proteins.of(["MKTAYIAKQRQISFVKSHFS", "MKTAYIAKQRQISWVKSHFS"])
    >>> count, certain = mismatches_if_ungapped(pair.rows(np.array([0])), pair.rows(np.array([1])))
    >>> count.tolist(), certain.tolist()
    ([1], [True])
    """
    pairs = len(a)
    pair, position = np.nonzero(a != b)
    x, y = a[pair, position], b[pair, position]
    count = np.bincount(pair, minlength=pairs).astype(np.int32)
    loss = _LOSS[x, y]
    usual = ((a < STANDARD) & (b < STANDARD)).all(axis=1)
    if barriers is None or not len(pair):
        certain = np.bincount(pair, weights=loss, minlength=pairs) < _GAPS + _ROW
    else:
        certain = ~_some_excursion_pays(pair, position, loss, _LIFT[x, y], barriers)
    return count, certain & usual


def _some_excursion_pays(
    pair: Int[np.ndarray, " mismatches"],
    position: Int[np.ndarray, " mismatches"],
    loss: Int32[np.ndarray, " mismatches"],
    lift: Int32[np.ndarray, " mismatches"],
    barriers: Int32[np.ndarray, "pairs blocks"],
) -> Bool[np.ndarray, " pairs"]:
    """Return whether a run of mismatches exists in each pair that breaks both bounds.

    For a run from mismatch s to e, bound 1 is broken from some e₀(s) on, and bound 2 is a difference of a
    term of e and one of s, so the largest term among e ≥ e₀(s) decides. Pairs lie one after another in flat
    arrays; a stride per pair, larger than any term, keeps them apart.
    """
    pairs, blocks = barriers.shape
    before = np.zeros((pairs, blocks + 1), dtype=np.int64)
    np.cumsum(barriers, axis=1, out=before[:, 1:])
    lost, both = np.cumsum(loss, dtype=np.int64), np.cumsum(loss + lift, dtype=np.int64)
    end_term = both - before[pair, (position + 1) // BLOCK]
    start_term = both - (loss + lift) - before[pair, -(-position // BLOCK)]
    stride = 2 * (int(both[-1]) + int(before.max()) + 1)
    largest_to_the_end = np.maximum.accumulate((end_term - pair * stride)[::-1])[::-1] + pair * stride
    first_end = np.searchsorted(lost, lost - loss + _GAPS + _ROW)
    inside = np.minimum(first_end, len(pair) - 1)
    breaks_first = (first_end < len(pair)) & (pair[inside] == pair)
    breaks_both = breaks_first & (largest_to_the_end[inside] - start_term >= _GAPS)
    return np.asarray(np.bincount(pair[breaks_both], minlength=pairs) > 0)


def barriers(rows: UInt8[np.ndarray, "proteins length"]) -> Int32[np.ndarray, "proteins blocks"]:
    """Return the barrier of each block of rows of proteins of one length (the last, shorter block has none).

    Examples
    --------
    >>> from protrek_hm.homology.identity import Proteins
    >>> barriers(Proteins.of(["WWWWWWCCCCCC"]).rows(np.array([0]))).tolist()  # five of six meet a neighbour
    [[11, 9]]
    """
    proteins, length = rows.shape
    blocks = length // BLOCK
    found = np.zeros((proteins, -(-length // BLOCK)), dtype=np.int32)
    if not blocks:
        return found
    block = np.arange(blocks)
    for protein, codes in enumerate(rows):
        columns = SCORE[:, codes]
        by_block = codes[: blocks * BLOCK].reshape(blocks, BLOCK)
        path = np.zeros((blocks, length + 1), dtype=np.int16)  # column j + 1: the best that ends in column j
        best = np.zeros((blocks, 1), dtype=np.int16)
        for row in range(BLOCK):
            extended = np.maximum(path[:, :-1], np.maximum(best - GAP_OPEN, 0))
            extended += columns[by_block[:, row]]
            extended[block, block * BLOCK + row] = _FAR
            path[:, 1:] = extended
            np.maximum(best, extended.max(axis=1, keepdims=True), out=best)
        found[protein, :blocks] = BEST[by_block].sum(axis=1) - best[:, 0]
    return found
