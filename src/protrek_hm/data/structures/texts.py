"""Put the texts of another table beside structures."""

from pathlib import Path

import polars as pl

from protrek_hm.data.proteins import check_bad_records
from protrek_hm.data.schema import or_null, recognise_columns
from protrek_hm.data.tables import read_table
from protrek_hm.errors import MissingColumnError, NothingFoundError

_TAKEN = ("text", "ec", "go", "organism", "stage")


def read_texts(path: Path) -> pl.DataFrame:
    """Read the columns text, ec, go, organism and stage of a table, with its column of ids as `key`.

    Sequences of the table are not read: those of the structures fit their letters.

    Raises
    ------
    MissingFileError, FileFormatError
        If it is not there, or no table.
    MissingColumnError
        If it has no column of ids, or no text.
    RecordError
        On a bad record; it names its line.
    """
    loaded = read_table(path)
    check_bad_records(loaded.bad, path, "error")
    table = loaded.frame
    ours = recognise_columns([*table.columns, "sequence"], path=path)  # which need not be there
    for column in ("id", "text"):
        if column not in ours:
            raise MissingColumnError(path, column, table.columns, f"name the one that it is {column!r}")
    return table.select(
        or_null(pl.col(ours["id"]).cast(pl.String)).alias("key"),
        *(or_null(pl.col(ours[name]).cast(pl.String)).alias(name) for name in _TAKEN if name in ours),
    )


def join_texts(structures: pl.DataFrame, texts: pl.DataFrame) -> pl.DataFrame:
    """Return the structures with the columns of `texts`, a row for each chain and text of it.

    Parameters
    ----------
    structures
        As `read_structures` returns them.
    texts
        As `read_texts` returns them. Its keys are ids of the structures (``8ac8_A``), or else names of their files
        without ending (``8ac8``), or else UniProt accessions: each chain takes the rows of the first of the three
        that is there. Where none is, the new columns are null.

    Raises
    ------
    NothingFoundError
        If no key is that of a structure.

    Examples
    --------
    >>> texts = pl.DataFrame({"key": ["x_A", "P1"], "text": ["Binds iron.", "Binds copper."]})
    >>> structures = pl.DataFrame({"id": ["x_A", "x_B", "y_A"], "sequence": ["MK", "MK", "MR"],
    ...     "chain": ["A", "B", "A"], "accession": ["P1", "P1", None]})
    >>> join_texts(structures, texts).select("id", "sequence", "text").rows()
    [('x_A', 'MK', 'Binds iron.'), ('x_B', 'MK', 'Binds copper.'), ('y_A', 'MR', None)]
    """
    known = texts["key"].unique().implode()
    name = pl.col("id").str.strip_suffix(pl.format("_{}", "chain"))
    keys = (pl.col("id"), name, pl.col("accession"))
    joined = structures.with_columns(key=pl.coalesce(pl.when(each.is_in(known)).then(each) for each in keys))
    if joined["key"].null_count() == joined.height:
        raise NothingFoundError("the texts name none of the structures, neither by id nor by file or UniProt accession")
    joined = joined.join(texts, on="key", how="left", maintain_order="left_right").drop("key")
    first = ["id", "sequence", "text"]
    return joined.select(*first, pl.exclude(first))
