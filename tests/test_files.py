"""Outputs are whole or not there, whatever happens in between."""

import contextlib
import errno
import json
import os
import re
import sys
import threading
from pathlib import Path

import pytest

from protrek_hm import files
from protrek_hm.errors import FileFormatError, MissingFileError, OutputError, OutputExistsError, ProtectedOutputError
from protrek_hm.files import (
    MARKER,
    foreign_files,
    new_file,
    new_files,
    new_folder,
    read_json,
    refuse_existing,
    refuse_unwritable,
    sweep_litter,
    write_json,
)

DEAD = 2**22 + 1  # above the greatest process id that Linux gives out


def contents(folder):
    """What a user sees in a folder: the marker of our own folders left out."""
    inside = [path for path in folder.iterdir() if path.name != MARKER]
    return {path.name: path.read_text() if path.is_file() else contents(path) for path in inside}


@pytest.fixture
def earlier(tmp_path):
    """A folder of results that an earlier run wrote."""
    with new_folder(tmp_path / "out") as temporary:
        (temporary / "old.txt").write_text("old")
    return tmp_path / "out"


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


@pytest.mark.parametrize(
    ("said", "told"),
    [("I/O error: No space left on device (os error 28)", "No space left"), ("iostream error", "not all of it")],
)
def test_writers_in_other_languages_tell_of_the_disk_in_their_text(tmp_path, said, told):
    with pytest.raises(OutputError, match=told), new_folder(tmp_path / "out"):
        raise RuntimeError(said)
    with pytest.raises(RuntimeError, match="a shape"), new_folder(tmp_path / "out"):
        raise RuntimeError("a shape that does not fit")


def test_new_file_refuses_to_overwrite_unless_forced(tmp_path):
    path = tmp_path / "c.txt"
    path.write_text("old")
    with pytest.raises(OutputExistsError, match="--force"), new_file(path, force=False):
        pytest.fail("the block must not run")
    with new_file(path, force=True) as temporary:
        temporary.write_text("new")
    assert contents(tmp_path) == {"c.txt": "new"}


def test_new_file_never_takes_the_place_of_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folder in (Path(), tmp_path):
        with pytest.raises(ProtectedOutputError), new_file(folder):
            pytest.fail("the block must not run")


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
def test_new_folder_interrupted_leaves_the_old_one_whole(earlier, tmp_path, interruption):
    expected = OutputError if isinstance(interruption, OSError) else type(interruption)
    with pytest.raises(expected), new_folder(earlier, force=True) as temporary:  # noqa: PT012
        (temporary / "new.txt").write_text("half")
        raise interruption
    assert contents(tmp_path) == {"out": {"old.txt": "old"}}


@pytest.mark.parametrize("exchange", [True, False], ids=["one step", "two renames"])
def test_new_folder_replaces_the_old_one_when_forced(earlier, tmp_path, monkeypatch, exchange):
    if not exchange:
        monkeypatch.setattr(files, "_exchange", raising(OSError(errno.EINVAL, "not on this file system")))
    with pytest.raises(OutputExistsError), new_folder(earlier):
        pytest.fail("the block must not run")
    with new_folder(earlier, force=True) as temporary:
        (temporary / "old.txt").write_text("new")
    assert contents(tmp_path) == {"out": {"old.txt": "new"}}


def raising(error):
    def fail(*_):
        raise error

    return fail


@pytest.mark.skipif(sys.platform != "linux", reason="the system call of Linux")
def test_a_folder_is_replaced_in_one_step(earlier, tmp_path, monkeypatch):
    """Between any two system calls there is a folder of that name: neither is renamed away on its own."""
    monkeypatch.setattr(Path, "rename", raising(AssertionError("renamed")))
    with new_folder(earlier, force=True) as temporary:
        (temporary / "old.txt").write_text("new")
    assert contents(tmp_path) == {"out": {"old.txt": "new"}}


def test_a_folder_with_files_of_others_is_never_replaced(earlier, tmp_path):
    (earlier / "notes").mkdir()
    (earlier / "notes" / "today.md").write_text("mine")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "p.tsv").write_text("mine")
    for folder, name in ((earlier, "notes/today.md"), (tmp_path / "data", "p.tsv")):
        with pytest.raises(ProtectedOutputError, match=f"holds {name}, which"), new_folder(folder, force=True):
            pytest.fail("the block must not run")
        assert (folder / name).read_text() == "mine"
    assert foreign_files(earlier) == ["notes/today.md"]


def test_a_link_in_a_folder_is_a_file_of_others_and_not_followed(earlier, tmp_path):
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "p.tsv").write_text("mine")
    (earlier / "link").symlink_to(tmp_path / "precious")
    with pytest.raises(ProtectedOutputError, match="holds link"), new_folder(earlier, force=True):
        pytest.fail("the block must not run")
    assert (tmp_path / "precious" / "p.tsv").read_text() == "mine"


def test_files_of_others_that_come_while_the_work_is_done_stay_and_so_do_the_results(earlier, tmp_path):
    with pytest.raises(ProtectedOutputError, match="the results are in"), new_folder(earlier, force=True) as temporary:  # noqa: PT012
        (temporary / "new.txt").write_text("new")
        (earlier / "notes.md").write_text("mine")
    assert contents(tmp_path) == {
        "out": {"old.txt": "old", "notes.md": "mine"},
        f"out.{os.getpid()}": {"new.txt": "new"},
    }


