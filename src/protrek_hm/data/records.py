"""What readers hand on: a table of strings, the lines it came from, and the records that are no rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from protrek_hm.errors import RecordError


@dataclass(frozen=True)
class BadRecord:
    """A record that cannot be used.

    Attributes
    ----------
    line
        Its first line in the decompressed file, from 1; in a Parquet file its row, from 1.
    record
        Its id, or what stands first in it.
    problem
        What is wrong, in words.
    """

    line: int
    record: str
    problem: str

    def error(self, path: Path | str, others: int = 0) -> RecordError:
        """Make the error for this record, with a hint if there are `others`.

        >>> str(BadRecord(7, "P12345", "no sequence").error("a.tsv"))
        'a.tsv:7: P12345: no sequence; mend the record, or drop such records with --on-bad-record skip'
        """
        hint = f" (bad records besides: {others:,})" if others else ""
        return RecordError(path, self.line, self.record, self.problem + hint)


@dataclass(frozen=True)
class Table:
    """The rows of a file, with the means to say where each stands.

    Attributes
    ----------
    frame
        Its rows and columns, untouched; cells of text formats are strings, empty ones null.
    lines
        Gives the line of each row, as in `BadRecord.line`. A function, because only errors need it.
    bad
        The records that could not become rows, by line.
    """

    frame: pl.DataFrame
    lines: Callable[[], Sequence[int]]
    bad: tuple[BadRecord, ...] = ()
