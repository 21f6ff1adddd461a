"""Copies of what lies at URLs: whole, checked, kept while it is the same there."""

import os
import subprocess
import sys

import pytest

from protrek_hm import copies, locations
from protrek_hm.copies import copy_of, copy_to_edit, discard, local_path
from protrek_hm.errors import LocationError, MissingFileError
from protrek_hm.files import new_folder, writing
from protrek_hm.locations import CLAIM, MARKER, output


@pytest.fixture(autouse=True)
def _fresh(monkeypatch):
    monkeypatch.setattr(copies, "_locks", {})


@pytest.fixture
def downloads(monkeypatch):
    """The names of the files that are fetched."""
    names, download = [], locations.download
    monkeypatch.setattr(locations, "download", lambda place, path: (names.append(place.name), download(place, path)))
    return names


def publish(store, name, *, force=False, **files):
    with new_folder(output(store.at(name)), force=force) as temporary:
        for each, content in files.items():
            (temporary / f"{each}.txt").write_text(content)


def test_a_file_is_fetched_once_and_again_when_it_has_changed(store, downloads, tmp_path):
    url = store.put("in/a.txt", "one")
    path = copy_of(url)
    assert (path.name, path.read_text(), f"{path}") == ("a.txt", "one", url)
    assert copy_of(url) == path
    assert downloads == ["a.txt"]
    store.put("in/a.txt", "another")
    assert copy_of(url).read_text() == "another"
    assert local_path(str(tmp_path)) == local_path(f"file://{tmp_path}") == tmp_path


def test_of_a_changed_folder_only_what_is_new_is_fetched(store, downloads):
    publish(store, "out", a="1", b="2")
    first = copy_of(f"{store.url}/out")
    publish(store, "out", force=True, a="1", b="new", c="3")
    second = copy_of(f"{store.url}/out/")
    assert {each.name: each.read_text() for each in second.iterdir() if each.name != MARKER} == {
        "a.txt": "1",
        "b.txt": "new",
        "c.txt": "3",
    }
    assert len(downloads) == 4
    assert first.exists(), "as long as this process may use it"
    for lock in copies._locks.values():
        os.close(lock)
    copies._locks.clear()
    assert copy_of(f"{store.url}/out") == second
    assert not first.exists()


def test_a_file_of_a_result_comes_with_those_beside_it(store, downloads):
    publish(store, "out", a="1", b="2")
    publish(store, "out", force=True, a="new", b="2")
    assert len(store.names("out")) == 3
    path = copy_of(f"{store.url}/out/a.txt")
    assert (path.read_text(), path.with_name("b.txt").read_text()) == ("new", "2")
    assert copy_of(f"{store.url}/out/b.txt").parent == path.parent
    with pytest.raises(MissingFileError, match=f"^{store.url}/out/c.txt: no such file"):
        copy_of(f"{store.url}/out/c.txt")


def test_what_lies_around_a_file_need_not_be_readable(store):
    url = store.put("team/a.txt", "1")
    store.refuse(rf"{MARKER}|{CLAIM}")
    assert copy_of(url).read_text() == "1"
    store.refuse("/team")
    with pytest.raises(LocationError, match=f"^{url}: access denied, or there are no credentials; check"):
        copy_of(url)


def test_what_was_not_uploaded_to_its_end_is_not_there(store):
    store.refuse(f"PUT .*{MARKER}")
    with pytest.raises(LocationError):
        publish(store, "out", a="1")
    store.refuse("")
    assert store.names("out") == [CLAIM, "a.txt"]
    for url in (f"{store.url}/out", f"{store.url}/out/a.txt"):
        with pytest.raises(
            LocationError, match=f"^{url}: was not uploaded to its end; wait for its writer, or write it"
        ):
            copy_of(url)
    publish(store, "out", a="1")
    assert copy_of(f"{store.url}/out/a.txt").read_text() == "1"


def test_a_folder_that_others_have_put_there_is_read_as_it_is(store):
    store.put("model/config.json", "{}")
    store.put("model/sub/weights", "1")
    path = copy_of(f"{store.url}/model")
    assert (path / "sub" / "weights").read_text() == "1"
    with pytest.raises(MissingFileError, match=f"^{store.url}/none: no such file or folder"):
        copy_of(f"{store.url}/none")


@pytest.mark.parametrize("content", [b"X", b"XX"])
def test_damage_is_found_by_the_manifest(store, content):
    publish(store, "out", a="1")
    store.put("out/a.txt", content)
    with pytest.raises(LocationError, match=rf"^{store.url}/out/a.txt: (damaged|cut off or changed)"):
        copy_of(f"{store.url}/out")
    assert not list(locations.root().glob("*/s3/*/out/a.txt"))


def test_a_file_that_vanishes_while_it_is_read(store, monkeypatch):
    url, download = store.put("a.txt", "1"), locations.download

    def late(place, path):
        locations.delete(place)
        download(place, path)

    monkeypatch.setattr(locations, "download", late)
    with pytest.raises((LocationError, MissingFileError), match=f"^{url}: (vanished while|no such file or folder)"):
        copy_of(url)


def test_a_folder_that_is_replaced_while_it_is_read_is_read_again(store, monkeypatch):
    publish(store, "out", a="1", b="1")
    download = locations.download

    def late(place, path):
        monkeypatch.setattr(locations, "download", download)
        publish(store, "out", force=True, a="2", b="2")
        download(place, path)

    monkeypatch.setattr(locations, "download", late)
    path = copy_of(f"{store.url}/out")
    assert [(path / name).read_text() for name in ("a.txt", "b.txt")] == ["2", "2"]


def test_a_copy_to_change_is_uploaded_when_it_was_changed(store):
    publish(store, "out", a="1", b="1")
    path = copy_to_edit(f"{store.url}/out")
    with writing(path):
        (path / "b.txt").write_text("changed")
    with writing(path):
        (path / "c.txt").write_text("added")
    discard(path)
    assert not path.exists()
    seen = copy_of(f"{store.url}/out")
    assert [(seen / f"{name}.txt").read_text() for name in "abc"] == ["1", "changed", "added"]
    assert len(store.names("out")) == 4
    store.put("others/a.txt", "1")
    with pytest.raises(LocationError, match="only folders that protrek-hm wrote there can be changed"):
        copy_to_edit(f"{store.url}/others")


def test_two_processes_share_one_copy(store):
    url = store.put("a.txt", "1" * 10_000)
    command = [sys.executable, "-c", f"from protrek_hm.copies import copy_of; print(str(copy_of({url!r})))"]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    found = {each.communicate(timeout=60)[0].strip() for each in processes}
    assert [each.returncode for each in processes] == [0, 0]
    assert found == {str(copy_of(url))}
