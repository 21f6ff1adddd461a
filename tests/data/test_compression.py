"""Compressed files are known by their bytes, and told when they are cut or damaged."""

import gzip

import pytest

from protrek_hm.data.compression import bare_name, open_compressed, open_decompressed
from protrek_hm.errors import FileFormatError, MissingFileError

CONTENT = bytes(range(256)) * 4_000


def read(path):
    with open_decompressed(path) as stream:
        return stream.read()


@pytest.mark.parametrize("name", ["a.tsv", "a.tsv.gz", "a.tsv.zst", "a.TSV.GZ"])
def test_what_is_written_is_read(tmp_path, name):
    path = tmp_path / name
    with open_compressed(path) as stream:
        stream.write(CONTENT)
    assert read(path) == CONTENT
    assert (path.stat().st_size < len(CONTENT) / 2) == (name != "a.tsv")
    assert bare_name(path) == "a.tsv"


@pytest.mark.parametrize("name", ["a.gz", "a.zst"])
def test_same_content_same_bytes_and_the_ending_does_not_matter(tmp_path, name):
    for path in (tmp_path / f"1{name}", tmp_path / f"2{name}"):
        with open_compressed(path) as stream:
            stream.write(CONTENT)
    assert (tmp_path / f"1{name}").read_bytes() == (tmp_path / f"2{name}").read_bytes()
    assert read((tmp_path / f"1{name}").rename(tmp_path / "plain.tsv")) == CONTENT


def test_gzip_of_several_members_as_bgzip_writes_it(tmp_path):
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"one\n") + gzip.compress(b"two\n"))
    assert read(tmp_path / "a.gz") == b"one\ntwo\n"


@pytest.mark.parametrize("name", ["a.gz", "a.zst"])
@pytest.mark.parametrize("kept", [0.3, 0.9])
def test_truncated(tmp_path, name, kept):
    path = tmp_path / name
    with open_compressed(path) as stream:
        stream.write(CONTENT)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * kept)])
    with pytest.raises(FileFormatError, match=r"compressed file is truncated; .*again"):
        read(path)


@pytest.mark.parametrize("name", ["a.gz", "a.zst"])
def test_damaged(tmp_path, name):
    path = tmp_path / name
    with open_compressed(path) as stream:
        stream.write(CONTENT)
    damaged = bytearray(path.read_bytes())
    damaged[4:60] = b"\xff" * 56
    path.write_bytes(damaged)
    with pytest.raises(FileFormatError, match=r"damaged \(.*; .*again"):
        read(path)


def test_paths_that_lead_nowhere(tmp_path):
    with pytest.raises(MissingFileError):
        read(tmp_path / "absent")
    with pytest.raises(FileFormatError, match="is a folder"):
        read(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(MissingFileError):
        read(tmp_path / "file" / "below")
