"""Substitutions as papers write them, checked against the sequence that they are said to change."""

import re
from collections import Counter
from collections.abc import Iterable

from protrek_hm.data.schema import AMINO_ACIDS
from protrek_hm.data.uniprot.twins import Change, apply_changes

STOP = "a stop"
INDEL = "an insertion, deletion or frameshift"
OTHER_LETTER = "another letter in the reference"
BEYOND = "beyond the reference's end"
SAME = "no change"
UNREAD = "not written like A12C"

_SUBSTITUTION = re.compile(rf"([{AMINO_ACIDS}])(\d+)([{AMINO_ACIDS}])")
_STOP = re.compile(r"[A-Z]\d+(?:\*|stop|ter)", re.IGNORECASE)
_INDEL = re.compile(
    r"[A-Z]+\d+(?:_[A-Z]\d+)?(?:del|ins|dup)\w*|[A-Z]+\d+[A-Z]*fs\S*|([A-Z]+)\d+([A-Z]+)", re.IGNORECASE
)


class NotAppliedError(ValueError):
    """A substitution that does not apply to its reference; `reason` is one of this module's."""

    def __init__(self, reason: str, detail: str) -> None:
        self.reason, self.detail = reason, detail
        super().__init__(detail)


def read_substitutions(name: str) -> tuple[Change, ...]:
    """Read ``A12C``, or several such joined by ``:``, in the order of their positions.

    Raises
    ------
    NotAppliedError
        If some part is a stop, an insertion or deletion, no change, or written otherwise.

    Examples
    --------
    >>> [str(change) for change in read_substitutions("D15E:A12C")]
    ['A12C', 'D15E']
    >>> read_substitutions("Q42STOP")
    Traceback (most recent call last):
        ...
    protrek_hm.data.twins.substitutions.NotAppliedError: Q42STOP is a stop
    """
    changes = []
    for part in name.strip().split(":"):
        match = _SUBSTITUTION.fullmatch(part)
        if match is None:
            reason = _reason(part)
            raise NotAppliedError(reason, f"{part or 'nothing'} is {reason}")
        if match[1] == match[3]:
            raise NotAppliedError(SAME, f"{part} is {SAME}")
        changes.append(Change(int(match[2]), match[1], match[3]))
    return tuple(sorted(changes))


def _reason(part: str) -> str:
    if _STOP.fullmatch(part):
        return STOP
    indel = _INDEL.fullmatch(part)
    if indel is None or (indel[1] and len(indel[1]) == len(indel[2] or "")):
        return UNREAD
    return INDEL


def name_substitutions(changes: Iterable[Change]) -> str:
    """Name a mutant by its changes, as `read_substitutions` reads it.

    >>> name_substitutions(read_substitutions("D15E:A12C"))
    'A12C:D15E'
    """
    return ":".join(map(str, sorted(changes)))


def substitute(reference: str, changes: Iterable[Change]) -> str:
    """Make the mutant's sequence.

    Raises
    ------
    NotAppliedError
        If another letter stands at a position, or the reference ends before it.

    Examples
    --------
    >>> substitute("MKVLA", read_substitutions("K2R:A5G"))
    'MRVLG'
    >>> substitute("MKVLA", read_substitutions("R2K"))
    Traceback (most recent call last):
        ...
    protrek_hm.data.twins.substitutions.NotAppliedError: R2K: K stands at 2
    """
    changes = sorted(changes)
    try:
        return apply_changes(reference, changes)
    except ValueError as error:
        beyond = changes[-1].end > len(reference)
        raise NotAppliedError(BEYOND if beyond else OTHER_LETTER, str(error)) from None


def constant_shift(reference: str, changes: Iterable[Change], *, share: float = 0.9) -> int | None:
    """Return what to add to all positions so that at least `share` of the changes fit; None if nothing does.

    A numbering that counts a signal peptide, a tag or another isoform's beginning differs by a constant.

    Examples
    --------
    >>> constant_shift("MKVLA", read_substitutions("K12R:V13A:L14G"))
    -10
    >>> constant_shift("MKVLA", read_substitutions("W12R:W13A")) is None
    True
    """
    distinct = {(change.start, change.original) for change in changes}
    places: dict[str, list[int]] = {}
    for place, letter in enumerate(reference, start=1):
        places.setdefault(letter, []).append(place)
    fitting = Counter(place - start for start, letter in distinct for place in places.get(letter, ()))
    if not fitting:
        return None
    shift, count = min(fitting.items(), key=lambda each: (-each[1], abs(each[0]), each[0]))
    return shift if count >= share * len(distinct) else None
