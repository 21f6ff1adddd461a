"""A split that is given: a table that says on which side each protein stands."""

from pathlib import Path

import polars as pl

from protrek_hm.data.proteins import check_bad_records
from protrek_hm.data.schema import or_null
from protrek_hm.data.tables import read_table
from protrek_hm.errors import FileFormatError, MissingColumnError

SIDES = {
    "train": 0,
    "training": 0,
    "valid": 1,
    "val": 1,
    "validation": 1,
    "dev": 1,
    "test": 2,
    "testing": 2,
}
"""Words for the sides, as they stand in columns `stage` and in split files."""


def apply_split_file(proteins: pl.DataFrame, path: Path) -> pl.DataFrame:
    r"""Return `proteins` with the file's side as their `stage`; proteins that it does not name have none.

    path: a table with columns `id` and `split` (or `stage`), sides in the words of `SIDES`. Records without a side
    name none.

    Raises
    ------
    MissingFileError, FileFormatError, MissingColumnError
        If the file is not there, lacks a column, holds damaged records, names an unknown side, none of the proteins,
        or one on two sides.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "split.tsv"
    >>> _ = path.write_text("id\tsplit\nP1\ttest\n")
    >>> apply_split_file(pl.DataFrame({"id": ["P1", "P2"]}), path)["stage"].to_list()
    ['test', None]
    """
    table = read_table(path)
    check_bad_records(table.bad, path, "error")
    columns = table.frame.columns
    side = next((name for name in ("split", "stage") if name in columns), "split")
    for column in ("id", side):
        if column not in columns:
            raise MissingColumnError(path, column, columns, "a split file has the columns id and split")
    cells = table.frame.select(or_null(pl.col("id", side).cast(pl.String))).drop_nulls()
    given = cells.select("id", stage=pl.col(side).str.to_lowercase())
    unknown = given.filter(~pl.col("stage").is_in(list(SIDES)))
    if not unknown.is_empty():
        raise FileFormatError(path, f"{unknown['stage'][0]!r} is no side", "write train, valid or test")
    unique = given.with_columns(side=pl.col("stage").replace_strict(SIDES)).unique(["id", "side"], maintain_order=True)
    twice = unique.filter(pl.col("id").is_duplicated())
    if not twice.is_empty():
        raise FileFormatError(path, f"{twice['id'][0]!r} stands on two sides", "leave it on one")
    if unique.join(proteins, on="id", how="semi").is_empty():
        raise FileFormatError(path, "it names none of the proteins", "use the ids of the protein file")
    rest = proteins.drop("stage", strict=False)
    return rest.join(unique.select("id", "stage"), on="id", how="left", maintain_order="left")
