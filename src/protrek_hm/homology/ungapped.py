"""Pairs of one length whose best alignment provably has no gap: counting mismatches gives the exact identity.

A gapped alignment of a and b leaves the main diagonal at some (i, i) and is back on it at some (j, j): an
*excursion* over the rows and columns [i, j), in which no residue of a meets the residue of b at its own
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
"""

import numpy as np
from jaxtyping import Bool, Int, Int32, UInt8

from protrek_hm.homology.scoring import BEST, GAP_OPEN, SCORE, STANDARD

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
    >>> from protrek_hm.homology.scoring import Proteins
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
    >>> from protrek_hm.homology.scoring import Proteins
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
