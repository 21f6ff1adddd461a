"""Exact matches and columns of many pairs: proofs first, dynamic programming for what is left.

equal lengths:    count mismatches, proven by `ungapped` ────────────────┐
                  else one score: no gap pays even if it cost 10 ────────┤
lengths differ:   best single gap, proven by one score (`one_gap`) ──────┼─▶ matches, columns
all that is left: parasail's statistics ─────────────────────────────────┘
"""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Bool, Float, Int, Int32

from protrek_hm.homology.identity import best_score, matches_and_columns
from protrek_hm.homology.one_gap import best_with_one_gap
from protrek_hm.homology.scoring import GAP_OPEN, SCORE, Proteins
from protrek_hm.homology.ungapped import barriers, mismatches_if_ungapped

RESIDUES_AT_ONCE = 1 << 20
"""Residues of one side of the pairs that are looked at together: a few MB."""

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
