"""The files that an index is made from: read together, and held against each other."""

from collections.abc import Mapping, Sequence
from dataclasses import astuple
from pathlib import Path

import polars as pl

from protrek_hm.config import OnBadRecord
from protrek_hm.data.compression import digest
from protrek_hm.data.proteins import read_proteins
from protrek_hm.errors import FileFormatError, MissingFileError
from protrek_hm.index.layout import Source


def read_files(
    paths: Sequence[Path], *, columns: Mapping[str, str] | None = None, on_bad_record: OnBadRecord = "error"
) -> pl.DataFrame:
    """Read several files of proteins as one table, in their order; columns that a file lacks are null there.

    `columns` names the columns of all files that are not recognised, as for `read_proteins`.

    Raises
    ------
    FileFormatError
        If two files give one id different sequences, or one column values that do not go together; and as
        `read_proteins`.
    """
    tables = [read_proteins(path, columns=columns, on_bad_record=on_bad_record) for path in paths]
    joined = tables[0]
    for path, table in zip(paths[1:], tables[1:], strict=True):
        other = conflict(joined, table)
        if other is not None:
            problem = f"{other} has another sequence than in the files before"
            raise FileFormatError(path, problem, "give each protein its own id")
        joined = append(joined, table, path)
    return joined


def conflict(known: pl.DataFrame, new: pl.DataFrame) -> str | None:
    """Name an id that has different sequences in two tables, if there is one.

    >>> known = pl.DataFrame({"id": ["P1"], "sequence": ["MKV"]})
    >>> conflict(known, known), conflict(known, pl.DataFrame({"id": ["P1"], "sequence": ["MKL"]}))
    (None, 'P1')
    """
    both = new.select("id", "sequence").join(known.select("id", other="sequence"), on="id")
    differing = both.filter(pl.col("sequence") != pl.col("other"))
    return None if differing.is_empty() else str(differing["id"][0])


def append(known: pl.DataFrame, new: pl.DataFrame, path: Path | str) -> pl.DataFrame:
    """Put the rows of `new` below; its columns take the types of the known ones.

    Raises
    ------
    FileFormatError
        If they cannot; it names `path` and the column.
    """
    return pl.concat([known, with_types_of(known, new, path)], how="diagonal")


def with_types_of(known: pl.DataFrame, new: pl.DataFrame, path: Path | str) -> pl.DataFrame:
    """Cast the columns of `new` to the types that they have in `known`; raises as `append`."""
    for name in new.columns:
        wanted = known.schema.get(name, new.schema[name])
        if wanted != new.schema[name]:
            try:
                new = new.with_columns(pl.col(name).cast(wanted))
            except pl.exceptions.PolarsError:
                problem = f"column {name!r} holds {new.schema[name]}, and {wanted} so far"
                raise FileFormatError(path, problem, "mend or rename it") from None
    return new


def describe_source(path: Path) -> Source:
    """Name a file, with the checksum and the size of what was read of it."""
    return Source(str(path), *astuple(digest(path)))


def read_ids(given: str) -> list[str]:
    """Return one id, or those of a file that is given as `@FILE`: one a line, empty lines left out.

    Raises
    ------
    MissingFileError, FileFormatError
        If there is no such file, or it is not text.

    Examples
    --------
    >>> read_ids("P12345")
    ['P12345']
    """
    if not given.startswith("@"):
        return [given]
    path = Path(given[1:])
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (FileNotFoundError, IsADirectoryError):
        raise MissingFileError(path) from None
    except UnicodeDecodeError:
        raise FileFormatError(path, "not a text file", "give one id a line") from None
    return [line.strip() for line in lines if line.strip()]
