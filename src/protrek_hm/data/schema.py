"""The columns of a protein table, their names, the letters of a sequence, and the cells that say nothing."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import polars as pl

from protrek_hm.errors import MissingColumnError, OptionError, shorten

AMINO_ACIDS = "ACDEFGHIKLMNPQRSTVWY"
"""The 20 letters."""

SEQUENCE_LETTERS = AMINO_ACIDS + "BZXUO"
"""The letters a sequence may hold: the 20, B (D or N), Z (E or Q), X (any), U and O (the 21st and 22nd)."""

STRUCTURE_LETTERS = "acdefghiklmnpqrstvwy#"
"""Foldseek's 20 letters of structure, in the lower case of ProTrek, and # for residues that are hidden."""

ALIASES: dict[str, tuple[str, ...]] = {
    "id": ("id", "accession", "entry", "protein_id", "uniprot_id", "seq_id", "entry_name"),
    "sequence": ("sequence", "protein_sequence", "seq", "aa_sequence", "aa_seq", "protein_seq"),
    "text": (
        *("text", "description", "function", "function_[cc]", "cc_function", "annotation"),
        *("protein_names", "protein_name", "product"),  # names, where nothing says more
    ),
    "structure": ("structure", "foldseek_seq", "foldseek", "3di", "structure_3di"),
    "ec": ("ec", "ec_number", "ec_numbers"),
    "go": (
        *("go", "go_terms", "gene_ontology_(go)"),
        *("gene_ontology_(molecular_function)", "gene_ontology_ids", "go_f"),
    ),
    "organism": ("organism", "organism_name", "species"),
    "stage": ("stage", "split"),
}
"""Our name of each column → the names it is known by, the preferred one first."""

MISSING = frozenset(
    (
        *("", "-", "–", "—", ".", "?", "na", "n/a", "n.a.", "n.a", "<na>", "nan", "-nan", "<nan>"),
        *("null", "<null>", "(null)", "[null]", "nil", "none", r"\n", "nan(ind)", "-nan(ind)"),
        *("#n/a", "#n/a n/a", "#na", "1.#ind", "-1.#ind", "1.#qnan", "-1.#qnan"),  # these and above: pandas, R, SQL
        *("#div/0!", "#value!", "#ref!", "#name?", "#num!", "#null!", "#spill!", "#calc!", "#getting_data"),
        *("#field!", "#unknown!", "#blocked!", "#connect!", "#busy!", "#external!", "#python!", "#timeout!", "#error!"),
        *(
            "#nv",
            "#wert!",
            "#bezug!",
            "#zahl!",
            "#überlauf!",
            "#valeur!",
            "#nom?",
            "#nombre!",
            "#nul!",
            "#propagation!",
        ),
        *("#n/d", "#¡valor!", "#¡ref!", "#¡div/0!", "#¿nombre?", "#¡num!", "#¡nulo!", "#valor!", "#núm!", "#nome?"),
        *("#valore!", "#rif!", "#nullo!", "#n/b", "#waarde!", "#verw!", "#naam?", "#getal!", "#deel/0!", "#leeg!"),
        *(f"err:{code}" for code in range(501, 541)),  # LibreOffice; those above are Excel's, in six languages
    )
)
"""Cells that say that there is nothing, in lower case: case does not count, but that "Na" is sodium.

An NA among sequences is none either, though it could be a dipeptide; nor among ids, though a protein may be called so.
"""
_LONGEST_MISSING = max(map(len, MISSING))

GIVEN = "_in_file"
"""Ending of a user's column that bears one of our names while another was chosen for it."""


def recognise_columns(
    present: Sequence[str], *, given: Mapping[str, str] | None = None, path: Path | str = "table"
) -> dict[str, str]:
    """Say which of the columns `present` is which of ours.

    In names, case does not count, blanks and hyphens are underscores, and a # at the start is nothing. Where several
    columns could be the same one, the earlier name in `ALIASES` wins, and of two columns with the same name the first
    in the file.

    Parameters
    ----------
    present
        The file's column names, in its order.
    given
        Our name → the user's column, for what the user said; it beats everything recognised.
    path
        The file, for the message.

    Returns
    -------
    dict
        Our name → the file's name, in our order; a column that is not there is left out.

    Raises
    ------
    OptionError
        If `given` names a column that we do not know.
    MissingColumnError
        If `given` names a column that the file has not, or if no column holds sequences.

    Examples
    --------
    >>> recognise_columns(["Entry", "Protein names", "Function [CC]", "Sequence", "Length"])
    {'id': 'Entry', 'sequence': 'Sequence', 'text': 'Function [CC]'}
    >>> recognise_columns(["sequence", "description", "comment"], given={"text": "comment"})
    {'sequence': 'sequence', 'text': 'comment'}
    """
    given = given or {}
    for name, column in given.items():
        if name not in ALIASES:
            wanted = f"the part before '=' is one of {', '.join(ALIASES)}"
            raise OptionError("column", f"{name}={column}", wanted)
        if column not in present:
            raise missing_column(path, column, present, f"choose one of them for --column {name}=NAME")
    free = [column for column in present if column not in given.values()]
    by_key = {_key(column): column for column in reversed(free)}
    found = {
        name: given.get(name) or next((by_key[alias] for alias in aliases if alias in by_key), None)
        for name, aliases in ALIASES.items()
    }
    if found["sequence"] is None:
        remedy = "say which one holds the sequences with --column sequence=NAME (line 1 must hold the names)"
        raise missing_column(path, "sequence", present, remedy)
    return {name: column for name, column in found.items() if column is not None}


