"""Thousands of structure files become one table of protein chains, with texts from another table beside them."""

import logging
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from protrek_hm.config import OnBadRecord
from protrek_hm.data.proteins import check_bad_records
from protrek_hm.data.schema import or_null, recognise_columns
from protrek_hm.data.structures.config import StructureConfig
from protrek_hm.data.structures.reading import BadFile
from protrek_hm.data.structures.records import ChainRecord, read_structure
from protrek_hm.data.tables import read_table
from protrek_hm.deadline import Progress
from protrek_hm.errors import FileFormatError, MissingColumnError, MissingFileError, NothingFoundError, WorkerLostError
from protrek_hm.workers import Needs, Shared, map_shards
from protrek_hm.workers.here import cores

log = logging.getLogger(__name__)
SCHEMA = {
    **dict.fromkeys(("id", "sequence", "structure"), pl.String),
    "plddt": pl.Float64,
    **dict.fromkeys(("accession", "chain", "file"), pl.String),
    **dict.fromkeys(("unknown", "left_out"), pl.Int64),
}
_TOGETHER = 16  # files in one task: about a second
_AT_ONCE = 10_000  # records that wait as Python objects

_Outcome = list[ChainRecord] | BadFile


@dataclass(frozen=True)
class StructureTable:
    """What structure files hold.

    Attributes
    ----------
    frame
        A row for each protein chain, in the order of the files: `id`, `sequence`, `structure` (as long, in lower
        case), `plddt` (mean in [0, 100], null for what is no prediction), `accession` (of UniProt, null where the
        file does not name one), `chain`, `file`, `unknown` (residues that are X), `left_out` (residues of the file that
        are not in the sequence).
    bad
        The files that were left out, with what is wrong with each.
    """

    frame: pl.DataFrame
    bad: tuple[BadFile, ...]


def read_structures(
    files: Sequence[Path],
    config: StructureConfig | None = None,
    *,
    on_bad_record: OnBadRecord = "error",
    progress: Progress | None = None,
) -> StructureTable:
    """Read the protein chains of many files side by side; the same files give the same table.

    Parameters
    ----------
    files
        As `find_structure_files` gives them.
    config
        Chains, masking, limits; the defaults where None.
    on_bad_record
        "error" raises on the first bad file, "skip" leaves bad files out.
    progress
        Called with "structures", files read, and their number.

    Raises
    ------
    FileFormatError
        On a bad file, or one whose chains bear the ids of an earlier one.
    NothingFoundError
        If no file is good.

    Notes
    -----
    The processes import the main module: a script must call this below ``if __name__ == "__main__":``, or with
    ``workers=1``.
    """
    config = config or StructureConfig()
    parts: list[pl.DataFrame] = []
    records: list[ChainRecord] = []
    bad: list[BadFile] = []
    seen: dict[str, str] = {}
    unmasked: list[Path] = []
    for done, (path, outcome) in enumerate(_read_all(files, config), start=1):
        if not isinstance(outcome, BadFile):
            outcome = _refuse_known(path, outcome, seen)
        if not isinstance(outcome, BadFile):
            records += outcome
            unmasked += [path] * any(each["implausible"] for each in outcome)
        elif on_bad_record == "skip":
            bad.append(outcome)
        else:
            raise outcome.error()
        if len(records) >= _AT_ONCE:
            parts.append(pl.DataFrame(records, schema=SCHEMA))
            records = []
        if progress is not None:
            progress("structures", done, len(files))
    frame = pl.concat([*parts, pl.DataFrame(records, schema=SCHEMA)])
    if frame.is_empty():
        why = f", the first because: {bad[0]}" if bad else ""
        raise NothingFoundError(f"no protein chain in {len(files):,} files{why}")
    if unmasked:
        problem = "%d files have B-factors that cannot be pLDDT, the first is %s; none of their residues is masked"
        log.warning(problem, len(unmasked), unmasked[0])
    return StructureTable(frame, tuple(bad))


def _refuse_known(path: Path, records: list[ChainRecord], seen: dict[str, str]) -> _Outcome:
    """Return the records, or what is wrong if an earlier file has given one of their ids; remember the ids."""
    for record in records:
        if record["id"] in seen:
            problem = f"its chain {record['chain']} would be {record['id']}, as that of {seen[record['id']]}"
            return BadFile(path, problem, "rename one of the files")
    seen.update((record["id"], record["file"]) for record in records)
    return records


def _read_all(files: Sequence[Path], config: StructureConfig) -> Iterator[tuple[Path, _Outcome]]:
    """Yield each file with what became of it, in order; no more than a few tasks are under way."""
    tasks = [list(files[start : start + _TOGETHER]) for start in range(0, len(files), _TOGETHER)]
    needs = Needs(interpreter=True, at_once=min(config.workers or cores(), max(len(tasks), 1)))
    try:
        with map_shards(_read_task, tasks, shared=Shared.of(config), needs=needs) as done:
            for task, outcomes in zip(tasks, done, strict=True):
                yield from zip(task, outcomes, strict=True)
    except WorkerLostError as error:
        problem = "a process died while it read this file or one of the next"
        shard: Any = error.shard
        raise FileFormatError(shard[0], problem, "find the file with --workers 1, or free some memory") from None


def _read_task(config: StructureConfig, task: Sequence[Path]) -> list[_Outcome]:
    return [_read(path, config) for path in task]


def _read(path: Path, config: StructureConfig) -> _Outcome:
    try:
        return read_structure(path, config)
    except FileFormatError as error:
        return BadFile(path, error.problem, error.remedy)
    except MissingFileError as error:
        if not path.parent.exists():
            machine = socket.gethostname()
            raise MissingFileError(
                path.parent, f"the machine {machine} does not see it; put it where all do"
            ) from error
        return BadFile(path, "no such file", error.remedy)


_TAKEN = ("text", "ec", "go", "organism", "stage")


def read_texts(path: Path) -> pl.DataFrame:
    """Read the columns text, ec, go, organism and stage of a table, with its column of ids as `key`.

    Sequences of the table are not read: those of the structures fit their letters.

    Raises
    ------
    MissingFileError, FileFormatError
        If the file does not exist, or is not a table.
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
        If no key belongs to a structure.

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
