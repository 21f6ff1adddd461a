"""A protein to be compared: named by its id in an index, or written out."""

from dataclasses import dataclass
from difflib import get_close_matches

from protrek_hm.data.schema import sequence_problem
from protrek_hm.errors import OptionError
from protrek_hm.index.store import Index
from protrek_hm.model.encoder import shorten

SHORTEST = 10
"""Residues from which letters that are no id are taken for a sequence: ids such as TEM or HBA are letters, too."""


@dataclass(frozen=True)
class Protein:
    """A sequence, and the id that the index knows it by, if it was named so."""

    id: str | None
    sequence: str


def find_protein(index: Index, given: str) -> Protein:
    """Look `given` up as an id in the index, or else take it for a sequence of at least 10 residues.

    Raises
    ------
    OptionError
        If it is neither; it says which ids come close.
    """
    name = given.strip()
    letters = "".join(given.split()).upper().removesuffix("*")
    try:
        return Protein(name, _sequence_of(index, name))
    except OptionError:
        if len(letters) < SHORTEST:
            raise
        problem = sequence_problem(letters)
        if problem is None:
            return Protein(None, letters)
        if len(letters) > 3 * SHORTEST:  # longer than ids are
            raise OptionError("protein", shorten(letters), f"{problem}; mend the sequence") from None
        raise


def _sequence_of(index: Index, name: str) -> str:
    known = index.records["id"]
    rows = (known == name).arg_true()
    if rows.is_empty():
        close = get_close_matches(name, known.unique(maintain_order=True).to_list(), n=3)
        near = f"; did you mean {', '.join(close)}?" if close else ""
        raise OptionError("id", name, f"not in this index{near}")
    return str(index.records["sequence"][rows[0]])
