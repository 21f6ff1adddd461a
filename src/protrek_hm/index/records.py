"""The table of an index: written as an Arrow file, mapped into memory, asked by row, by id and in SQL.

An Arrow file that is not compressed needs no reading: of a million proteins ten rows come in a fraction of a
millisecond, where Parquet would have to unpack whole groups of rows. Any Arrow library opens it.
"""

import os
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
from jaxtyping import Bool, Int

from protrek_hm.errors import FileFormatError, MissingFileError, OptionError
from protrek_hm.index.layout import REBUILD

_COMPARED = 5_000  # ids among which to look for similar ones


def write_records(records: pl.DataFrame, path: Path) -> None:
    """Write all columns; categories become strings."""
    plain = records.with_columns(pl.col(pl.Categorical, pl.Enum).cast(pl.String))
    with path.open("wb") as file:
        plain.write_ipc(file, compression="uncompressed")
        file.flush()
        os.fsync(file.fileno())


def open_records(path: Path, *, rows: int) -> pl.DataFrame:
    """Map the table that `write_records` wrote.

    Raises
    ------
    MissingFileError, FileFormatError
        If it is not there, cut off, or has another number of rows.
    """
    try:
        with pa.memory_map(str(path)) as file:
            records = pl.from_arrow(pa.ipc.open_file(file).read_all(), rechunk=False)
    except FileNotFoundError:
        raise MissingFileError(path, REBUILD) from None
    except (pa.ArrowException, pl.exceptions.PolarsError, OSError) as error:
        raise FileFormatError(path, f"damaged or cut off ({str(error)[:100]})", REBUILD) from None
    assert isinstance(records, pl.DataFrame)
    if len(records) != rows:
        raise FileFormatError(path, f"holds {len(records)} records, not {rows}", REBUILD)
    return records


def rows_where(records: pl.DataFrame, where: str) -> Bool[np.ndarray, " rows"]:
    """Say which records meet a condition in SQL over their columns, and `length`: the number of residues.

    Raises
    ------
    OptionError
        If it is not a condition on these columns.

    Examples
    --------
    >>> records = pl.DataFrame({"id": ["P1", "P2"], "sequence": ["MKV", "M"], "mass": ["350.1", None]})
    >>> rows_where(records, "length < 3 or cast(mass as double) > 300").tolist()
    [True, True]
    >>> rows_where(records, "size < 3")
    Traceback (most recent call last):
        ...
    protrek_hm.errors.OptionError: where = 'size < 3': unable to find column "size"; columns: id, sequence, mass, length
    """
    columns = ", ".join(dict.fromkeys([*records.columns, "length"]))
    frame = records.lazy().with_columns(length=pl.col("sequence").str.len_bytes().cast(pl.Int64))
    try:
        found = frame.select(pl.sql_expr(where).alias("where")).collect()["where"]
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        problem = str(error).splitlines()[0].split("; valid columns")[0]
        raise OptionError("where", where, f"{problem}; columns: {columns}") from None
    if found.dtype != pl.Boolean or len(found) not in (1, len(records)):
        wanted = "must be a condition on each record, such as \"length < 400 and organism = 'Escherichia coli'\""
        raise OptionError("where", where, f"{wanted}; columns: {columns}")
    chosen = found.fill_null(value=False).to_numpy()
    return np.array(np.broadcast_to(chosen, len(records)))


def rows_of_ids(records: pl.DataFrame, ids: Sequence[str]) -> Int[np.ndarray, " n"]:
    """Find the first row of each id.

    Raises
    ------
    OptionError
        If one is not there; it names similar ones.

    Examples
    --------
    >>> rows_of_ids(pl.DataFrame({"id": ["P1", "P2", "P2"]}), ["P2", "P1"]).tolist()
    [1, 0]
    """
    known = records.select("id").with_row_index("row").filter(pl.col("id").is_in(list(dict.fromkeys(ids))))
    first = dict(known.unique("id", keep="first").select("id", "row").iter_rows())
    missing = [name for name in ids if name not in first]
    if missing:
        name = missing[0]
        near = records["id"].filter(records["id"].str.to_lowercase().str.starts_with(name[:2].lower()))
        close = get_close_matches(name, near.head(_COMPARED).unique(maintain_order=True).to_list(), n=3)
        others = f" (and {len(missing) - 1} others)" * (len(missing) > 1)
        similar = f"; did you mean {', '.join(close)}?" if close else "; check it, or search for the protein"
        raise OptionError("id", name, f"not in this index{others}{similar}")
    return np.array([first[name] for name in ids], dtype=np.int64)
