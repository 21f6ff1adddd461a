"""The columns of a protein table: how they are recognised and cleaned, and which records cannot be used."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path

import polars as pl

from protrek_hm.data.texts import EVIDENCE, split_evidence
from protrek_hm.errors import MissingColumnError, OptionError, shorten

AMINO_ACIDS = "ACDEFGHIKLMNPQRSTVWY"
"""The 20 letters."""

SEQUENCE_LETTERS = AMINO_ACIDS + "BZXUO"
"""The letters a sequence may hold: the 20, B (D or N), Z (E or Q), X (any), U and O (the 21st and 22nd)."""

STRUCTURE_LETTERS = "acdefghiklmnpqrstvwy#"
"""Foldseek's 20 letters of structure, in the lower case of ProTrek, and # for residues that are hidden."""

ALIASES: dict[str, tuple[str, ...]] = {
    "id": ("id", "accession", "entry", "protein_id", "uniprot_id", "seq_id", "entry_name", "name"),
    "sequence": ("sequence", "protein_sequence", "amino_acid_sequence", "seq", "aa_sequence", "aa_seq", "protein_seq"),
    "text": (
        *("text", "description", "function", "function_[cc]", "cc_function", "annotation"),
        *("comment", "comments"),
        *("protein_names", "protein_name", "product", "label"),  # names, where nothing says more
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
    """Recognise our columns among those `present`.

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
        If `given` names a column that the file does not have, or if no column holds sequences.

    Examples
    --------
    >>> recognise_columns(["Entry", "Protein names", "Function [CC]", "Sequence", "Length"])
    {'id': 'Entry', 'sequence': 'Sequence', 'text': 'Function [CC]'}
    >>> recognise_columns(["sequence", "description", "comment"], given={"text": "comment"})
    {'sequence': 'sequence', 'text': 'comment'}
    >>> recognise_columns(["name", "sequence", "comment"])
    {'id': 'name', 'sequence': 'sequence', 'text': 'comment'}
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
    """Strip cells, and make those null that mean "missing" (see `MISSING`).

    The same holds for every column. Of numbers cast to strings, NaN is missing.

    >>> pl.select(or_null(pl.Series([" a ", "N/A", "#DIV/0!", "-", "nano", "Na"])).alias("cells"))["cells"].to_list()
    ['a', None, None, None, 'nano', 'Na']
    """
    stripped = cells.str.strip_chars()
    short = stripped.str.len_bytes() <= _LONGEST_MISSING
    missing = short & (stripped != "Na") & stripped.str.to_lowercase().is_in(MISSING)
    return pl.when(~missing).then(stripped)


def says_nothing(cell: str) -> bool:
    """Return whether a cell means "missing", as in `or_null`.

    >>> says_nothing(" #N/A "), says_nothing("Na")
    (True, False)
    """
    word = cell.strip()
    return len(word) <= _LONGEST_MISSING and word != "Na" and word.lower() in MISSING


def require_polars(name: str, frame: object) -> None:
    """Raise TypeError unless `frame` is a polars DataFrame; it says how one is made of a pandas frame.

    >>> require_polars("proteins", pl.DataFrame())
    """
    if not isinstance(frame, pl.DataFrame):
        kind = type(frame)
        raise TypeError(
            f"{name} is a {kind.__module__.partition('.')[0]}.{kind.__qualname__}; give a polars DataFrame, such as "
            f"polars.from_pandas({name})"
        )


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
    """Convert a sequence to upper case, unless it would then pass for another protein.

    >>> [upper_case(letters) for letters in ("mkv", "MdEvVp", "mkß")]
    ['MKV', 'MdEvVp', 'mkß']
    """
    return letters.upper() if letters.isascii() and not re.match(SAPROT, letters) else letters


def sequence_problem(sequence: str | None) -> str | None:
    """Return what is wrong with an upper-case sequence; None if nothing is.

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


_ILLEGAL = f"[^{SEQUENCE_LETTERS}]"
_FOREIGN = r"[^\x00-\x7F]"
_NO_ID = "no id, or one that says NA"
_UNSEEN = r"([\p{Cc}\p{Cf}\p{Zl}\p{Zp}])"
_NO_STRUCTURE = f"[^{STRUCTURE_LETTERS}]"


def clean_sequences(cells: pl.Expr) -> pl.Expr:
    """Remove blanks and one trailing stop, and convert to upper case; missing values become null.

    Strings for SaProt and letters of other alphabets stay as they are, so that `bad_sequences` finds them.

    >>> pl.select(clean_sequences(pl.Series(["mk v*", "N/A", "mk-v", "MdEvVp"])).alias("cells"))["cells"].to_list()
    ['MKV', None, 'MK-V', 'MdEvVp']
    """
    letters = or_null(cells).str.replace_all(r"\s+", "").str.strip_suffix("*")
    as_it_is = letters.str.contains(SAPROT) | letters.str.contains(_FOREIGN)
    letters = pl.when(as_it_is).then(letters).otherwise(letters.str.to_uppercase())
    return pl.when(letters != "").then(letters)


def clean_structures(cells: pl.Expr) -> pl.Expr:
    """Remove blanks, and convert to lower case; missing values become null.

    >>> pl.select(clean_structures(pl.Series(["DV vp", "", "n/a"])).alias("cells"))["cells"].to_list()
    ['dvvp', None, None]
    """
    letters = or_null(cells).str.replace_all(r"\s+", "")
    return pl.when(letters.str.contains(_FOREIGN)).then(letters).otherwise(letters.str.to_lowercase())


def clean_proteins(proteins: pl.DataFrame) -> pl.DataFrame:
    """Clean the recognised columns; all others stay as they are.

    What the marks of texts say of their evidence goes into `texts.EVIDENCE`, where the file does not say it there.
    """
    texts, evidence = split_evidence(proteins["text"].str.strip_chars())
    if EVIDENCE in proteins.columns:
        told = proteins.select(or_null(pl.col(EVIDENCE).cast(pl.String))).to_series()
        evidence = told.fill_null(evidence)
    if EVIDENCE in proteins.columns or evidence.is_not_null().any():
        proteins = proteins.with_columns(evidence.alias(EVIDENCE))
    proteins = proteins.with_columns(texts.alias("text"))
    cleaned = {name: or_null(pl.col(name)) for name in ALIASES if name in proteins.columns}
    cleaned["sequence"] = clean_sequences(pl.col("sequence"))
    if "structure" in cleaned:
        cleaned["structure"] = clean_structures(pl.col("structure"))
    return proteins.with_columns(**cleaned)


def bad_sequences(proteins: pl.DataFrame, column: str = "sequence") -> dict[int, str]:
    """Find the rows whose cleaned sequence is missing or holds a letter that is not an amino acid.

    >>> bad_sequences(pl.DataFrame({"sequence": ["MKV", "MJV", None]}))
    {1: "letter 'J' at position 2 is not an amino acid", 2: 'no sequence'}
    """
    sequence = pl.col(column)
    bad = sequence.is_null() | sequence.str.contains(_ILLEGAL)
    rows = proteins.select(column).with_row_index("row").filter(bad).iter_rows()
    return {row: sequence_problem(letters) or "" for row, letters in rows}


def bad_structures(frame: pl.DataFrame, column: str = "structure", sequence: str = "sequence") -> dict[int, str]:
    """Find the rows whose cleaned structure is not as long as the sequence, or not of 3Di letters; none is fine.

    >>> frame = pl.DataFrame({"sequence": ["MKVL", "MKV", "MK", "M"], "structure": ["dv#p", "dvz", "dvv", None]})
    >>> bad_structures(frame)
    {2: '3 letters for 2 residues', 1: "'z' is no 3Di letter"}
    """
    wrong = frame[column].str.extract(f"({_NO_STRUCTURE})")
    letters, residues = frame[column].str.len_chars(), frame[sequence].str.len_chars()
    problems = {row: f"{letters[row]} letters for {residues[row]} residues" for row in (letters != residues).arg_true()}
    return problems | {row: f"{wrong[row]!r} is no 3Di letter" for row in wrong.is_not_null().arg_true()}


def holds_no_structures(proteins: pl.DataFrame) -> bool:
    """Return whether the column structure holds something else: no cell is as long as its sequence or of 3Di letters.

    >>> holds_no_structures(pl.DataFrame({"sequence": ["MKV", "MKL"], "structure": ["1ABC; 2XYZ", None]}))
    True
    >>> holds_no_structures(pl.DataFrame({"sequence": ["MKV", "MKL"], "structure": ["dvx", "dv"]}))
    False
    """
    cells = proteins.select(clean_sequences(pl.col("sequence")), clean_structures(pl.col("structure"))).drop_nulls()
    letters = pl.col("structure")
    fits = (letters.str.len_chars() == pl.col("sequence").str.len_chars()) | ~letters.str.contains(_NO_STRUCTURE)
    return not cells.is_empty() and not cells.select(fits.any()).item()


def looks_like_nucleotides(column: str) -> pl.Expr:
    """Return whether cleaned sequences are DNA or RNA: of 20 letters or more, 95 % are A, C, G, T, U or N.

    >>> frame = pl.DataFrame({"sequence": ["ATGAAACGTTCTACCGCATAC", "MKRSTAYKLVHWENDPGQFCW", "GAGAGAGAGAGAGAGAGAGAGA"]})
    >>> frame.select(looks_like_nucleotides("sequence")).to_series().to_list()
    [True, False, False]
    """
    letters = pl.col(column)
    share = letters.str.count_matches("[ACGTUN]") / letters.str.len_bytes()
    each = pl.all_horizontal(letters.str.contains(one) for one in ("A", "C", "G", "[TU]"))
    return (letters.str.len_bytes() >= 20) & (share >= 0.95) & each


def without_rows(frame: pl.DataFrame, rows: Collection[int]) -> pl.DataFrame:
    """Leave out the rows with these numbers.

    >>> without_rows(pl.DataFrame({"id": ["A", "B", "C"]}), {1: "no sequence"})["id"].to_list()
    ['A', 'C']
    """
    return frame.filter(~pl.int_range(pl.len()).is_in(list(rows))) if rows else frame


def bad_proteins(proteins: pl.DataFrame, lines: Callable[[], Sequence[int]]) -> dict[int, str]:
    """Find the rows that cannot be used, with what is wrong, in their order.

    A row is bad if its id is missing or holds an invisible character, its sequence is missing or holds a wrong
    letter, its structure does not fit the sequence, or an earlier good row has its id with another sequence. The same
    id with the same sequence is fine: one more text.

    Parameters
    ----------
    proteins
        The cleaned columns id and sequence, and structure if there is one.
    lines
        Gives the line of each row; called only if two rows contradict each other.

    Examples
    --------
    >>> proteins = pl.DataFrame({"id": ["A", "A", "A", None], "sequence": ["MKV", "MKV", "MKL", "MK"]})
    >>> bad_proteins(proteins, lambda: [2, 3, 4, 5])
    {2: 'its id has another sequence on line 2', 3: 'no id, or one that says NA'}
    """
    unseen = proteins["id"].str.extract(_UNSEEN)
    problems = {
        row: f"invisible character U+{ord(unseen[row]):04X} in its id" for row in unseen.is_not_null().arg_true()
    }
    if "structure" in proteins.columns:
        problems |= {row: f"structure: {problem}" for row, problem in bad_structures(proteins).items()}
    problems |= bad_sequences(proteins)
    rows = proteins.select("id", "sequence").with_row_index("row")
    problems |= dict.fromkeys(rows.filter(pl.col("id").is_null())["row"], _NO_ID)
    repeated = without_rows(rows, problems).filter(pl.col("id").is_duplicated())
    firsts = pl.col("row", "sequence").first().over("id").name.prefix("first_")
    contradicting = repeated.with_columns(firsts).filter(pl.col("sequence") != pl.col("first_sequence"))
    if not contradicting.is_empty():
        line_of = lines()
        for row, first in contradicting.select("row", "first_row").iter_rows():
            problems[row] = f"its id has another sequence on line {line_of[first]}"
    return dict(sorted(problems.items()))
