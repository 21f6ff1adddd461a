import json

import pytest

from protrek_hm.errors import FileFormatError, MissingFileError
from protrek_hm.index.layout import IndexInfo, read_info, write_info

INFO = IndexInfo(
    model="models/tuned",
    model_path="../tuned",
    model_sha256="ab12",
    dimension=8,
    counts={"records": 3, "sequence": 2},
    source="proteins.tsv",
    source_sha256="cd34",
    versions={"python": "3.11.0"},
    created="2025-01-31T12:00:00+00:00",
)


def test_what_is_written_is_read(tmp_path):
    write_info(tmp_path, INFO)
    assert read_info(tmp_path) == INFO
    assert INFO.modalities == ("sequence",)


def test_another_format_version_is_refused(tmp_path):
    write_info(tmp_path, INFO)
    edit(tmp_path, format_version=2)
    with pytest.raises(FileFormatError, match="index format 2, and this version of protrek-hm reads format 1"):
        read_info(tmp_path)


@pytest.mark.parametrize(
    "change",
    [{"dimension": "8"}, {"counts": None}, {"counts": {"sequence": 2}}, {"dimension": 0}, {"extra": 1}],
)
def test_a_damaged_description_is_refused(tmp_path, change):
    write_info(tmp_path, INFO)
    edit(tmp_path, **change)
    with pytest.raises(FileFormatError, match="damaged"):
        read_info(tmp_path)


def test_no_folder_and_no_index(tmp_path):
    with pytest.raises(MissingFileError, match="protrek-hm index build"):
        read_info(tmp_path / "nowhere")
    with pytest.raises(FileFormatError, match="not an index"):
        read_info(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(FileFormatError, match="not an index"):
        read_info(tmp_path / "file")


def edit(folder, **change):
    path = folder / "index.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
