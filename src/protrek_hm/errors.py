"""Every error a user can meet: each names the thing, the value and the remedy, and carries them as data.

All of them subclass a built-in, so that library users can catch what they know, and `ProTrekHMError`, which the
command line turns into one line on stderr and exit code 2.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any


def visible(text: str) -> str:
    r"""Escape control and invisible characters but the ends of lines.

    >>> visible("a\x1b[31m\nb")
    'a\\x1b[31m\nb'
    """
    return "".join(each if each.isprintable() or each == "\n" else ascii(each)[1:-1] for each in text)


def shorten(text: str, *, width: int = 40) -> str:
    r"""Bring a text into one line of at most `width` characters; control and invisible characters are escaped.

    >>> shorten("a\nb"), shorten("M" * 9, width=5), shorten("a\x1b[31m")
    ('a b', 'MMMM…', 'a\\x1b[31m')
    """
    line = visible(" ".join(text.split()))
    return line if len(line) <= width else line[: width - 1] + "…"


def in_percent(share: float, *, digits: int = 1) -> str:
    """Write a share as per cent, with a space before the sign.

    >>> in_percent(0.4832), in_percent(0.3, digits=0)
    ('48.3 %', '30 %')
    """
    return f"{100 * share:.{digits}f} %"


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Write a number and what it counts, in the plural where it is not one.

    >>> counted(1, "record"), counted(1200, "record"), counted(2, "query", "queries")
    ('1 record', '1,200 records', '2 queries')
    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


class ProTrekHMError(Exception):
    """Anything that a user can mend: the message says how."""

    def __reduce__(self) -> tuple[Callable[..., BaseException], tuple[Any, ...]]:
        """Pickle what the error holds, whatever it is made from: errors come back from other processes."""
        return _as_it_was, (type(self), self.args, self.__dict__)


def _as_it_was(kind: type[ProTrekHMError], args: tuple[Any, ...], held: dict[str, Any]) -> ProTrekHMError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(held)
    return error


class FileFormatError(ProTrekHMError, ValueError):
    """A file that cannot be read as what it should be."""

    def __init__(self, path: Path | str, problem: str, remedy: str) -> None:
        self.path, self.problem, self.remedy = Path(path), problem, remedy
        super().__init__(f"{path}: {problem}; {remedy}")


class MissingFileError(ProTrekHMError, FileNotFoundError):
    """A path that leads nowhere."""

    def __init__(self, path: Path | str, remedy: str = "check the path") -> None:
        self.path, self.remedy = Path(path), remedy
        super().__init__(f"{path}: no such file or folder; {remedy}")

    def __str__(self) -> str:
        return str(self.args[0])


class MissingColumnError(ProTrekHMError, KeyError):
    """A table without a column that the job needs."""

    def __init__(self, path: Path | str, column: str, present: Iterable[str], remedy: str) -> None:
        self.path, self.column, self.present, self.remedy = Path(path), column, tuple(present), remedy
        listed = ", ".join(self.present) or "none"
        super().__init__(f"{path}: no column {column!r} (columns: {listed}); {remedy}")

    def __str__(self) -> str:
        return str(self.args[0])


class RecordError(ProTrekHMError, ValueError):
    """One bad record of a file that is otherwise fine."""

    def __init__(self, path: Path | str, line: int, record: str, problem: str) -> None:
        self.path, self.line, self.record, self.problem = Path(path), line, record, problem
        super().__init__(
            f"{path}:{line}: {record}: {problem}; mend the record, or drop such records with --on-bad-record skip"
        )


class OptionError(ProTrekHMError, ValueError):
    """A setting outside its range, unknown, or missing (value None)."""

    def __init__(self, name: str, value: object, wanted: str) -> None:
        self.name, self.value, self.wanted = name, value, wanted
        super().__init__(f"{name}: {wanted}" if value is None else f"{name} = {value!r}: {wanted}")


class ShardDownError(ProTrekHMError, ConnectionError):
    """A shard of an index that does not answer. shard: its number from 0, and its name."""

    def __init__(self, number: int, name: str, reason: str) -> None:
        self.number, self.name, self.reason = number, name, reason
        super().__init__(f"{name} of the index does not answer ({reason}); try again, or ask for a partial answer")

    def __str__(self) -> str:
        return str(self.args[0])


class OutputExistsError(ProTrekHMError, FileExistsError):
    """An output that is there already and would be overwritten; a run that is `resumable` can also be continued."""

    def __init__(self, path: Path | str, *, resumable: bool = False) -> None:
        self.path, self.reason = Path(path), "exists already"
        remedies = "continue it with --resume, choose another --output" if resumable else "choose another --output"
        super().__init__(f"{path}: {self.reason}; {remedies}, or overwrite it with --force")

    def __str__(self) -> str:
        return str(self.args[0])


class ProtectedOutputError(OutputExistsError):
    """An output that would replace what is not a result: an input, a file of the user, the working folder."""

    def __init__(self, path: Path | str, reason: str) -> None:
        self.path, self.reason = Path(path), reason
        FileExistsError.__init__(self, f"{path}: {reason}; choose another --output")


class OutputError(ProTrekHMError, OSError):
    """An output that cannot be written: no permission, no space."""

    def __init__(self, path: Path | str, reason: str) -> None:
        self.path, self.reason = Path(path), reason
        super().__init__(f"{path}: cannot be written ({reason}); choose another --output or free some space")

    def __str__(self) -> str:
        return str(self.args[0])


class DownloadError(ProTrekHMError, ConnectionError):
    """Something on a server that does not come, or not whole."""

    def __init__(self, url: str, problem: str, remedy: str) -> None:
        self.url, self.problem, self.remedy = url, problem, remedy
        super().__init__(f"{url}: {problem}; {remedy}")


class LocationError(ProTrekHMError, OSError):
    """A place at a URL that cannot be read or written."""

    def __init__(self, url: str, problem: str, remedy: str) -> None:
        self.url, self.problem, self.remedy = url, problem, remedy
        super().__init__(f"{url}: {problem}; {remedy}")


class ExternalProgramError(ProTrekHMError, RuntimeError):
    """A program of others that failed, with what it said."""

    def __init__(self, program: str, exit_code: int, stderr: str, remedy: str) -> None:
        self.program, self.exit_code, self.stderr = program, exit_code, stderr
        last_words = " ".join(stderr.split())[-300:] or "it said nothing"
        super().__init__(f"{program} failed with exit code {exit_code}: {last_words}; {remedy}")


class CellError(OptionError):
    """Cells of a column that are not what a setting says that they are.

    `row` counts the table's rows from 0; `line` is that of the file, where it is known.
    """

    def __init__(self, name: str, value: object, wanted: str, *, row: int, cell: str, line: int | None = None) -> None:
        self.row, self.cell, self.wanted_of_cell = row, cell, wanted
        place = f"row {row + 1}" if line is None else f"line {line}"
        super().__init__(name, value, f"{place} holds {cell!r}, {wanted}")

    def on_line(self, line: int) -> "CellError":
        """Return the same error with the line of the file."""
        return CellError(self.name, self.value, self.wanted_of_cell, row=self.row, cell=self.cell, line=line)


class ModelError(ProTrekHMError, ValueError):
    """A model that does not fit, or does not do, what is asked of it."""

    def __init__(self, problem: str, remedy: str) -> None:
        self.problem, self.remedy = problem, remedy
        super().__init__(f"{problem}; {remedy}")


class InputError(ModelError):
    """One input that a model does not read."""

    def __init__(self, task: str, number: int, given: str, problem: str) -> None:
        self.task, self.number, self.given = task, number, given
        super().__init__(f"{task} {number} ({given}): {problem}", "mend it or leave it out")


class DamagedVectorError(ProTrekHMError, ValueError):
    """Vectors that should have the length 1 and have not: the file that holds them was damaged."""

    def __init__(self, cosine: float) -> None:
        self.cosine = cosine
        super().__init__(
            f"a vector is damaged: a cosine is {cosine:.4g}, and none is above 1; see protrek-hm index check"
        )


class NothingFoundError(ProTrekHMError, ValueError):
    """The input is fine, and holds nothing of what was asked for."""


class NoTwinsError(NothingFoundError):
    """Mining found no twins.

    `report` (a `mine.MiningReport`) holds what each step kept, `pairs` all verdicts as `mine.MiningResult` does, and
    `suggestions` values of --evidence with the pairs that each would tell apart.
    """

    def __init__(
        self, message: str, report: object, *, pairs: object = None, suggestions: tuple[tuple[str, int], ...] = ()
    ) -> None:
        self.report, self.pairs, self.suggestions = report, pairs, suggestions
        super().__init__(message)


class BusyError(ProTrekHMError, RuntimeError):
    """A folder that another process is writing to."""

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        super().__init__(f"{folder}: another process is writing to it; try again when that has finished")


class GivenUpError(ProTrekHMError, TimeoutError):
    """Work that was ended because its time is over, or nobody waits for it."""


class WorkerLostError(ProTrekHMError, RuntimeError):
    """A process that died while it worked on `shard`: killed, or without memory."""

    def __init__(self, problem: str, *, shard: object = None) -> None:
        self.problem, self.shard = problem, shard
        super().__init__(f"{problem}; free some memory, or find out on one machine which record it is")


class ClusterError(ProTrekHMError, ConnectionError):
    """A cluster that is not there, is lost, or has no room for what is asked of it."""

    def __init__(self, problem: str, remedy: str) -> None:
        self.problem, self.remedy = problem, remedy
        super().__init__(f"{problem}; {remedy}")

    def __str__(self) -> str:
        return str(self.args[0])
