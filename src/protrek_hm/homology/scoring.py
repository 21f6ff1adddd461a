"""The one scoring scheme of the room (BLOSUM62 by letter code, gaps 11 and 1), and proteins as arrays."""

from collections.abc import Sequence
from dataclasses import dataclass

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
