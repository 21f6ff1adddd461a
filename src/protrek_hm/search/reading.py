"""How much of a protein or a text a model reads: the rest plays no part in any score."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from protrek_hm.config import Modality
from protrek_hm.errors import shorten
from protrek_hm.model.encoder import FingerprintedEncoder

_END = "what lies behind them plays no part in its score"
_SHOWN = 20


class NoticeWarning(UserWarning):
    """What should be known of an answer that has no place to say it."""


@dataclass(frozen=True)
class Cut:
    """A query that is longer than the model's window.

    length, read: how much of it there is and how much is read, from the start, in `unit`: "residues", or "tokens" of a
    text.

    Examples
    --------
    >>> str(Cut(length=35213, read=1022, unit="residues"))
    'the model reads residues 1 to 1,022 of 35,213; what lies behind them plays no part in its score'
    """

    length: int
    read: int
    unit: str

    def __str__(self) -> str:
        return f"the model reads {self.unit} 1 to {self.read:,} of {self.length:,}; {_END}"


def cuts(model: FingerprintedEncoder, inputs: Sequence[str], *, task: Modality) -> list[Cut | None]:
    """Say of each input what `model` reads of it; None if all, as any but a ProTrek does."""
    if not hasattr(model, "routes"):
        return [None] * len(inputs)
    from protrek_hm.model.inputs import UNITS, lengths, window

    limit = window(model, task)  # type: ignore[arg-type]
    found: list[Cut | None] = [None] * len(inputs)
    # a token of a text has one letter at least: what is short enough needs no tokenizer
    doubtful = [place for place, each in enumerate(inputs) if len(each) > limit or not each.isascii()]
    counted = lengths(model, [inputs[place] for place in doubtful], task=task)  # type: ignore[arg-type]
    for place, length in zip(doubtful, counted, strict=True):
        if length > limit:
            found[place] = Cut(length, limit, UNITS[task])
    return found


def tell_cut_queries(names: Sequence[str], found: Sequence[Cut | None]) -> str | None:
    """Say in a line how many queries are cut, and which: by name, the first twenty; None if none is.

    >>> titin = Cut(35213, 1022, "residues")
    >>> tell_cut_queries(["P1", "titin"], [None, titin])
    '1 of 2 queries is longer than the model reads (1,022 residues), the rest plays no part in its scores: titin'
    >>> tell_cut_queries(["titin"], [titin])
    'titin: the model reads residues 1 to 1,022 of 35,213; what lies behind them plays no part in its score'
    """
    if len(found) == 1 and found[0] is not None:
        return f"{shorten(names[0])}: {found[0]}"
    which = [shorten(name) for name, cut in zip(names, found, strict=True) if cut is not None]
    if not which:
        return None
    [first, *_] = (cut for cut in found if cut is not None)
    counted = f"{len(which):,} of {len(found):,} queries {'is' if len(which) == 1 else 'are'}"
    more = f" and {len(which) - _SHOWN:,} more" * (len(which) > _SHOWN)
    limit = f"{first.read:,} {first.unit}"
    told = f"{counted} longer than the model reads ({limit}), the rest plays no part in its scores"
    return f"{told}: {', '.join(which[:_SHOWN])}{more}"


def residues_read(
    model: FingerprintedEncoder, length: int, *, task: Literal["sequence", "structure"] = "sequence"
) -> int:
    """Return how many of `length` residues `model` reads, from the first one on; any but a ProTrek reads all.

    Examples
    --------
    >>> class Letters:
    ...     temperature, tasks, fingerprint, encode = 0.1, ("sequence",), None, None
    >>> residues_read(Letters(), 5000)
    5000
    """
    if not hasattr(model, "routes"):
        return length
    from protrek_hm.model.inputs import window

    return min(length, window(model, task))  # type: ignore[arg-type]


def tell_unread(proteins: Iterable[tuple[str, int, int]]) -> list[str]:
    """Write a line for each (name, residues, residues read) of which something is not read.

    >>> tell_unread([("P1", 100, 100), ("titin", 35213, 1022)])
    ['titin: the model reads residues 1 to 1,022 of 35,213; what lies behind them plays no part in its score']
    """
    return [f"{name}: {Cut(length, read, 'residues')}" for name, length, read in proteins if read < length]


def tell_cuts(model: FingerprintedEncoder, inputs: Sequence[str], *, task: Modality) -> str | None:
    """Say in a line how many distinct inputs the model cuts; None if it reads all to their ends."""
    if not hasattr(model, "routes"):
        return None
    from protrek_hm.model.inputs import describe_cut

    return describe_cut(model, list(dict.fromkeys(inputs)), task=task)  # type: ignore[arg-type]
