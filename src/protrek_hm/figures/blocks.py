"""An alignment in blocks: which columns differ, which blocks are shown, and which residues they hold.

Tables, pages and pictures lay out their alignments by this. Nothing is drawn here.
"""

from collections import Counter
from dataclasses import dataclass

WIDTH = 60
"""Alignment columns a line, on pages and in tables."""


@dataclass(frozen=True)
class Block:
    """Columns `start` to `stop` of an alignment.

    skipped: columns that were left out before it. rows: its letters in both proteins, with gaps. residues: numbers of
    the first and the last of its residues in each protein, from 1; the last is one less than the first where there are
    gaps alone.
    """

    start: int
    stop: int
    skipped: int
    rows: tuple[str, str]
    residues: tuple[tuple[int, int], tuple[int, int]]


def differing_columns(a: str, b: str) -> list[int]:
    """Return the columns, from 0, in which two gapped sequences differ.

    Examples
    --------
    >>> differing_columns("MK-TA", "MRYTA")
    [1, 2]
    """
    return [column for column, (one, other) in enumerate(zip(a, b, strict=True)) if one != other]


def marks(a: str, b: str) -> str:
    """Write a letter for each column: a blank where both agree, `*` for a substitution, `-` for a gap.

    >>> marks("MKTA-", "MRTAY")
    ' *  -'
    """
    return "".join(" " if x == y else "-" if "-" in (x, y) else "*" for x, y in zip(a, b, strict=True))


def choose_blocks(a: str, b: str, *, width: int = WIDTH, most: int | None = None) -> tuple[list[Block], int]:
    """Cut an alignment into blocks of so many columns, and choose those that are shown.

    Parameters
    ----------
    most
        So many blocks at most: all where there are no more, else those with the most differences, or the first where
        nothing differs. None: every block that holds a difference.

    Returns
    -------
    The blocks in their order, and how many columns after the last one are not shown.

    Examples
    --------
    >>> [block], after = choose_blocks("A" * 300, "A" * 170 + "C" + "A" * 129, width=80, most=2)
    >>> block.start, block.stop, block.skipped, block.residues[0], after
    (160, 240, 160, (161, 240), 60)
    """
    starts = range(0, len(a), width)
    differences = Counter(column // width * width for column in differing_columns(a, b))
    chosen = list(starts)
    if most is None:
        chosen = sorted(differences)
    elif len(starts) > most:
        busiest = sorted(differences, key=lambda start: (-differences[start], start))
        chosen = sorted(busiest[:most]) or chosen[:1]
    blocks, end = [], 0
    for start in chosen:
        stop = min(start + width, len(a))
        one, other = (_residues(whole, start, stop) for whole in (a, b))
        blocks.append(Block(start, stop, start - end, (a[start:stop], b[start:stop]), (one, other)))
        end = stop
    return blocks, len(a) - end


def _residues(whole: str, start: int, stop: int) -> tuple[int, int]:
    before = start - whole.count("-", 0, start)
    return before + 1, before + (stop - start) - whole.count("-", start, stop)
