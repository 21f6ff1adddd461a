"""Tables with the wild type and a mutant in one row, stacked into one protein per row."""

from collections.abc import Collection, Sequence
from pathlib import Path

import polars as pl

from protrek_hm.data.records import Table
from protrek_hm.data.schema import missing_column, or_null

WILD_TYPE, MUTANT = "wt_sequence", "mut_sequence"
_NEEDED = ("accession", "mutation", "effect", "wt_function")
WILD_TYPE_ID = "wild_type"
"""Column of a mutant's wild type, where both have a row of their own."""

_ADDED = {"id", "sequence", "text", WILD_TYPE_ID}
_OF_MUTANTS = ("mutation", "neutral", "n_changed")


def is_wide(present: Collection[str]) -> bool:
    """Say whether these columns hold a wild type and a mutant in each row, and none that stacking would add.

    >>> is_wide(["accession", "wt_sequence", "mut_sequence"]), is_wide(["accession", "sequence"])
    (True, False)
    """
    return {WILD_TYPE, MUTANT} <= set(present) and _ADDED.isdisjoint(present)


def stack_mutants(table: Table, path: Path) -> Table:
    """Give each wild type one row, or one for each of its texts, and each mutant one behind it.

    A wild type has the id `accession` and the text `wt_function`; a mutant the id `accession:mutation`, the
    text `effect`, and its wild type's id in the column `wild_type`. What describes mutations is null for wild
    types, all other columns are kept.

    Raises
    ------
    MissingColumnError
        If the accession, the mutation or one of the texts is missing.

    Examples
    --------
    >>> frame = pl.DataFrame({"accession": ["P1", "P1"], "mutation": ["K2A", "K2R"],
    ...     "effect": ["Dead.", "Alive."], "wt_function": ["Works."] * 2,
    ...     "wt_sequence": ["MK"] * 2, "mut_sequence": ["MA", "MR"]})
    >>> stacked = stack_mutants(Table(frame, lambda: [2, 3]), Path("twins.tsv"))
    >>> stacked.frame.select("id", "sequence", "text").rows(), stacked.lines()
    ([('P1', 'MK', 'Works.'), ('P1:K2A', 'MA', 'Dead.'), ('P1:K2R', 'MR', 'Alive.')], [2, 2, 3])
    """
    frame = table.frame.with_row_index("row in file")
    for column in _NEEDED:
        if column not in frame.columns:
            remedy = f"a table with {WILD_TYPE} and {MUTANT} needs it; or give --column sequence=NAME"
            raise missing_column(path, column, table.frame.columns, remedy)
    frame = frame.with_columns(or_null(pl.col("accession", "mutation", "wt_function").cast(pl.String)))
    replaced = ("accession", "effect", "wt_function", WILD_TYPE, MUTANT)
    others = pl.exclude("row in file", *replaced)
    of_wild_type = ("accession", WILD_TYPE)
    told = frame.unique([*of_wild_type, "wt_function"], keep="first", maintain_order=True)
    text = pl.col("wt_function")
    told = told.filter(text.is_not_null() | text.is_null().all().over(of_wild_type))
    wild_types = told.select(
        pl.col("row in file"),
        pl.col("accession").alias("id"),
        pl.col(WILD_TYPE).alias("sequence"),
        pl.col("wt_function").alias("text"),
        others,
        pl.lit(None, pl.String).alias(WILD_TYPE_ID),
    )
    nothing = {column: pl.lit(None, dtype) for column, dtype in frame.schema.items() if column in _OF_MUTANTS}
    wild_types = wild_types.with_columns(**nothing)
    mutants = frame.select(
        pl.col("row in file"),
        pl.format("{}:{}", "accession", "mutation").alias("id"),
        pl.col(MUTANT).alias("sequence"),
        pl.col("effect").alias("text"),
        others,
        pl.col("accession").alias(WILD_TYPE_ID),
    )
    stacked = pl.concat([wild_types, mutants]).sort("row in file", maintain_order=True)
    rows = stacked["row in file"].to_list()

    def lines() -> Sequence[int]:
        in_file = table.lines()
        return [in_file[row] for row in rows]

    return Table(stacked.drop("row in file"), lines, table.bad)
