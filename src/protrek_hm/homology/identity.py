"""Exact global identity of two proteins: identical columns ÷ columns of their best global alignment.

Needleman and Wunsch with affine gaps, BLOSUM62, 11 for a gap's first residue and 1 for each further one, by
parasail (Daily 2016, doi:10.1186/s12859-016-0930-z). Where several alignments are best, parasail's choice counts.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import parasail
from jaxtyping import Float, Int

GAP_OPEN, GAP_EXTEND = 11, 1
LONG = 2_500
"""Residues from which a score could leave 16 bits: it is at most 11 a column."""


@dataclass(frozen=True)
class Alignment:
    """Two sequences written below each other, gaps as `-`.

    Examples
    --------
    >>> pair = Alignment("ACDEF", "ACD-W")
    >>> pair.identity, pair.coverage
    (0.6, 0.8)
    """

    a: str
    b: str

    @property
    def identity(self) -> float:
        """Identical columns ÷ all columns, in [0, 1]."""
        return sum(x == y for x, y in zip(self.a, self.b, strict=True)) / max(len(self.a), 1)

    @property
    def coverage(self) -> float:
        """Columns with a residue in both ÷ length of the longer sequence, in [0, 1]."""
        both = sum(x != "-" and y != "-" for x, y in zip(self.a, self.b, strict=True))
        return both / max(len(self.a.replace("-", "")), len(self.b.replace("-", "")), 1)


def align(a: str, b: str) -> Alignment:
    """Return the best global alignment of two sequences.

    Examples
    --------
    >>> align("MKTAYIAKQR", "MKTAYAKQR")
    Alignment(a='MKTAYIAKQR', b='MKTAY-AKQR')
    """
    engine = parasail.nw_trace_scan_16 if _fits_16_bits(a, b) else parasail.nw_trace_scan_32
    trace = engine(a, b, GAP_OPEN, GAP_EXTEND, parasail.blosum62).traceback
    return Alignment(trace.query, trace.ref)


def identity(a: str, b: str) -> float:
    """Return identical columns ÷ columns of the best global alignment, in [0, 1].

    Examples
    --------
    >>> identity("MKTAYIAKQR", "MKTAYAKQR")
    0.9
    """
    matches, columns = _matches_and_columns(a, b)
    return matches / columns


def identities(
    sequences: Sequence[str], pairs: Int[np.ndarray, "pairs 2"], *, threads: int = 1
) -> tuple[Float[np.ndarray, " pairs"], Float[np.ndarray, " pairs"]]:
    """Return exact identity and coverage of each pair of indexes into `sequences`.

    Examples
    --------
    >>> found, covered = identities(["MKTAYIAKQR", "MKTAYAKQR"], np.array([[0, 1]]))
    >>> found.tolist(), covered.tolist()
    ([0.9], [0.9])
    """

    def count(chunk: Int[np.ndarray, "some 2"]) -> list[tuple[int, int]]:
        return [_matches_and_columns(sequences[a], sequences[b]) for a, b in chunk.tolist()]

    if not len(pairs):
        return np.empty(0), np.empty(0)
    with ThreadPoolExecutor(threads) as pool:
        counts = np.array(
            [row for part in pool.map(count, np.array_split(pairs, 8 * threads)) for row in part]
        )
    lengths = np.array([len(sequence) for sequence in sequences])[pairs]
    aligned = lengths.sum(axis=1) - counts[:, 1]
    return counts[:, 0] / counts[:, 1], aligned / lengths.max(axis=1)


def _matches_and_columns(a: str, b: str) -> tuple[int, int]:
    engine = parasail.nw_stats_scan_16 if _fits_16_bits(a, b) else parasail.nw_stats_scan_32
    result = engine(a, b, GAP_OPEN, GAP_EXTEND, parasail.blosum62)
    return result.matches, result.length


def _fits_16_bits(a: str, b: str) -> bool:
    return max(len(a), len(b)) < LONG
