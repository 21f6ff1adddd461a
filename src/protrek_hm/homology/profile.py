"""What evolution allows at each site of a protein: its relatives among many, and how often each residue stands there.

Relatives share words with the protein (`lookup`), and are kept if their local alignment (Smith and Waterman, BLOSUM62,
gap 11/1) is not to be expected among so many residues (Karlin and Altschul 1990, doi:10.1073/pnas.87.6.2264). Near
copies share one vote, and the counts are mixed with what BLOSUM62 expects, as in PSI-BLAST (Altschul et al. 1997,
doi:10.1093/nar/25.17.3389).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import parasail
from jaxtyping import Float, Int8

from protrek_hm.data.schema import AMINO_ACIDS
from protrek_hm.deadline import checkpoint
from protrek_hm.homology.identity import CODE, GAP_EXTEND, GAP_OPEN, SCORE
from protrek_hm.homology.lookup import Lookup

MOST_RELATIVES = 200
"""Candidates of a protein that are aligned."""

E_VALUE = 1e-3
"""Alignments that chance would give among all residues, at most, for a protein to count as a relative."""

NEAR_COPY = 0.8
"""Identity from which relatives share one vote."""

PSEUDOCOUNTS = 5.0
"""Votes of what BLOSUM62 expects; the protein itself has one."""

_LAMBDA, _K, _LAMBDA_UNGAPPED = 0.267, 0.041, 0.3176  # of BLOSUM62 with gaps 11/1, and without
# Robinson and Robinson 1991, doi:10.1073/pnas.88.20.8880, in the order of AMINO_ACIDS
_FREQUENCIES = np.array(
    [0.078, 0.019, 0.054, 0.063, 0.039, 0.074, 0.022, 0.051, 0.057, 0.090]
    + [0.022, 0.045, 0.052, 0.043, 0.051, 0.071, 0.058, 0.064, 0.013, 0.032]
)
_NUMBER = np.full(256, -1, dtype=np.int8)
_NUMBER[np.frombuffer(AMINO_ACIDS.encode(), dtype=np.uint8)] = np.arange(20, dtype=np.int8)
_OWN = CODE[np.frombuffer(AMINO_ACIDS.encode(), dtype=np.uint8)]
SUBSTITUTION: Float[np.ndarray, "20 20"] = SCORE[np.ix_(_OWN, _OWN)].astype(np.float64)
"""BLOSUM62 of the twenty, in the order of `AMINO_ACIDS`."""


@dataclass(frozen=True)
class Profile:
    """Sites of a protein as its relatives have them.

    Attributes
    ----------
    log_odds
        Natural logarithm of how often each of the twenty (in the order of `AMINO_ACIDS`) stands at a site, to how often
        it does anywhere.
    entropy
        Of a site's frequencies, in nats, in [0, ln 20]: low where it is conserved.
    depth
        Votes at a site: relatives that reach it, near copies sharing one, and the protein's own.
    """

    log_odds: Float[np.ndarray, "sites 20"]
    entropy: Float[np.ndarray, " sites"]
    depth: Float[np.ndarray, " sites"]

    @classmethod
    def of(cls, protein: str, relatives: Sequence[str] = ()) -> "Profile":
        """Count what relatives have at the sites of a protein; without any, BLOSUM62's expectation is all there is.

        Examples
        --------
        >>> alone = Profile.of("MKWVTFISLL")
        >>> alone.depth.tolist() == [1.0] * 10, AMINO_ACIDS[alone.log_odds[2].argmax()]
        (True, 'W')
        """
        own = numbers(protein)
        rows = np.stack([own, *(_aligned(protein, each) for each in relatives)])
        weights = np.concatenate([[1.0], _votes(rows[1:])])
        counts = np.zeros((len(protein), 20))
        for row, weight in zip(rows, weights, strict=True):
            sites = np.flatnonzero(row >= 0)
            counts[sites, row[sites]] += weight
        depth = np.maximum(counts.sum(axis=1), 1e-9)
        expected = np.exp(_LAMBDA_UNGAPPED * SUBSTITUTION) * _FREQUENCIES
        expected /= expected.sum(axis=1, keepdims=True)
        share = counts / depth[:, None]
        share[depth < 1e-6] = _FREQUENCIES  # a letter that is none of the twenty, and no relative there
        mixed = (counts + PSEUDOCOUNTS * share @ expected) / (depth + PSEUDOCOUNTS)[:, None]
        mixed /= mixed.sum(axis=1, keepdims=True)
        return cls(np.log(mixed / _FREQUENCIES), -(mixed * np.log(mixed)).sum(axis=1), depth)


def profiles(proteins: Sequence[str], pool: Lookup | None) -> list[Profile]:
    """Return the profile of each protein, from its relatives in a pool; None: without any."""
    if pool is None:
        return [Profile.of(each) for each in proteins]
    return [Profile.of(each, found) for each, found in zip(proteins, find_relatives(proteins, pool), strict=True)]


def find_relatives(proteins: Sequence[str], pool: Lookup) -> list[list[str]]:
    """Return each protein's relatives in a pool: those whose local alignment has an E-value of at most `E_VALUE`.

    Candidates are the `MOST_RELATIVES` that share the most words with it, so that distant ones may be missed.

    Raises
    ------
    GivenUpError
        If the deadline of the work is over, or nobody waits for it.

    Examples
    --------
    >>> protein = "MKWVTFISLLFLFSSAYSRGVFRRDAHKSEVAHRFKDLGEENFKALVLIAFAQYLQQCPF"
    >>> other = protein.replace("LLFLFSS", "LLFLYST")
    >>> find_relatives([protein], Lookup.of(["GGGGGSGGGGSGGGGSAAAAAAAAAAA", other])) == [[other]]
    True
    """
    found = []
    for protein, candidates in zip(proteins, pool.candidates(proteins, most=MOST_RELATIVES), strict=True):
        checkpoint()
        query = parasail.profile_create_sat(protein, parasail.blosum62)
        others = [pool.sequence(index) for index in candidates.tolist()]
        scores = np.array(
            [parasail.sw_striped_profile_sat(query, other, GAP_OPEN, GAP_EXTEND).score for other in others], dtype=float
        )
        expected = _K * len(protein) * float(pool.starts[-1]) * np.exp(-_LAMBDA * scores)
        found.append([other for other, chance in zip(others, expected, strict=True) if chance <= E_VALUE])
    return found


def numbers(protein: str) -> Int8[np.ndarray, " residues"]:
    """Return each residue's place in `AMINO_ACIDS`; -1 for other letters.

    >>> numbers("ACX").tolist()
    [0, 1, -1]
    """
    return _NUMBER[np.frombuffer(protein.encode("latin-1"), dtype=np.uint8)]


def _aligned(protein: str, other: str) -> Int8[np.ndarray, " sites"]:
    """Return what another has at the sites of a protein, by their best local alignment; -1 where it has nothing."""
    found = parasail.sw_trace_striped_sat(protein, other, GAP_OPEN, GAP_EXTEND, parasail.blosum62)
    ours, theirs = found.traceback.query, found.traceback.ref
    row = np.full(len(protein), -1, dtype=np.int8)
    inside = np.frombuffer(ours.encode("latin-1"), dtype=np.uint8) != ord("-")
    first = found.end_query - int(inside.sum()) + 1
    row[first : found.end_query + 1] = numbers(theirs)[inside]
    return row


def _votes(rows: Int8[np.ndarray, "relatives sites"]) -> Float[np.ndarray, " relatives"]:
    """Return each relative's weight: 1 ÷ how many are near copies of it, itself among them."""
    held = (rows >= 0).astype(np.float32)
    both = held @ held.T
    same = sum((one := (rows == residue).astype(np.float32)) @ one.T for residue in range(20)) + np.zeros_like(both)
    return np.asarray(1.0 / (same >= NEAR_COPY * np.maximum(both, 1.0)).sum(axis=1))
