"""Errors: each is a built-in one too, names thing, value and remedy, and stays one line."""

import pytest

from protrek_hm import errors
from protrek_hm.errors import (
    BusyError,
    ExternalProgramError,
    FileFormatError,
    MissingColumnError,
    MissingFileError,
    NothingFoundError,
    OptionError,
    OutputError,
    OutputExistsError,
    ProTrekHMError,
    RecordError,
)

EXAMPLES = [
    (FileFormatError("a.tsv", "is empty", "give another"), ValueError, "a.tsv: is empty; give another"),
    (MissingFileError("a.tsv"), FileNotFoundError, "a.tsv: no such file or folder; check the path"),
    (
        MissingColumnError("a.tsv", "text", ["id", "name"], "add it"),
        KeyError,
        "a.tsv: no column 'text' (columns: id, name); add it",
    ),
    (
        MissingColumnError("a.tsv", "text", [], "add it"),
        KeyError,
        "a.tsv: no column 'text' (columns: none); add it",
    ),
    (
        RecordError("a.tsv", 7, "P1", "no sequence"),
        ValueError,
        "a.tsv:7: P1: no sequence; mend the record, or drop such records with --on-bad-record skip",
    ),
    (OptionError("k", 0, "must be at least 1"), ValueError, "k = 0: must be at least 1"),
    (
        OutputExistsError("out"),
        FileExistsError,
        "out: exists already; choose another --output, or overwrite it with --force",
    ),
    (
        OutputError("out", "No space left on device"),
        OSError,
        "out: cannot be written (No space left on device); choose another --output or free some space",
    ),
    (
        ExternalProgramError("mmseqs", 1, "line one\nline two\n", "free some memory"),
        RuntimeError,
        "mmseqs failed with exit code 1: line one line two; free some memory",
    ),
    (
        BusyError("run"),
        RuntimeError,
        "run: another process is writing to it; try again when that has finished",
    ),
    (NothingFoundError("no twins"), ValueError, "no twins"),
]


@pytest.mark.parametrize(("error", "built_in", "message"), EXAMPLES)
def test_message_is_one_line_and_class_is_a_built_in_too(error, built_in, message):
    assert str(error) == message
    assert "\n" not in message
    assert isinstance(error, built_in)
    assert isinstance(error, ProTrekHMError)


def test_errors_carry_their_data():
    error = RecordError("a.tsv", 7, "P1", "no sequence")
    assert (str(error.path), error.line, error.record, error.problem) == ("a.tsv", 7, "P1", "no sequence")
    assert MissingColumnError("a.tsv", "text", ["id"], "add it").present == ("id",)
    assert OptionError("k", 0, "must be at least 1").value == 0


def test_last_words_of_a_program_are_kept_short():
    error = ExternalProgramError("mmseqs", 137, "x" * 1000 + " out of memory", "free some")
    assert "out of memory" in str(error)
    assert len(str(error)) < 400
    assert "it said nothing" in str(ExternalProgramError("mmseqs", 137, "", "free some"))


def test_every_error_class_has_the_common_base():
    classes = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, Exception)]
    assert all(issubclass(each, ProTrekHMError) for each in classes)