def test_results_of_another_kind_are_not_replaced(earlier, tmp_path):
    with (
        pytest.raises(
            ProtectedOutputError, match=r"holds old\.txt, results of another kind; the results are in .*out\.\d"
        ),
        new_folder(earlier, force=True) as temporary,
    ):
        (temporary / "triplets.csv").write_text("long work")
    assert contents(tmp_path) == {"out": {"old.txt": "old"}, f"out.{os.getpid()}": {"triplets.csv": "long work"}}


def test_an_output_around_its_input_is_refused(earlier, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "other.tsv").touch()
    for read in (earlier / "old.txt", earlier, tmp_path / "elsewhere" / ".." / "out" / "old.txt"):
        with pytest.raises(ProtectedOutputError, match=f"the input {re.escape(str(read))} would be overwritten"):
            refuse_existing(earlier, force=True, inputs=[read], folder=True)
    refuse_existing(earlier, force=True, inputs=[tmp_path / "other.tsv", tmp_path], folder=True)
    with pytest.raises(ProtectedOutputError, match="the input"):
        refuse_existing(earlier / "old.txt", force=True, inputs=[earlier / "old.txt"])


def test_subfolders_that_are_carried_over(earlier, tmp_path):
    (earlier / "cache").mkdir()
    (earlier / "cache" / "a.bin").write_text("long work")
    with new_folder(earlier, force=True, carried=["cache"]) as temporary:
        (temporary / "new.txt").write_text("new")
    assert contents(earlier) == {"new.txt": "new", "cache": {"a.bin": "long work"}}
    (tmp_path / "begun" / "cache").mkdir(parents=True)
    refuse_existing(tmp_path / "begun", force=False, folder=True, carried=["cache"])


def test_a_link_to_the_output_stays_a_link(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "disk")
    (tmp_path / "file").symlink_to(tmp_path / "disk.txt")
    with new_folder(tmp_path / "out") as temporary:
        (temporary / "new.txt").write_text("new")
    with new_file(tmp_path / "file") as temporary:
        temporary.write_text("new")
    assert (tmp_path / "out").is_symlink()
    assert (tmp_path / "file").is_symlink()
    assert contents(tmp_path / "disk") == {"new.txt": "new"}
    assert (tmp_path / "disk.txt").read_text() == "new"


def test_what_is_no_file_gets_the_bytes_and_stays_what_it_is(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    read = []
    reader = threading.Thread(target=lambda: read.append((tmp_path / "pipe").read_text()))
    reader.start()
    refuse_existing(tmp_path / "pipe", force=False)
    with new_file(tmp_path / "pipe", force=False) as temporary:
        temporary.write_text("new")
    reader.join()
    assert read == ["new"]
    assert (tmp_path / "pipe").is_fifo()


def test_the_next_run_removes_what_a_killed_one_left_behind(tmp_path):
    (tmp_path / f".{DEAD}.a.txt").write_text("half")
    (tmp_path / f".out.{DEAD}.partial").mkdir()
    (tmp_path / f".out.{DEAD}.partial" / "half.txt").write_text("half")
    (tmp_path / f".gone.{DEAD}.replaced").mkdir()
    (tmp_path / f".gone.{DEAD}.replaced" / "old.txt").write_text("old")
    (tmp_path / f".out.{os.getppid()}.partial").mkdir()  # that run is alive
    (tmp_path / ".hidden").write_text("mine")
    with new_folder(tmp_path / "out") as temporary:
        (temporary / "new.txt").write_text("new")
    assert contents(tmp_path) == {
        "out": {"new.txt": "new"},
        "gone": {"old.txt": "old"},
        f".out.{os.getppid()}.partial": {},
        ".hidden": "mine",
    }


def test_what_is_being_written_is_no_litter(tmp_path):
    with new_file(tmp_path / "a.txt") as temporary:
        temporary.write_text("half")
        sweep_litter(tmp_path)
        assert temporary.exists()


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
    refuse_existing(tmp_path / "empty", force=False, folder=True)
    with pytest.raises(OutputExistsError):
        refuse_existing(tmp_path, force=False, folder=True)
    refuse_existing(tmp_path, force=True, folder=True)
    (tmp_path / "notes.md").write_text("mine")
    refuse_existing(tmp_path, force=True, folder=True, replaced=False)


@pytest.mark.parametrize("folder", [False, True])
def test_a_folder_is_no_place_for_a_file_nor_the_reverse(folder, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.md").write_text("mine")
    places = {"pipe": not folder, "notes.md": not folder, "empty": folder}
    for name, fits in places.items():
        with contextlib.nullcontext() if fits else pytest.raises(ProtectedOutputError, match=name):
            refuse_existing(tmp_path / name, force=True, folder=folder)


def test_inputs_that_may_be_texts(tmp_path):
    file = tmp_path / "query.fasta"
    file.write_text(">P1\nMKV\n")
    refuse_existing(file, force=True, inputs=["MKV" * 9_999, "a\0b", "binds zinc"])
    with pytest.raises(ProtectedOutputError, match="would be overwritten"):
        refuse_existing(file, force=True, inputs=["binds zinc", str(file)])


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
    with pytest.raises(ProtectedOutputError, match="holds more than our output"), new_folder(Path(folder), force=True):
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
