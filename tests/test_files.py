"""Outputs are whole or not there, whatever happens in between."""

import contextlib
import json
from pathlib import Path

import pytest

from protrek_hm.errors import FileFormatError, MissingFileError, OutputError, OutputExistsError
from protrek_hm.files import new_file, new_files, new_folder, read_json, refuse_existing, refuse_unwritable, write_json


def contents(folder):
    return {path.name: path.read_text() if path.is_file() else contents(path) for path in folder.iterdir()}


@pytest.fixture
def blocked(tmp_path):
    """A path that nobody, not even root, can write: its parent is a file."""
    (tmp_path / "file").write_text("in the way")
    return tmp_path / "file" / "below" / "out"


def test_new_file_makes_its_folders_and_leaves_only_itself(tmp_path):
    with new_file(tmp_path / "a" / "b" / "c.txt") as temporary:
        temporary.write_text("whole")
        assert temporary.suffix == ".txt"
        assert not (tmp_path / "a" / "b" / "c.txt").exists()
    assert contents(tmp_path) == {"a": {"b": {"c.txt": "whole"}}}


@pytest.mark.parametrize("interruption", [ValueError("mine"), KeyboardInterrupt(), OSError(28, "No space left")])
def test_new_file_interrupted_leaves_the_old_one_whole(tmp_path, interruption):
    path = tmp_path / "c.txt"
    path.write_text("old")
    expected = OutputError if isinstance(interruption, OSError) else type(interruption)
    with pytest.raises(expected), new_file(path) as temporary:  # noqa: PT012
        temporary.write_text("half of the n")
        raise interruption
    assert contents(tmp_path) == {"c.txt": "old"}


def test_new_file_refuses_to_overwrite_unless_forced(tmp_path):
    path = tmp_path / "c.txt"
    path.write_text("old")
    with pytest.raises(OutputExistsError, match="--force"), new_file(path, force=False):
        pytest.fail("the block must not run")
    with new_file(path, force=True) as temporary:
        temporary.write_text("new")
    assert contents(tmp_path) == {"c.txt": "new"}


def test_new_file_where_nobody_can_write(blocked):
    with pytest.raises(OutputError, match=r"below/out: cannot be written"), new_file(blocked) as temporary:
        temporary.write_text("never")


def test_errors_of_inputs_inside_the_block_stay_what_they_are(tmp_path):
    with pytest.raises(MissingFileError, match="input"), new_file(tmp_path / "out"):
        raise MissingFileError("input")
    with pytest.raises(MissingFileError, match="input"), new_folder(tmp_path / "out"):
        raise MissingFileError("input")
    assert contents(tmp_path) == {}


def test_new_folder_appears_at_the_end(tmp_path):
    with new_folder(tmp_path / "a" / "out") as temporary:
        (temporary / "one.txt").write_text("1")
        assert not (tmp_path / "a" / "out").exists()
    assert contents(tmp_path) == {"a": {"out": {"one.txt": "1"}}}


@pytest.mark.parametrize("interruption", [ValueError("mine"), KeyboardInterrupt(), OSError(28, "No space left")])
def test_new_folder_interrupted_leaves_the_old_one_whole(tmp_path, interruption):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "old.txt").write_text("old")
    expected = OutputError if isinstance(interruption, OSError) else type(interruption)
    with pytest.raises(expected), new_folder(tmp_path / "out", force=True) as temporary:  # noqa: PT012
        (temporary / "new.txt").write_text("half")
        raise interruption
    assert contents(tmp_path) == {"out": {"old.txt": "old"}}


def test_new_folder_replaces_the_old_one_when_forced(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "old.txt").write_text("old")
    with pytest.raises(OutputExistsError), new_folder(tmp_path / "out"):
        pytest.fail("the block must not run")
    with new_folder(tmp_path / "out", force=True) as temporary:
        (temporary / "new.txt").write_text("new")
    assert contents(tmp_path) == {"out": {"new.txt": "new"}}


def test_new_folder_takes_an_empty_one_and_fails_where_nobody_can_write(tmp_path, blocked):
    (tmp_path / "out").mkdir()
    with new_folder(tmp_path / "out") as temporary:
        (temporary / "new.txt").write_text("new")
    assert contents(tmp_path / "out") == {"new.txt": "new"}
    with pytest.raises(OutputError, match="cannot be written"), new_folder(blocked):
        pytest.fail("the block must not run")


def test_refuse_existing(tmp_path):
    refuse_existing(tmp_path / "absent", force=False)
    (tmp_path / "empty").mkdir()
    refuse_existing(tmp_path / "empty", force=False)
    with pytest.raises(OutputExistsError):
        refuse_existing(tmp_path, force=False)
    refuse_existing(tmp_path, force=True)


def test_json_goes_out_and_in(tmp_path):
    content = {"name": "β-lactamase", "counts": [1, 2], "none": None}
    write_json(tmp_path / "a.json", content)
    assert read_json(tmp_path / "a.json") == content
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8")) == content
    assert "β" in (tmp_path / "a.json").read_text(encoding="utf-8")


def test_json_that_cannot_be_read(tmp_path):
    with pytest.raises(MissingFileError):
        read_json(tmp_path / "absent.json")
    (tmp_path / "a.json").write_text("[1, 2]")
    with pytest.raises(FileFormatError, match="not a JSON object"):
        read_json(tmp_path / "a.json")
    with pytest.raises(MissingFileError):
        read_json(tmp_path / "a.json" / "below.json")
    (tmp_path / "a.json").write_text('{"a": ')
    with pytest.raises(FileFormatError, match="not JSON"):
        read_json(tmp_path / "a.json")


def test_new_files_leave_the_others_alone(tmp_path):
    (tmp_path / "notes.md").write_text("mine")
    (tmp_path / "a.txt").write_text("old")
    with new_files(tmp_path) as made:
        (made / "a.txt").write_text("new")
        (made / "b.txt").write_text("b")
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == {
        "notes.md": "mine",
        "a.txt": "new",
        "b.txt": "b",
    }


def test_new_files_come_together_or_not_at_all(tmp_path):
    (tmp_path / "a.txt").write_text("old")
    with contextlib.suppress(ValueError), new_files(tmp_path) as made:
        (made / "a.txt").write_text("new")
        raise ValueError
    assert [file.read_text() for file in tmp_path.iterdir()] == ["old"]
    with pytest.raises(OutputError), new_files(tmp_path / "a.txt"):
        pass


@pytest.mark.parametrize("folder", [".", ".."])
def test_the_working_folder_is_never_replaced(folder, tmp_path, monkeypatch):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("years of work")
    monkeypatch.chdir(tmp_path / "thesis")
    with pytest.raises(OutputError, match="holds more than our output"), new_folder(Path(folder), force=True):
        pass
    assert Path("chapter.txt").read_text() == "years of work"


def test_an_output_that_cannot_be_written_is_found_out_before_the_work(tmp_path):
    refuse_unwritable(tmp_path / "new" / "deeper" / "out")
    assert not list(tmp_path.iterdir())
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be written"):
        refuse_unwritable(tmp_path / "file" / "out")
    with pytest.raises(OutputError, match="cannot be written"):
        refuse_unwritable(Path("/proc/out"))
