"""Clean the columns we know, and find the records that cannot be used."""

from collections.abc import Callable, Collection, Sequence

import polars as pl

from protrek_hm.data.schema import ALIASES, SEQUENCE_LETTERS, STRUCTURE_LETTERS, or_null, sequence_problem
from protrek_hm.data.texts import without_evidence

_ILLEGAL = f"[^{SEQUENCE_LETTERS}]"
_NO_ID = "no id, or one that says NA"
_NO_STRUCTURE = f"[^{STRUCTURE_LETTERS}]"


def clean_sequences(cells: pl.Expr) -> pl.Expr:
    """Take blanks and one trailing stop away, raise to upper case; what says "nothing" becomes null.

    >>> pl.select(clean_sequences(pl.Series(["mk v*", "N/A", "mk-v"])).alias("cells"))["cells"].to_list()
    ['MKV', None, 'MK-V']
    """
    letters = or_null(cells).str.replace_all(r"\s+", "").str.to_uppercase().str.strip_suffix("*")
    return pl.when(letters != "").then(letters)


def clean_structures(cells: pl.Expr) -> pl.Expr:
    """Take blanks away, bring to lower case; what says "nothing" becomes null.

    >>> pl.select(clean_structures(pl.Series(["DV vp", "", "n/a"])).alias("cells"))["cells"].to_list()
    ['dvvp', None, None]
    """
    return or_null(cells).str.replace_all(r"\s+", "").str.to_lowercase()


def clean_proteins(proteins: pl.DataFrame) -> pl.DataFrame:
    """Clean the columns that bear our names; all others stay as they are."""
    text = pl.col("text").str.strip_chars()
    proteins = proteins.with_columns(text=without_evidence(text))  # once, as or_null names its cells thrice
    cleaned = {name: or_null(pl.col(name)) for name in ALIASES if name in proteins.columns}
    cleaned["sequence"] = clean_sequences(pl.col("sequence"))
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


def bad_structures(frame: pl.DataFrame, column: str) -> dict[int, str]:
    """Find the rows whose cleaned structure holds what is no 3Di letter; none at all is fine.

    >>> bad_structures(pl.DataFrame({"structure": ["dv#p", "dvz", None]}), "structure")
    {1: "'z' is no 3Di letter"}
    """
    wrong = frame[column].str.extract(f"({_NO_STRUCTURE})")
    return {row: f"{wrong[row]!r} is no 3Di letter" for row in wrong.is_not_null().arg_true()}


def without_rows(frame: pl.DataFrame, rows: Collection[int]) -> pl.DataFrame:
    """Leave out the rows with these numbers.

    >>> without_rows(pl.DataFrame({"id": ["A", "B", "C"]}), {1: "no sequence"})["id"].to_list()
    ['A', 'C']
    """
    return frame.filter(~pl.int_range(pl.len()).is_in(list(rows))) if rows else frame


def bad_proteins(proteins: pl.DataFrame, lines: Callable[[], Sequence[int]]) -> dict[int, str]:
    """Find the rows that cannot be used, with what is wrong, in their order.

    A row is bad if its id is missing, its sequence is missing or holds a wrong letter, or an earlier good row
    has its id with another sequence. The same id with the same sequence is fine: one more text.

    Parameters
    ----------
    proteins
        The cleaned columns id and sequence.
    lines
        Gives the line of each row; called only if two rows contradict each other.

    Examples
    --------
    >>> proteins = pl.DataFrame({"id": ["A", "A", "A", None], "sequence": ["MKV", "MKV", "MKL", "MK"]})
    >>> bad_proteins(proteins, lambda: [2, 3, 4, 5])
    {2: 'its id has another sequence on line 2', 3: 'no id, or one that says NA'}
    """
    problems = bad_sequences(proteins)
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
