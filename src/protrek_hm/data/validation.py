"""Clean the columns we know, and find the records that cannot be used."""

from collections.abc import Callable, Collection, Sequence

import polars as pl

from protrek_hm.data.schema import ALIASES, SAPROT, SEQUENCE_LETTERS, STRUCTURE_LETTERS, or_null, sequence_problem
from protrek_hm.data.texts import EVIDENCE, split_evidence

_ILLEGAL = f"[^{SEQUENCE_LETTERS}]"
_FOREIGN = r"[^\x00-\x7F]"
_NO_ID = "no id, or one that says NA"
_UNSEEN = r"([\p{Cc}\p{Cf}\p{Zl}\p{Zp}])"
_NO_STRUCTURE = f"[^{STRUCTURE_LETTERS}]"


def clean_sequences(cells: pl.Expr) -> pl.Expr:
    """Take blanks and one trailing stop away, raise to upper case; what says "nothing" becomes null.

    Strings for SaProt and letters of other alphabets stay as they are, so that `bad_sequences` finds them.

    >>> pl.select(clean_sequences(pl.Series(["mk v*", "N/A", "mk-v", "MdEvVp"])).alias("cells"))["cells"].to_list()
    ['MKV', None, 'MK-V', 'MdEvVp']
    """
    letters = or_null(cells).str.replace_all(r"\s+", "").str.strip_suffix("*")
    as_it_is = letters.str.contains(SAPROT) | letters.str.contains(_FOREIGN)
    letters = pl.when(as_it_is).then(letters).otherwise(letters.str.to_uppercase())
    return pl.when(letters != "").then(letters)


def clean_structures(cells: pl.Expr) -> pl.Expr:
    """Take blanks away, bring to lower case; what says "nothing" becomes null.

    >>> pl.select(clean_structures(pl.Series(["DV vp", "", "n/a"])).alias("cells"))["cells"].to_list()
    ['dvvp', None, None]
    """
    letters = or_null(cells).str.replace_all(r"\s+", "")
    return pl.when(letters.str.contains(_FOREIGN)).then(letters).otherwise(letters.str.to_lowercase())


def clean_proteins(proteins: pl.DataFrame) -> pl.DataFrame:
    """Clean the columns that bear our names; all others stay as they are.

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
    """Find the rows whose cleaned sequence is missing or holds a letter that is none.

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
    """Say whether the column structure is about something else: no cell is as long as its sequence or of 3Di letters.

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
    """Say of cleaned sequences whether they are DNA or RNA: of 20 letters or more, 95 % are A, C, G, T, U or N.

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

    A row is bad if its id is missing or holds a character that nobody sees, its sequence is missing or holds a wrong
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
