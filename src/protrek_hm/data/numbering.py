"""Substitutions in the literature's numbering, which seldom is the position in the sequence."""

import re
from dataclasses import dataclass

_SUBSTITUTION = re.compile(r"([A-Z])(-?\d+)([A-Z])")


@dataclass(frozen=True)
class Numbering:
    """How the residues of a protein are numbered.

    Attributes
    ----------
    first
        The number of the sequence's first residue: 0 where a removed methionine is not counted, -19 where a
        signal peptide of 20 residues is not.
    skipped
        Numbers that no residue bears, because the family's alignment has a gap there.

    Examples
    --------
    Class A beta-lactamases are numbered as Ambler and others proposed (Biochem. J. 276, 269, 1991):

    >>> ambler = Numbering(first=3, skipped=(239, 253))
    >>> ambler.index(3), ambler.index(238), ambler.index(240)
    (0, 235, 236)
    """

    first: int = 1
    skipped: tuple[int, ...] = ()

    def index(self, number: int) -> int:
        """Return the place in the sequence, from 0, of the residue with this number.

        Raises
        ------
        ValueError
            If no residue bears the number.
        """
        if number < self.first or number in self.skipped:
            raise ValueError(f"no residue bears the number {number}")
        return number - self.first - sum(gap < number for gap in self.skipped)


def substitute(sequence: str, substitutions: str, *, numbering: Numbering) -> str:
    """Replace residues, after checking that those to be replaced stand there.

    Parameters
    ----------
    sequence
        The protein that the substitutions refer to.
    substitutions
        As the literature writes them, separated by semicolons; may be empty.
    numbering
        The numbering they are in.

    Raises
    ------
    ValueError
        If one is not written like E6V, or the protein has another residue, or none, at its place.

    Examples
    --------
    >>> substitute("MVHLTPEEK", "E6V", numbering=Numbering(first=0))
    'MVHLTPVEK'
    >>> substitute("MVHLTPEEK", "E5V", numbering=Numbering(first=0))
    Traceback (most recent call last):
    ...
    ValueError: E5V: P stands at 5
    """
    residues = list(sequence)
    for substitution in filter(None, substitutions.split(";")):
        parts = _SUBSTITUTION.fullmatch(substitution)
        if parts is None:
            raise ValueError(f"{substitution!r} is not written like E6V")
        old, number, new = parts.groups()
        index = numbering.index(int(number))
        standing = residues[index] if index < len(residues) else "nothing"
        if standing != old:
            raise ValueError(f"{substitution}: {standing} stands at {number}")
        residues[index] = new
    return "".join(residues)
