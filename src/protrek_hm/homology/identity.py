"""Exact global identity of two proteins: identical columns ÷ columns of their best global alignment.

Needleman and Wunsch with affine gaps, BLOSUM62, 11 for a gap's first residue and 1 for each further one, by
parasail (Daily 2016, doi:10.1186/s12859-016-0930-z). Where several alignments are best, the one that
parasail's statistics describe counts.

parasail's statistics leave a gap at the very start out of the columns: `MKT` and `WWWMKT` would be identical
(https://github.com/jeffdaily/parasail-python/issues/42). A letter that matches nothing but itself, put before
both sequences, makes such a gap an inner one, which counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import parasail
from jaxtyping import Int, Int16, Int64, UInt8

GAP_OPEN, GAP_EXTEND = 11, 1
STANDARD = 20
"""Codes below this are the twenty amino acids; B, Z, X and the rest come after them."""

CODE: UInt8[np.ndarray, " 256"] = np.array(parasail.blosum62.mapper[:256], dtype=np.uint8)
"""Letter → code, as parasail maps them: U, O and J share the last code and count as one letter."""

SCORE: Int16[np.ndarray, "24 24"] = np.array(parasail.blosum62.matrix, dtype=np.int16)[:24, :24]
BEST: Int16[np.ndarray, " 24"] = SCORE.max(axis=1)
"""The most that a residue can score; for each of the twenty it is the score against itself, at least 4."""


@dataclass(frozen=True)
class Proteins:
    """Sequences in order of length (their *rank*), as letters and as codes.

    Parameters
    ----------
    order
        Rank → index in the order given; equal lengths keep that order.
    letters
        Sequences by rank.
    lengths, starts
        Residues of each rank, ascending, and where its codes start.
    codes
        All residues, rank after rank.
    """

    order: Int64[np.ndarray, " n"]
    letters: Sequence[str]
    lengths: Int64[np.ndarray, " n"]
    starts: Int64[np.ndarray, " n"]
    codes: UInt8[np.ndarray, " residues"]

    @classmethod
    def of(cls, sequences: Sequence[str]) -> "Proteins":
        """Encode `sequences`.

        Examples
        --------
        >>> proteins = Proteins.of(["MKT", "A", "WC"])
        >>> proteins.order.tolist(), proteins.lengths.tolist(), proteins.starts.tolist()
        ([1, 2, 0], [1, 2, 3], [0, 1, 3])
        """
        given = np.fromiter((len(sequence) for sequence in sequences), dtype=np.int64, count=len(sequences))
        order = np.argsort(given, kind="stable")
        letters = [sequences[index] for index in order.tolist()]
        lengths = given[order]
        residues = np.frombuffer("".join(letters).encode("latin-1"), dtype=np.uint8)
        return cls(order, letters, lengths, np.cumsum(lengths) - lengths, CODE[residues])

    def rows(self, ranks: Int[np.ndarray, " pairs"]) -> UInt8[np.ndarray, "pairs length"]:
        """Return the codes of proteins of one length, one row each."""
        length = int(self.lengths[ranks[0]])
        first, last = np.searchsorted(self.lengths, [length, length + 1])
        block = self.codes[self.starts[first] : self.starts[first] + (last - first) * length]
        return np.asarray(block.reshape(-1, length)[ranks - first])


LONG = 2_500
"""Residues from which a score could leave 16 bits: it is at most 11 a column."""

FIRST = "*"
"""Scores 1 against itself and −4 against every amino acid, so that it is always aligned to itself."""


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

    def _repr_html_(self) -> str:
        """Show itself in a notebook."""
        from protrek_hm.figures.notebook import alignment_html, notebook_html

        return notebook_html(alignment_html(self.a, self.b))


def align(a: str, b: str) -> Alignment:
    """Return the best global alignment of two sequences; of several, one with the identity of `identity`.

    parasail's traceback decides some ties otherwise than its statistics; then the way back to front is tried.

    Examples
    --------
    >>> align("MKTAYIAKQR", "MKTAYAKQR")
    Alignment(a='MKTAYIAKQR', b='MKTAY-AKQR')
    """
    forward = _trace(a, b)
    if forward.identity == identity(a, b):
        return forward
    backward = _trace(a[::-1], b[::-1])
    turned = Alignment(backward.a[::-1], backward.b[::-1])
    return turned if turned.identity == identity(a, b) else forward


def identity(a: str, b: str) -> float:
    """Return identical columns ÷ columns of the best global alignment, in [0, 1].

    Examples
    --------
    >>> identity("MKTAYIAKQR", "MKTAYAKQR")
    0.9
    """
    matches, columns = matches_and_columns(a, b)
    return matches / columns


def matches_and_columns(a: str, b: str) -> tuple[int, int]:
    """Return identical columns and columns of the best global alignment of two sequences (not empty).

    Examples
    --------
    >>> matches_and_columns("WWWMKT", "MKT")
    (3, 6)
    """
    engine = parasail.nw_stats_scan_16 if _fits_16_bits(a, b) else parasail.nw_stats_scan_32
    result = engine(FIRST + a, FIRST + b, GAP_OPEN, GAP_EXTEND, parasail.blosum62)
    return result.matches - 1, result.length - 1


def fractions(matches: Any, columns: Any, *, both: Any, longer: Any) -> tuple[Any, Any]:
    """Return identity and coverage, each as *one* division: the only form in which they are compared with a threshold.

    A division is rounded correctly, so 55 of 100 columns give the very number that `0.55` is, and `>=` and `<=` decide
    as exact arithmetic would. A product does not: 0.55 · 100 is a little above 55.

    Parameters
    ----------
    matches, columns
        From `matches_and_columns`; numbers, or arrays of them.
    both, longer
        Residues of both sequences together, and of the longer one.

    Examples
    --------
    >>> fractions(55, 100, both=190, longer=100)
    (0.55, 0.9)
    >>> 55 >= 0.55 * 100
    False
    """
    return matches / columns, (both - columns) / longer


def best_score(a: str, b: str, *, gap_open: int = GAP_OPEN) -> int:
    """Return the score of the best global alignment; three times as fast as its statistics.

    Examples
    --------
    >>> best_score("MKTAYIAKQR", "MKTAYAKQR")
    34
    """
    engine = parasail.nw_scan_16 if _fits_16_bits(a, b) else parasail.nw_scan_32
    return int(engine(a, b, gap_open, GAP_EXTEND, parasail.blosum62).score)


def _trace(a: str, b: str) -> Alignment:
    engine = parasail.nw_trace_scan_16 if _fits_16_bits(a, b) else parasail.nw_trace_scan_32
    trace = engine(a, b, GAP_OPEN, GAP_EXTEND, parasail.blosum62).traceback
    return Alignment(trace.query, trace.ref)


def _fits_16_bits(a: str, b: str) -> bool:
    return max(len(a), len(b)) < LONG
