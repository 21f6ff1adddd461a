"""Queries, checked before a model sees them."""

from protrek_hm.data.schema import AMINO_ACIDS, sequence_problem
from protrek_hm.errors import OptionError
from protrek_hm.index.layout import Modality
from protrek_hm.model.encoder import shorten

STATES = AMINO_ACIDS + "#"
"""The letters of a 3Di string: Foldseek's 20 states, and # for residues of low confidence."""


def clean_query(query: str, by: Modality) -> str:
    """Return `query` as a table of proteins holds it.

    Texts lose the space around them. Sequences and structures lose all white space; sequences also a trailing
    `*`, and are raised to upper case.

    Raises
    ------
    OptionError
        If nothing is left, or a letter does not belong there.

    Examples
    --------
    >>> clean_query("mkv laa*", "sequence")
    'MKVLAA'
    >>> clean_query("MKJ", "sequence")
    Traceback (most recent call last):
        ...
    protrek_hm.errors.OptionError: query = 'MKJ': letter 'J' at position 3 is not an amino acid; ...
    """
    cleaned = query.strip() if by == "text" else "".join(query.split())
    if by == "sequence":
        cleaned = cleaned.upper().removesuffix("*")
    if not cleaned:
        raise OptionError("query", query, f"is empty; give a {by} to search by")
    problem = None if by == "text" else sequence_problem(cleaned) if by == "sequence" else _state_problem(cleaned)
    if problem is not None:
        raise OptionError("query", shorten(cleaned), f"{problem}; mend it, or choose another kind of query with --by")
    return cleaned


def _state_problem(states: str) -> str | None:
    for position, state in enumerate(states, start=1):
        if state.upper() not in STATES:
            return f"letter {state!r} at position {position} is not a 3Di state"
    return None