def or_null(cells: pl.Expr) -> pl.Expr:
    """Take the blanks around cells away, and make those null that say "nothing", as `MISSING` has it.

    Every column, ours or the user's, says so in the same words. Of numbers cast to strings, NaN is missing.

    >>> pl.select(or_null(pl.Series([" a ", "N/A", "#DIV/0!", "-", "nano", "Na"])).alias("cells"))["cells"].to_list()
    ['a', None, None, None, 'nano', 'Na']
    """
    stripped = cells.str.strip_chars()
    short = stripped.str.len_bytes() <= _LONGEST_MISSING
    missing = short & (stripped != "Na") & stripped.str.to_lowercase().is_in(MISSING)
    return pl.when(~missing).then(stripped)


def says_nothing(cell: str) -> bool:
    """Say of one cell what `or_null` says of a column: whether there is nothing in it.

    >>> says_nothing(" #N/A "), says_nothing("Na")
    (True, False)
    """
    word = cell.strip()
    return len(word) <= _LONGEST_MISSING and word != "Na" and word.lower() in MISSING


def missing_column(path: Path | str, column: str, present: Iterable[str], remedy: str) -> MissingColumnError:
    """Make the error, with names shortened: where the header is missing, a name may be a whole sequence.

    >>> str(missing_column("a.tsv", "text", ["id", "M" * 50], "add it"))
    "a.tsv: no column 'text' (columns: id, MMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMM…); add it"
    """
    names = [shorten(name) for name in present]
    return MissingColumnError(path, column, names[:30] + ["…"] * (len(names) > 30), remedy)


SAPROT = r"^(?:[A-Z][a-z#]){3,}$"
"""Residues and 3Di letters by turns, as SaProt takes them: in upper case this would pass for a protein."""


def upper_case(letters: str) -> str:
    """Raise a sequence to upper case, unless it would then pass for another protein.

    >>> [upper_case(letters) for letters in ("mkv", "MdEvVp", "mkß")]
    ['MKV', 'MdEvVp', 'mkß']
    """
    return letters.upper() if letters.isascii() and not re.match(SAPROT, letters) else letters


def sequence_problem(sequence: str | None) -> str | None:
    """Say what is wrong with an upper-case sequence, None if nothing.

    >>> sequence_problem("MKV"), sequence_problem("MKJ")
    (None, "letter 'J' at position 3 is not an amino acid")
    >>> sequence_problem("MK-V"), sequence_problem("M*V"), sequence_problem("")
    ("gap '-' at position 3: give the sequence unaligned", "stop '*' at position 2, inside the sequence",
     'no sequence')
    >>> sequence_problem("MdEvVp")
    'residues and 3Di letters by turns, as for SaProt: give them in two columns, sequence and structure'
    """
    if not sequence:
        return "no sequence"
    if re.match(SAPROT, sequence):
        return "residues and 3Di letters by turns, as for SaProt: give them in two columns, sequence and structure"
    is_ascii = sequence.isascii()  # if not, it was not raised to upper case, as SS of ß would pass for serines
    for position, letter in enumerate(sequence, start=1):
        if letter in SEQUENCE_LETTERS or (not is_ascii and letter.isascii() and letter.upper() in SEQUENCE_LETTERS):
            continue
        if letter in "-.":
            return f"gap {letter!r} at position {position}: give the sequence unaligned"
        if letter == "*":
            return f"stop '*' at position {position}, inside the sequence"
        return f"letter {letter!r} at position {position} is not an amino acid"
    return None


def _key(name: str) -> str:
    return re.sub(r"[\s_-]+", "_", name.strip().casefold().removeprefix("#").lstrip())
