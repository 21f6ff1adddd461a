"""The table of an index: read from files, written as an Arrow file, mapped into memory, asked by row, by id and in SQL.

An Arrow file that is not compressed needs no reading: of a million proteins ten rows come in a fraction of a
millisecond, where Parquet would have to unpack whole groups of rows. Any Arrow library opens it.
"""

import io
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import astuple
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import polars.selectors as cs
import pyarrow as pa
from jaxtyping import Bool, Int

from protrek_hm.config import OnBadRecord, require_characters
from protrek_hm.data.compression import digest
from protrek_hm.data.proteins import read_proteins
from protrek_hm.data.schema import or_null
from protrek_hm.errors import FileFormatError, MissingFileError, OptionError
from protrek_hm.index.layout import REBUILD, Source
from protrek_hm.locations import as_url


def rows_of_kept(kept: Bool[np.ndarray, " all"]) -> Int[np.ndarray, " all"]:
    """Return for each number through all segments the row of the opened index, -1 where it was removed.

    >>> rows_of_kept(np.array([True, False, True])).tolist()
    [0, -1, 1]
    """
    return np.where(kept, np.cumsum(kept) - 1, -1)


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
    return Source(as_url(path), *astuple(digest(path)))


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


_COMPARED = 5_000  # ids among which to look for similar ones
_LONGEST_WORD = 20  # bytes of a cell that says "nothing", with blanks around
_NARROW = (pl.Int8, pl.Int16, pl.Int32, pl.UInt8, pl.UInt16, pl.UInt32)  # 60 * 10 would be 88 in eight bits
_COMPUTED = {"BinaryExpr", "Cast", "Function", "Ternary", "Agg"}  # parts of an expression that may yield numbers
_COMPARING = ("Eq", "NotEq", "Lt", "LtEq", "Gt", "GtEq")
_ARITHMETIC = re.compile(r'"(?:op|Binary)": "(?:Plus|Minus|Mul|Multiply|Div|Divide|TrueDivide)"')
_PART = re.compile(r'(?<!\\)"([A-Z]\w*)":|"op":"(\w+)"')
_PLAIN = {
    *(("BinaryExpr", ""), ("Column", ""), ("Literal", ""), ("Scalar", ""), ("String", ""), ("Dyn", ""), ("Int", "")),
    *(("", each) for each in ("And", "Or", *_COMPARING)),
}


def write_records(records: pl.DataFrame, path: Path) -> None:
    """Write all columns; categories become strings."""
    plain = records.with_columns(pl.col(pl.Categorical, pl.Enum).cast(pl.String))
    with path.open("wb") as file:
        plain.write_ipc(file, compression="uncompressed")
        file.flush()
        os.fsync(file.fileno())


def open_arrow(path: Path) -> pl.DataFrame:
    """Map a table that `write_records` wrote.

    Raises
    ------
    MissingFileError, FileFormatError
        If it is not there, or cut off.
    """
    try:
        with pa.memory_map(str(path)) as file:
            table = pa.ipc.open_file(file).read_all()
            table.validate(full=True)  # a damaged offset would crash the process
            records = pl.from_arrow(table, rechunk=False)
    except FileNotFoundError:
        raise MissingFileError(path, REBUILD) from None
    except (pa.ArrowException, pl.exceptions.PolarsError, OSError) as error:
        raise FileFormatError(path, f"damaged or cut off ({str(error)[:100]})", REBUILD) from None
    assert isinstance(records, pl.DataFrame)
    return records


def open_records(path: Path, *, rows: int) -> pl.DataFrame:
    """Map the records that `write_records` wrote; raises as `open_arrow`, or if they are other than they must be."""
    records = open_arrow(path)
    if len(records) != rows:
        raise FileFormatError(path, f"holds {len(records)} records, not {rows}", REBUILD)
    for name in ("id", "sequence"):
        if records.schema.get(name) != pl.String or records[name].null_count():
            raise FileFormatError(path, f"a record has no {name}", REBUILD)
    return records


def rows_where(records: pl.DataFrame, where: str) -> Bool[np.ndarray, " rows"]:
    """Say which records meet a condition in SQL over their columns, and `length`: the number of residues.

    Cells that say "nothing" are missing, as in any table (see `data.schema.or_null`), and so is what is no finite
    number: NaN or infinite, in a cell or by arithmetic (0/0). `is null` finds it; it is neither above nor below nor
    equal nor unequal to anything, also behind `not`. Whole numbers are computed in 64 bits, however few their column
    has, and computed numbers compared to twelve digits: 1.1 - 1.0 <= 0.1 holds.

    Raises
    ------
    OptionError
        If it is not a condition on these columns, or its parts are nested too deeply.

    Examples
    --------
    >>> records = pl.DataFrame({"id": ["P1", "P2"], "sequence": ["MKV", "M"], "mass": ["350.1", None]})
    >>> rows_where(records, "length < 3 or cast(mass as double) > 300").tolist()
    [True, True]
    >>> rows_where(pl.DataFrame({"sequence": ["MK", "MV"], "kcat": [float("nan"), 7.0]}), "kcat > 5").tolist()
    [False, True]
    >>> rows_where(records, "size < 3")
    Traceback (most recent call last):
        ...
    protrek_hm.errors.OptionError: where = 'size < 3': unable to find column "size"; ...; put text in single quotes
    """
    columns = ", ".join(dict.fromkeys([*records.columns, "length"]))
    require_characters("where", where)
    try:
        condition = pl.sql_expr(where)
        frame = _with_nulls(records, condition.meta.root_names()).lazy()
        frame = frame.with_columns(_finite(cs.float()), cs.by_dtype(_NARROW).cast(pl.Int64))
        frame = frame.with_columns(length=pl.col("sequence").str.len_bytes().cast(pl.Int64))
        condition = _with_finite_parts(condition, frame)
        found = frame.select(condition.alias("where")).collect()["where"]
    except RecursionError:
        raise OptionError("where", where, "too many parts; write id in ('P1', 'P2', …), or ask in steps") from None
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        problem = str(error).splitlines()[0].split("; valid columns")[0]
        quotes = "; put text in single quotes" if problem.startswith("unable to find column") else ""
        raise OptionError("where", where, f"{problem}; columns: {columns}{quotes}") from None
    if found.dtype != pl.Boolean or len(found) not in (1, len(records)):
        wanted = "must be a condition on each record, such as \"length < 400 and organism = 'Escherichia coli'\""
        raise OptionError("where", where, f"{wanted}; columns: {columns}")
    chosen = found.fill_null(value=False).to_numpy()
    return np.array(np.broadcast_to(chosen, len(records)))


