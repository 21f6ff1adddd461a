"""Changes of a sequence and their short names: K45A, KR45-46AA, K45del, T21TAA, several joined by ``+``."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

_NAME = re.compile(r"([A-Z]+)(\d+)(?:-(\d+))?(del|[A-Z]+)$")


@dataclass(frozen=True, order=True, slots=True)
class Change:
    """Residues that are replaced.

    Attributes
    ----------
    start
        Position of the first of them, from 1.
    original
        The letters that stand there.
    replacement
        Those instead; empty where they are deleted.
    """

    start: int
    original: str
    replacement: str

    @property
    def end(self) -> int:
        """Position of the last residue that is replaced."""
        return self.start + len(self.original) - 1

    def __str__(self) -> str:
        place = f"{self.start}-{self.end}" if len(self.original) > 1 else str(self.start)
        return f"{self.original}{place}{self.replacement or 'del'}"


def name_changes(changes: Iterable[Change]) -> str:
    """Name a mutant, its changes in the order of the sequence.

    >>> name_changes([Change(45, "KR", "AA"), Change(9, "S", "")])
    'S9del+KR45-46AA'
    """
    return "+".join(map(str, sorted(changes)))


def parse_changes(name: str) -> tuple[Change, ...]:
    """Read what `name_changes` writes, in any order.

    Raises
    ------
    ValueError
        If it is written otherwise, or a range has another length than its letters.

    Examples
    --------
    >>> parse_changes("T21TAA+S9del")
    (Change(start=21, original='T', replacement='TAA'), Change(start=9, original='S', replacement=''))
    """
    changes = []
    for part in name.split("+"):
        match = _NAME.match(part)
        if match is None:
            raise ValueError(f"{part!r} is not written like K45A, KR45-46AA or K45del")
        change = Change(int(match[2]), match[1], match[4].replace("del", ""))
        if change.end != int(match[3] or match[2]):
            raise ValueError(f"{part!r}: {len(match[1])} letters do not fill its range")
        changes.append(change)
    return tuple(changes)


def apply_changes(sequence: str, changes: Iterable[Change]) -> str:
    """Make the mutant's sequence.

    Raises
    ------
    ValueError
        If other letters, or none, stand where a change wants to replace some, or two changes overlap.

    Examples
    --------
    >>> apply_changes("MKVLA", parse_changes("K2R+LA4-5del"))
    'MRV'
    >>> apply_changes("MKVLA", parse_changes("K3R"))
    Traceback (most recent call last):
    ...
    ValueError: K3R: V stands at 3
    """
    parts, done = list[str](), 0
    for change in sorted(changes):
        standing = sequence[change.start - 1 : change.end]
        if standing != change.original or change.start < 1:
            raise ValueError(f"{change}: {standing or 'nothing'} stands at {change.start}")
        if change.start <= done:
            raise ValueError(f"{change}: overlaps another change")
        parts += [sequence[done : change.start - 1], change.replacement]
        done = change.end
    return "".join([*parts, sequence[done:]])
