"""How much of a protein a model reads: the rest plays no part in any score."""

from collections.abc import Iterable, Sequence
from typing import Literal

from protrek_hm.model.encoder import FingerprintedEncoder, Task


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
    from protrek_hm.model.window import window

    return min(length, window(model, task))  # type: ignore[arg-type]


def tell_unread(proteins: Iterable[tuple[str, int, int]]) -> list[str]:
    """Write a line for each (name, residues, residues read) of which something is not read.

    >>> tell_unread([("P1", 100, 100), ("titin", 35213, 1022)])
    ['titin: the model reads residues 1 to 1,022 of 35,213; what lies behind them plays no part in its score']
    """
    end = "what lies behind them plays no part in its score"
    return [
        f"{name}: the model reads residues 1 to {read:,} of {length:,}; {end}"
        for name, length, read in proteins
        if read < length
    ]


def tell_cuts(model: FingerprintedEncoder, inputs: Sequence[str], *, task: Task) -> str | None:
    """Say in a line how many distinct inputs the model cuts; None if it reads all to their ends."""
    if not hasattr(model, "routes"):
        return None
    from protrek_hm.model.window import describe_cut

    return describe_cut(model, list(dict.fromkeys(inputs)), task=task)  # type: ignore[arg-type]
