"""URLs: what they name, what they must not carry, and what a store says when it fails."""

import json
import socket
import time
from contextlib import closing

import pytest

from protrek_hm import locations
from protrek_hm.errors import BusyError, LocationError, OutputExistsError, ProtectedOutputError
from protrek_hm.files import digest, new_file, new_folder, refuse_existing, refuse_unwritable, writing
from protrek_hm.locations import CLAIM, MARKER, Location, output, parse_url, without_secrets


def manifest(store, folder):
    return json.loads(locations.read_bytes(store.at(f"{folder}/{MARKER}")))["files"]


def written(store, name, *, force=False, **files):
    """Write a folder of texts to the bucket."""
    path = output(store.at(name))
    with new_folder(path, force=force) as temporary:
        for each, content in files.items():
            (temporary / "sub").mkdir(exist_ok=True)
            (temporary / "sub" / f"{each}.txt").write_text(content)
    return path


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("s3://me:hunter2@bucket/a", "is given with credentials or a query"),
        ("s3://bucket/a?X-Amz-Signature=hunter2", "is given with credentials or a query"),
        ("https://me:hunter2@host/a?token=hunter2#hunter2", "the scheme https:// is not known"),
        ("s3:///a", "names no bucket or host"),
        ("s3://bucket/../a", "names no bucket or host"),
    ],
)
def test_urls_that_are_refused_and_their_secrets_are_not_repeated(url, problem):
    with pytest.raises(LocationError) as caught:
        parse_url(url)
    assert caught.value.problem == problem
    assert "hunter2" not in str(caught.value)


