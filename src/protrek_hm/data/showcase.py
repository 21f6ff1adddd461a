"""Real proteins that biologists know, harmless and well studied, as families of near-identical members.

`showcase_bases.tsv` holds the sequence of each base protein and how it is numbered, `showcase.tsv` the
proteins: a base, what is substituted in the literature's numbering, what the result does and who reported it.
Members of a family with the same `function` are alike in sequence and work, the others are twins. All texts
are our own.
"""

import re
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import polars as pl

from protrek_hm.data.tables import write_table
from protrek_hm.errors import FileFormatError

_COLUMNS = (
    *("id", "sequence", "text", "ec", "organism"),
    *("family", "function", "base", "substitutions", "accession", "source"),
)


def load_showcase() -> pl.DataFrame:
    """Load the showcase; every substitution is checked against its base.

    Returns
    -------
    DataFrame
        Strings. As in any table of proteins `id`, `sequence`, `text`, `ec` (null where there is none, or a
        mutant lost its activity) and `organism`; then `family`; `function` in a few words, to be compared
        within a family; `base` and `substitutions` (null for the base itself); `accession` of the base;
        `source`, who reported the protein.

    Raises
    ------
    FileFormatError
        If a substitution does not fit its base, or a base is missing.

    Examples
    --------
    >>> showcase = load_showcase()
    >>> sickle = showcase.row(by_predicate=pl.col("id") == "HbS", named=True)
    >>> sickle["substitutions"], sickle["sequence"][:10], sickle["function"]
    ('E6V', 'MVHLTPVEKS', 'sickling')
    """
    return make_sequences(read_own("showcase.tsv"), "showcase.tsv").select(_COLUMNS)


def write_example(path: Path) -> None:
    """Write the showcase with the columns of the reference implementation's input, and ids.

    No structure is invented, and no split: `foldseek_seq` and `stage` are empty.
    """
    example = load_showcase().select(
        protein_sequence="sequence",
        description="text",
        foldseek_seq=pl.lit(None, pl.String),
        stage=pl.lit(None, pl.String),
        id="id",
    )
    write_table(example, path)


def read_own(name: str) -> pl.DataFrame:
    """Read one of the tables in this folder; all cells are strings."""
    source = files("protrek_hm.data").joinpath(name).read_bytes()
    return pl.read_csv(source, separator="\t", quote_char=None, infer_schema=False)


def make_sequences(proteins: pl.DataFrame, table: str) -> pl.DataFrame:
    """Add the bases' columns and each protein's `sequence`, by its `base` and `substitutions`.

    table: what to call the table of proteins in a message.

    Raises
    ------
    FileFormatError
        If a substitution does not fit its base, or a base is missing.
    """
    bases = read_own("showcase_bases.tsv").rename({"sequence": "base_sequence"})
    joined = proteins.join(bases, on="base", how="left", maintain_order="left")
    sequences = [_sequence(row, table) for row in joined.iter_rows(named=True)]
    return joined.with_columns(sequence=pl.Series(sequences))


def _sequence(row: dict[str, str | None], table: str) -> str:
    """Make one protein's sequence from its base."""
    base_sequence, first_number = row["base_sequence"], row["first_number"]
    try:
        if base_sequence is None or first_number is None:
            raise ValueError(f"no base {row['base']!r} in showcase_bases.tsv")
        skipped = tuple(int(number) for number in (row["skipped_numbers"] or "").split(";") if number)
        numbering = Numbering(first=int(first_number), skipped=skipped)
        return substitute(base_sequence, row["substitutions"] or "", numbering=numbering)
    except ValueError as error:
        problem = f"{row['id']}: {error}"
        raise FileFormatError(table, problem, "mend the substitutions or the base's numbering") from None


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
