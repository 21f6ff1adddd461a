"""What two aligned proteins differ in, one item at a time, and proteins into which one item is put."""

from dataclasses import dataclass
from itertools import groupby
from os.path import commonprefix

from protrek_hm.errors import OptionError
from protrek_hm.homology.identity import Alignment, align

CELLS = 400_000_000
"""Residues of one times residues of the other that are aligned at most: a byte each, such as 20,000 × 20,000."""

_SHOWN = 10  # letters of an insertion in its notation


@dataclass(frozen=True)
class Difference:
    """A substitution, or a run of columns in which one of two aligned proteins has a gap.

    column: the first of its columns, from 1. position_a, position_b: its first residue in each protein, from 1;
    where that has a gap, the last residue before it (0: none). letter_a, letter_b: what stands there: one letter,
    several for a run, "" for a gap. notation: as seen from `a`, in the manner of HGVS (`differences`).
    """

    column: int
    position_a: int
    position_b: int
    letter_a: str
    letter_b: str
    notation: str


def differences(alignment: Alignment) -> list[Difference]:
    """List what differs, from the first column to the last.

    Examples
    --------
    >>> [each.notation for each in differences(Alignment("MKE--TAYW", "MREGGTA-W"))]
    ['K2R', 'E3_T4insGG', 'Y6del']
    >>> [each.notation for each in differences(Alignment("--MKT", "GSM--"))]
    ['insGS_M1', 'K2_T3del']
    """
    found, column, a, b = list[Difference](), 1, 0, 0  # residues passed so far
    whole = alignment.a.replace("-", "")
    for kind, run in groupby(zip(alignment.a, alignment.b, strict=True), key=_kind):
        pairs = list(run)
        for part in [pairs] if kind.startswith("gap") else [[pair] for pair in pairs]:
            left, right = ("".join(side).replace("-", "") for side in zip(*part, strict=True))
            if kind != "same":
                notation = _notation(whole, a, left, right)
                found.append(Difference(column, a + bool(left), b + bool(right), left, right, notation))
            column, a, b = column + len(part), a + len(left), b + len(right)
    return found


def with_one_difference(alignment: Alignment, difference: Difference, *, into: str) -> str:
    """Return the protein `into` ("a" or "b") with this one difference as the other has it.

    Examples
    --------
    >>> alignment = Alignment("MKE--TAYW", "MREGGTA-W")
    >>> [with_one_difference(alignment, each, into="a") for each in differences(alignment)]
    ['MRETAYW', 'MKEGGTAYW', 'MKETAW']
    >>> [with_one_difference(alignment, each, into="b") for each in differences(alignment)]
    ['MKEGGTAW', 'MRETAW', 'MREGGTAYW']
    """
    own, other = (alignment.a, alignment.b) if into == "a" else (alignment.b, alignment.a)
    start = difference.column - 1
    stop = start + max(len(difference.letter_a), len(difference.letter_b))
    return (own[:start] + other[start:stop] + own[stop:]).replace("-", "")


def align_in_bounds(a: str, b: str, *, cells: int = CELLS) -> Alignment:
    """Align two proteins as `homology.identity.align` does, within so many cells of memory.

    Where both are too long for that, the ends that they share are laid on each other, and only what lies between
    is aligned.

    Raises
    ------
    OptionError
        If even that is too much.

    Examples
    --------
    >>> align_in_bounds("MKTAYIAKQR", "MKTAYAKQR", cells=20)
    Alignment(a='MKTAYIAKQR', b='MKTAY-AKQR')
    """
    if len(a) * len(b) <= cells:
        return align(a, b)
    before = len(commonprefix([a, b]))
    after = len(commonprefix([a[before:][::-1], b[before:][::-1]]))
    one, other = a[before : len(a) - after], b[before : len(b) - after]
    if len(one) * len(other) > cells:
        sizes = f"{len(a):,} and {len(b):,} residues"
        raise OptionError("proteins", sizes, "too long to be aligned in memory; give the domains to be compared")
    if one and other:
        middle = align(one, other)
    else:
        middle = Alignment(one or "-" * len(other), other or "-" * len(one))
    end = a[len(a) - after :]
    return Alignment(a[:before] + middle.a + end, a[:before] + middle.b + end)


def _kind(pair: tuple[str, str]) -> str:
    a, b = pair
    return "same" if a == b else "gap in a" if a == "-" else "gap in b" if b == "-" else "substitution"


def _notation(whole: str, before: int, letter_a: str, letter_b: str) -> str:
    """Name the difference that follows the first `before` residues of the protein `whole`."""
    if letter_a and letter_b:
        return f"{letter_a}{before + 1}{letter_b}"
    if letter_a:
        until = f"_{letter_a[-1]}{before + len(letter_a)}" if len(letter_a) > 1 else ""
        return f"{letter_a[0]}{before + 1}{until}del"
    inserted = letter_b if len(letter_b) <= _SHOWN else f"{letter_b[:_SHOWN]}…({len(letter_b)})"
    next_one = f"{whole[before]}{before + 1}" if before < len(whole) else ""
    return f"{whole[before - 1]}{before}_{next_one}ins{inserted}" if before else f"ins{inserted}_{next_one}"