def test_a_path_stands_for_its_url_and_messages_show_that(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    place = parse_url("S3://bucket//a/b.tsv/")
    assert place == Location("s3", "bucket/a/b.tsv")
    path = locations.located(place, version="out")
    assert path.is_relative_to(tmp_path)
    assert f"{path} {path / 'c'} {path.parent}" == "s3://bucket/a/b.tsv s3://bucket/a/b.tsv/c s3://bucket/a"
    assert locations.location_of(path / "c") == place / "c"
    assert locations.as_url(tmp_path) == str(tmp_path)
    assert str(OutputExistsError(path)).startswith("s3://bucket/a/b.tsv: exists already")
    assert without_secrets("a@b.tsv") == "a@b.tsv"


def test_a_file_is_there_when_it_is_whole(store):
    path = output(store.at("a/b.txt"))
    refuse_unwritable(path)
    with new_file(path, force=False) as temporary:
        temporary.write_text("whole")
        assert store.names() == []
    assert store.names() == ["a/b.txt"]
    assert locations.read_bytes(store.at("a/b.txt")) == b"whole"
    with pytest.raises(OutputExistsError, match=f"^{store.url}/a/b.txt: exists already"):
        refuse_existing(path, force=False)
    with pytest.raises(ProtectedOutputError, match="no folder"):
        refuse_existing(path, force=True, folder=True)
    with pytest.raises(ProtectedOutputError, match="a folder, and the output is a file"):
        refuse_existing(output(store.at("a")), force=True)
    with pytest.raises(RuntimeError), new_file(path) as temporary:  # noqa: PT012
        temporary.write_text("half")
        raise RuntimeError
    assert locations.read_bytes(store.at("a/b.txt")) == b"whole"


def test_a_folder_has_a_manifest_that_comes_last(store, monkeypatch):
    order, put = [], locations.write_bytes
    monkeypatch.setattr(
        locations, "write_bytes", lambda place, content: (order.append(store.names()), put(place, content))
    )
    written(store, "out", a="1", b="22")
    assert store.names("out") == [MARKER, "sub/a.txt", "sub/b.txt"]
    assert order == [[], [f"out/{CLAIM}", "out/sub/a.txt", "out/sub/b.txt"]]  # before the claim, before the manifest
    assert manifest(store, "out")["sub/b.txt"]["bytes"] == 2


def test_overwriting_replaces_all_and_needs_force(store):
    path = written(store, "out", a="1", b="2")
    with pytest.raises(OutputExistsError, match="overwrite it with --force"):
        refuse_existing(path, force=False, folder=True)
    with pytest.raises(ProtectedOutputError, match=f"the input {store.url}/out/a.txt would be overwritten"):
        refuse_existing(path, force=True, inputs=[locations.located(store.at("out/a.txt"), version="x")], folder=True)
    written(store, "out", force=True, a="new", c="3")
    files = manifest(store, "out")
    assert files.keys() == {"sub/a.txt", "sub/c.txt"}
    objects = {name: about.get("object", name) for name, about in files.items()}
    assert store.names("out") == sorted([MARKER, *objects.values()])
    assert locations.read_bytes(store.at(f"out/{objects['sub/a.txt']}")) == b"new"
    store.put("out/notes.md", "the user's own")
    with pytest.raises(ProtectedOutputError, match=r"holds notes.md, which is not among its results"):
        refuse_existing(path, force=True, folder=True)


@pytest.mark.parametrize("refused", [f"PUT .*{MARKER}", "(PUT|POST) .*c.txt"])
def test_an_interrupted_upload_leaves_what_was_there_and_keeps_the_results_here(store, refused):
    before = manifest(store, "out") if written(store, "out", a="1") else {}
    store.refuse(refused)
    with pytest.raises(LocationError, match=r"not written \(.*: access denied.*the results are in ") as caught:
        written(store, "out", force=True, a="2", c="3")
    assert (locations.root() / "out" / "s3" / store.at("out").key / "sub" / "c.txt").read_text() == "3"
    assert "secret-of-the-test" not in str(caught.value)
    store.refuse("")
    assert manifest(store, "out") == before
    assert locations.read_bytes(store.at("out/sub/a.txt")) == b"1"
    path = written(store, "out", force=True, a="4")  # what the interrupted one left is no obstacle, and goes
    assert len(store.names("out")) == 2
    assert path.exists() is False


def test_of_two_writers_one_is_told(store, monkeypatch, tmp_path):
    upload = locations.upload
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.txt").write_text("theirs")

    def interrupted(path, place):
        upload(path, place)
        if path.read_text() == "mine":
            about = {"bytes": 6, "sha256": digest(tmp_path / "sub" / "a.txt")}
            locations.publish(tmp_path, {"sub/a.txt": about}, output(store.at("out")))

    monkeypatch.setattr(locations, "upload", interrupted)
    with pytest.raises(LocationError, match="another process is writing to it"):
        written(store, "out", a="mine")
    (about,) = manifest(store, "out").values()
    assert locations.read_bytes(store.at(f"out/{about.get('object', 'sub/a.txt')}")) == b"theirs"


def test_a_folder_that_another_has_changed_meanwhile_is_not_overwritten(store, tmp_path):
    written(store, "out", a="1")
    copy = tmp_path / "cache" / "protrek-hm" / "urls" / "edit" / "s3" / store.at("out").key
    with writing(copy):
        (copy / "a.txt").write_text("mine")
        locations.edited(copy, b"another manifest")
        with pytest.raises(BusyError, match=f"^{store.url}/out: another process"):
            locations.publish(copy, {"a.txt": {"bytes": 4, "sha256": ""}}, copy)
        locations.edited(copy, locations.read_bytes(store.at(f"out/{MARKER}")))
    assert list(manifest(store, "out")) == ["a.txt"]


def test_a_file_that_the_store_does_not_take_leaves_the_earlier_one(store, tmp_path):
    store.put("a.txt", "old")
    (tmp_path / "a.txt").write_text("new")  # as long
    store.refuse("(PUT|POST) .*a.txt")
    with pytest.raises(LocationError, match="access denied"):
        locations.upload(tmp_path / "a.txt", store.at("a.txt"))
    store.refuse("")
    assert locations.read_bytes(store.at("a.txt")) == b"old"


def test_an_interruption_leaves_no_part_of_a_file(store, tmp_path, monkeypatch):
    (tmp_path / "a.txt").write_text("12345678")

    def interrupted(source, target, _):
        target.write(source.read(4))
        raise KeyboardInterrupt

    monkeypatch.setattr(locations.shutil, "copyfileobj", interrupted)
    with pytest.raises(KeyboardInterrupt):
        locations.upload(tmp_path / "a.txt", store.at("a.txt"))
    assert store.names() == []


def test_hdfs_without_hadoop_says_what_is_missing(monkeypatch):
    for name in ("JAVA_HOME", "HADOOP_HOME", "ARROW_LIBHDFS_DIR"):
        monkeypatch.setenv(name, "/nowhere")
    with pytest.raises(LocationError, match=r"^hdfs://host/a.tsv: HDFS needs Hadoop's libhdfs; set JAVA_HOME"):
        locations.stored(parse_url("hdfs://host/a.tsv"))


def test_no_such_bucket(store):
    place = parse_url("s3://no-such-bucket/a.txt")
    with pytest.raises(LocationError, match=r"^s3://no-such-bucket/a.txt: no such bucket; check its name, or make it$"):
        locations.stored(place)
    with pytest.raises(LocationError, match="no such bucket"):
        locations.write_bytes(place, b"1")
    with pytest.raises(LocationError, match="no such bucket"):
        refuse_existing(output(place), force=False)


def test_access_denied(store):
    store.refuse(r"(GET|HEAD|PUT|POST) /bucket")
    for ask in (
        locations.stored,
        locations.read_bytes,
        locations.files_below,
        lambda at: locations.write_bytes(at, b""),
    ):
        with pytest.raises(
            LocationError, match=f"^{store.url}/a.txt: access denied, or there are no credentials; check"
        ):
            ask(store.at("a.txt"))


def test_a_server_that_is_not_there_or_does_not_answer_ends_in_time(monkeypatch, store):
    with closing(socket.socket()) as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        for port in (9, silent.getsockname()[1]):
            monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
            monkeypatch.setattr(locations, "_SILENCE", 1.0)
            start = time.monotonic()
            with pytest.raises(LocationError, match=r"the server cannot be reached; check the network and the address"):
                locations.stored(store.at("a.txt"))
            assert time.monotonic() - start < 30
