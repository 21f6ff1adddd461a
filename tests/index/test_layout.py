import json
from dataclasses import replace

import pytest

from protrek_hm.errors import FileFormatError, MissingFileError
from protrek_hm.index.layout import (
    EngineInfo,
    IndexInfo,
    Manifest,
    Segment,
    Source,
    read_info,
    read_manifest,
    write_manifest,
)

INFO = IndexInfo(
    model="models/tuned",
    model_path="../tuned",
    model_sha256="ab12",
    dimension=8,
    counts={"records": 3, "sequence": 2},
    sources=(Source("proteins.tsv", "cd34", 17),),
    versions={"python": "3.11.0"},
    created="2025-01-31T12:00:00+00:00",
    updated="2025-02-01T12:00:00+00:00",
)
MANIFEST = Manifest(INFO, (Segment("segment-1", 3, {"sequence": 2}),), {"segment-1/records.arrow": 4})


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "segment-1").mkdir()
    (tmp_path / "segment-1" / "records.arrow").write_text("rows")
    write_manifest(tmp_path, MANIFEST)
    return tmp_path


def test_what_is_written_is_read(folder):
    assert read_manifest(folder) == MANIFEST
    assert read_info(folder) == INFO
    assert INFO.modalities == ("sequence",)


def test_engines_and_removed_rows_are_read(folder):
    engine = EngineInfo("sequence-2.faiss", 2, 1, 0.2, 50, {"sequence": 0.99})
    for name in ("sequence-2.faiss", "removed-2.npy"):
        (folder / name).write_text("1")
    files = {**MANIFEST.files, "sequence-2.faiss": 1, "removed-2.npy": 1}
    manifest = replace(MANIFEST, engines={"sequence": engine}, removed="removed-2.npy", files=files, generation=2)
    write_manifest(folder, manifest)
    assert read_manifest(folder) == manifest


def test_an_engine_without_a_scatter_is_read_as_one_of_zero(folder):
    written = {"file": "e.faiss", "vectors": 2, "lists": 1, "reach": 0.2, "candidates": 50, "recall": {"sequence": 1.0}}
    (folder / "e.faiss").write_text("1")
    edit(folder, engines={"sequence": written}, files={**MANIFEST.files, "e.faiss": 1})
    assert read_manifest(folder).engines["sequence"] == EngineInfo("e.faiss", 2, 1, 0.2, 50, {"sequence": 1.0}, 0.0)


def test_a_file_of_another_size_is_named(folder):
    (folder / "segment-1" / "records.arrow").write_text("row")
    with pytest.raises(FileFormatError, match=r"records.arrow: damaged or cut off \(3 bytes, not 4\)"):
        read_info(folder)
    (folder / "segment-1" / "records.arrow").unlink()
    with pytest.raises(MissingFileError, match="records.arrow"):
        read_info(folder)


@pytest.mark.parametrize("version", [1, 5])
def test_another_format_version_is_refused(folder, version):
    edit(folder, format_version=version)
    with pytest.raises(
        FileFormatError, match=rf"index format {version}, .* reads format 4; .* build it again in another folder"
    ):
        read_info(folder)


@pytest.mark.parametrize(
    "change",
    [
        {"dimension": "8"},
        {"counts": None},
        {"counts": {"sequence": 2}},
        {"counts": {"records": 4}},
        {"dimension": 0},
        {"extra": 1},
        {"segments": [{"name": "segment-1"}]},
        {"segments": None},
        {"engines": []},
        {"files": {"../other/index.json": 5}},
        {"files": {"segment-1/records.arrow": "4"}},
        {"files": {}},
        {"files": {"segment-1/records.arrow": 4, "notes.md": 1}},
        {"removed": "removed-2.npy"},
        {"segments": [{"name": "segment-1/..", "records": 3, "vectors": {}}]},
        {"digests": {"notes.md": "ab12"}},
    ],
)
def test_a_damaged_description_is_refused(folder, change):
    edit(folder, **change)
    with pytest.raises(FileFormatError, match="damaged"):
        read_info(folder)


def test_every_flipped_bit_of_the_description_is_found(folder):
    path = folder / "index.json"
    content = path.read_bytes()
    for place in range(len(content)):
        flipped = bytearray(content)
        flipped[place] ^= 1
        path.write_bytes(flipped)
        if json.loads(content) != _parsed(flipped):
            with pytest.raises((FileFormatError, MissingFileError)):
                read_info(folder)


def _parsed(content):
    try:
        return json.loads(content)
    except ValueError:
        return None


def test_an_index_of_the_format_before_is_read(folder):
    edit(folder, format_version=2)
    before = json.loads((folder / "index.json").read_text())
    del before["digests"]
    (folder / "index.json").write_text(json.dumps(before))
    assert read_manifest(folder) == MANIFEST


def test_no_folder_and_no_index(tmp_path):
    with pytest.raises(MissingFileError, match="protrek-hm index build"):
        read_info(tmp_path / "nowhere")
    with pytest.raises(FileFormatError, match="not an index"):
        read_info(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(FileFormatError, match="not an index"):
        read_info(tmp_path / "file")


def edit(folder, **change):
    """Write another description, as if it had been written so: without the digest of its own."""
    path = folder / "index.json"
    content = {**json.loads(path.read_text()), **change}
    content.pop("sha256")
    path.write_text(json.dumps(content))
