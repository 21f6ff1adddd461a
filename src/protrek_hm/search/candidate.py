"""A protein to be compared: named by its id in an index, or written out."""

from dataclasses import dataclass

from protrek_hm.config import require_characters
from protrek_hm.data.schema import sequence_problem, upper_case
from protrek_hm.errors import OptionError, shorten
from protrek_hm.index.store import Index

SHORTEST = 10
"""Residues from which letters that are no id are taken for a sequence: ids such as TEM or HBA are letters, too."""

LONGEST_ID = 30
"""Letters above which something is no id, but a sequence with a wrong letter."""


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
    require_characters("protein", given)
    name = given.strip()
    letters = upper_case("".join(given.split()).removesuffix("*"))
    if len(letters) >= SHORTEST and not (index.records["id"] == name).any():
        problem = sequence_problem(letters)
        if problem is None:
            return Protein(None, letters)
        if len(letters) > LONGEST_ID:
            raise OptionError("protein", shorten(letters), f"{problem}; mend the sequence")
    [row] = index.find([name])
    return Protein(name, str(index.records["sequence"][int(row)]))
