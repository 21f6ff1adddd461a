"""Compressed files are known by their bytes, and told when they are cut or damaged."""

import gzip
import hashlib
import os
import threading
import time

import pytest

from protrek_hm.data import check_proteins, read_proteins, read_triplets
from protrek_hm.data.compression import Digest, bare_name, digest, open_compressed, open_decompressed
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


@pytest.fixture
def piped(tmp_path):
    """Make a pipe through which content comes in pieces, as from a slow program."""
    writers = []

    def write(path, content, piece):
        with path.open("wb", buffering=0) as pipe:
            for start in range(0, len(content), piece):
                pipe.write(content[start : start + piece])
                if start < 3 * piece:
                    time.sleep(0.002)  # so that the first pieces come alone

    def make(content, *, name="pipe", piece=4_096):
        path = tmp_path / name
        os.mkfifo(path)
        writers.append(threading.Thread(target=write, args=(path, content, piece), daemon=True))
        writers[-1].start()
        return path

    yield make
    for writer in writers:
        writer.join(timeout=10)


FASTA = "".join(f">P{number}\nMKV{'ACDEFGHIKL' * (number % 7)}\n" for number in range(5_000)).encode()
TABLE = b"id,sequence\n" + b"".join(b"P%d,MKVACDEFGHIKL\n" % number for number in range(5_000))


@pytest.mark.parametrize("content", [FASTA, TABLE], ids=["fasta", "table"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize("piece", [1, 4_096])
def test_a_pipe_gives_all_its_records(piped, content, pack, piece):
    content = content if piece > 1 else content[:3_000].rsplit(b"P", 1)[0].removesuffix(b">")
    packed = pack(content)
    path = piped(packed, piece=piece)
    assert check_proteins(path).records == content.count(b"P")
    assert digest(path) == Digest(hashlib.sha256(packed).hexdigest(), len(packed))


def test_a_pipe_that_would_be_read_twice_is_refused(piped):
    path = piped(TABLE)
    read_proteins(path)
    with pytest.raises(FileFormatError, match=r"a pipe, which can be read only once; write it to a file first"):
        read_triplets(path)


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.csv.zst"])
def test_the_digest_is_of_what_was_read(tmp_path, name):
    path = tmp_path / name
    with open_compressed(path) as stream:
        stream.write(TABLE)
    content = path.read_bytes()
    read_proteins(path)
    path.write_bytes(b"of another day")
    assert digest(path) == Digest(hashlib.sha256(content).hexdigest(), len(content))
