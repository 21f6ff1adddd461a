"""Faults: a writer that dies, two writers, no room, no permission."""

import signal
import subprocess
import sys

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from protrek_hm.errors import BusyError, OutputError, ProtectedOutputError
from protrek_hm.files import MARKER, writing
from protrek_hm.index import changes, segments, update
from protrek_hm.index.build import build_index
from protrek_hm.index.store import Index
from protrek_hm.index.update import add_to_index, compact_index, remove_from_index

MORE = pl.DataFrame({"id": ["P4", "P5"], "sequence": ["DDE", "EEA"], "text": ["all C", "new"]})


CHANGES = {
    "add": lambda folder, encoder: add_to_index(folder, MORE, encoder),
    "remove": lambda folder, _: remove_from_index(folder, ids=["P1"]),
    "compact": lambda folder, _: compact_index(folder),
}
DYING = """
import os, signal, sys
from importlib import import_module
from pathlib import Path
import numpy as np
import polars as pl

room, name, folder = sys.argv[1:]
class Letters:
    temperature, tasks, fingerprint = 0.05, ("text", "sequence"), lambda self: "letters"
    def encode(self, inputs, /, **_):
        return np.array([[each.upper().count(letter) for letter in "ACDEFGHIKLMNPQRSTVWY"] for each in inputs])
setattr(import_module(room), name, lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL))
from protrek_hm.index.update import add_to_index
more = {"id": ["P4", "P5"], "sequence": ["DDE", "EEA"], "text": ["all C", "new"]}
add_to_index(Path(folder), pl.DataFrame(more), Letters())
"""


@pytest.mark.parametrize("place", [(segments, "write_records"), (changes, "write_manifest"), (update, "clear_shards")])
def test_a_killed_writer_leaves_the_old_index_or_the_new(folder, letter_encoder, proteins, place):
    command = [sys.executable, "-c", DYING, place[0].__name__, place[1], str(folder)]
    assert subprocess.run(command, timeout=120, check=False).returncode == -signal.SIGKILL
    done = place[1] == "clear_shards"
    assert_frame_equal(Index.open(folder).records, pl.concat([proteins, MORE], how="diagonal") if done else proteins)
    if not done:
        encoder = letter_encoder()
        assert add_to_index(folder, MORE, encoder).counts["records"] == 6  # nothing is locked
        assert encoder.encoded == []  # what was encoded is there
        names = {path.name for path in folder.iterdir()} - {".lock", "index.json", MARKER}
        assert names == {name.split("/")[0] for name in changes.read_manifest(folder).files}


def test_the_second_writer_is_told_so(folder, letter_encoder):
    with writing(folder), pytest.raises(BusyError, match="index: another process is writing to it; try again"):
        add_to_index(folder, MORE, letter_encoder())
    with writing(folder.with_name(".other.shards")), pytest.raises(BusyError):
        build_index(MORE, letter_encoder(), folder.with_name("other"), model_name="m")
    add_to_index(folder, MORE, letter_encoder())


@pytest.mark.parametrize("change", CHANGES)
def test_files_of_others_in_the_folder_stay(folder, letter_encoder, tmp_path, change):
    (folder / "NOTES.md").write_text("mine")
    (folder / "model").mkdir()
    (folder / "model" / "modules.json").write_text("mine")
    (folder / "elsewhere").symlink_to(tmp_path)
    (folder / "segment-99").symlink_to(tmp_path)  # ours by name, but no folder
    (folder / "segment-98").mkdir()  # what a killed writer leaves
    CHANGES[change](folder, letter_encoder())
    others = {"NOTES.md", "model", "elsewhere", "segment-99"}
    assert others <= {path.name for path in folder.iterdir()}
    assert (folder / "model" / "modules.json").read_text() == "mine"
    assert not (folder / "segment-98").exists()


@pytest.mark.parametrize("damaged", [False, True], ids=["whole", "damaged"])
def test_an_index_is_replaced_in_its_folder(folder, letter_encoder, proteins, damaged):
    """Its names are new, so that no reader takes a new file for an old one; other files stay."""
    before = Index.open(folder)
    old = {segment.name for segment in changes.read_manifest(folder).segments}
    (folder / "NOTES.md").write_text("mine")
    if damaged:
        (folder / "index.json").write_text("{")
    build_index(MORE, letter_encoder(), folder, model_name="m", force=True)
    assert Index.open(folder).records["id"].to_list() == MORE["id"].to_list()
    assert_frame_equal(before.records, proteins)
    new = {path.name for path in folder.glob("segment-*")}
    assert len(new) == 1
    assert not new & old
    assert (folder / "NOTES.md").read_text() == "mine"


def test_what_is_no_index_is_not_replaced(letter_encoder, tmp_path):
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "index.json").write_text('{"pages": 3}')
    with pytest.raises(ProtectedOutputError, match=r"site: holds index\.json"):
        build_index(MORE, letter_encoder(), tmp_path / "site", model_name="m", force=True)
    (tmp_path / "data").mkdir()
    MORE.write_csv(tmp_path / "data" / "p.csv")
    with pytest.raises(ProtectedOutputError, match="p.csv would be overwritten"):
        build_index(
            MORE, letter_encoder(), tmp_path / "data", model_name="m", source=tmp_path / "data" / "p.csv", force=True
        )


@pytest.mark.parametrize("change", CHANGES)
def test_a_full_disk_is_one_line_and_the_old_index_stays(folder, letter_encoder, monkeypatch, change, proteins):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    for name in ("write_array", "write_records"):
        monkeypatch.setattr(segments, name, full)
    monkeypatch.setattr(update, "write_array", full)
    with pytest.raises(OutputError, match="No space left on device.*free some space"):
        CHANGES[change](folder, letter_encoder())
    assert_frame_equal(Index.open(folder).records, proteins)
    assert {path.name for path in folder.iterdir()} <= {
        ".lock",
        ".shards",
        MARKER,
        "index.json",
        "segment-1",
        "words-1.sqlite",
    }


def test_a_folder_without_permission_is_one_line(folder, monkeypatch):
    def denied(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.open", denied)
    with pytest.raises(OutputError, match="Permission denied"), writing(folder):
        pass


def test_readers_that_opened_the_index_before_go_on(folder, letter_encoder):
    index = Index.open(folder)
    query = index.vectors("sequence", index.find(["P2"]))
    before = [each.tolist() for each in index.nearest(query, want="sequence", k=3)]
    add_to_index(folder, MORE, letter_encoder())
    remove_from_index(folder, ids=["P2"])
    compact_index(folder)
    assert [each.tolist() for each in index.nearest(query, want="sequence", k=3)] == before
    assert index.take(index.find(["P2"]))["sequence"].to_list() == ["DDD"]