def _with_nulls(records: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """Make the cells of these columns null that say "nothing"."""
    for name in set(names) & set(records.columns) - {"id", "sequence"}:
        cells = records[name]
        if cells.dtype == pl.String:
            words = cells.filter(cells.str.len_bytes() <= _LONGEST_WORD).unique().drop_nulls()
            nothing = words.filter(words.to_frame().select(or_null(pl.all()).is_null()).to_series())
            if len(nothing):
                kept = ~cells.is_in(nothing.to_list())
                records = records.with_columns(cells.zip_with(kept, pl.Series(name, [None], pl.String)))
    return records


def _finite(numbers: pl.Expr) -> pl.Expr:
    return numbers.replace([float("nan"), float("inf"), float("-inf")], None)


def _with_finite_parts(condition: pl.Expr, frame: pl.LazyFrame) -> pl.Expr:
    """Make null what a part of the condition computes and is no finite number, and compare to 12 digits.

    polars takes NaN for the greatest number of all, so that `> 100` would fit. The condition is taken apart as JSON;
    the columns of `frame` hold finite numbers already.
    """
    written = condition.meta.serialize(format="json")
    if set(_PART.findall(written)) <= _PLAIN:  # nothing is computed: long lists of ids are deeper than JSON may be
        return condition
    return _rebuilt(json.loads(written), frame)


def _rebuilt(part: dict[str, Any], frame: pl.LazyFrame) -> pl.Expr:
    if part.get("BinaryExpr", {}).get("op") in ("And", "Or"):
        inner = part["BinaryExpr"]
        left, right = _rebuilt(inner["left"], frame), _rebuilt(inner["right"], frame)
        return left & right if inner["op"] == "And" else left | right
    return _read(_finite_in(part, frame))


def _finite_in(part: Any, frame: pl.LazyFrame) -> Any:
    """Rewrite a part of an expression, from the innermost outwards."""
    if isinstance(part, list):
        return [_finite_in(each, frame) for each in part]
    if not isinstance(part, dict) or "Literal" in part:
        return part
    inner = {name: _finite_in(each, frame) for name, each in part.items()}
    about = inner.get("BinaryExpr") or inner.get("Function") or {}
    if _operator(about) in _COMPARING:
        _round_operands(about, frame)
    elif set(inner) & _COMPUTED and _is_float(inner, frame):
        return json.loads(_FINITE.replace(_HOLE, json.dumps(inner)))
    return inner


def _operator(about: dict[str, Any]) -> str | None:
    kind = about.get("function")
    sql = kind.get("Sql") if isinstance(kind, dict) else None
    return sql.get("Binary") if isinstance(sql, dict) else about.get("op")


def _round_operands(about: dict[str, Any], frame: pl.LazyFrame) -> None:
    """Round both sides of a comparison where one is computed: 1.1 - 1.0 is 0.1000…09."""
    sides: Any = ("left", "right") if "op" in about else range(len(about["input"]))
    operands = about if "op" in about else about["input"]
    if any(_ARITHMETIC.search(json.dumps(operands[side])) for side in sides):
        for side in sides:
            if "Literal" not in operands[side] and _is_float(operands[side], frame):
                operands[side] = json.loads(_ROUNDED.replace(_HOLE, json.dumps(operands[side])))


def _is_float(part: dict[str, Any], frame: pl.LazyFrame) -> bool:
    try:
        kinds = frame.select(_read(part).alias("part")).collect_schema().dtypes()
    except pl.exceptions.PolarsError:  # what is wrong is said when the whole is computed
        return False
    return len(kinds) == 1 and kinds[0].is_float()  # else a name is a pattern for several columns, or for none


def _read(part: dict[str, Any]) -> pl.Expr:
    written = json.dumps(part)
    try:
        return pl.Expr.deserialize(io.StringIO(written), format="json")
    except pl.exceptions.ComputeError:
        if '{"Float": null}' in written:
            raise pl.exceptions.ComputeError("it holds a number that is too large") from None
        raise RecursionError from None


_HOLE = '{"Column":"?"}'
_FINITE = _finite(pl.col("?")).meta.serialize(format="json")
_ROUNDED = pl.col("?").round_sig_figs(12).meta.serialize(format="json")


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
    for name in ids:
        require_characters("id", name)
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
