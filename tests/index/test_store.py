import contextlib
import json
import threading

import numpy as np
import polars as pl
import pytest

from protrek_hm.errors import DamagedVectorError, FileFormatError, MissingFileError, ProTrekHMError
from protrek_hm.files import digest
from protrek_hm.index import layout, store
from protrek_hm.index.build import build_index
from protrek_hm.index.layout import IndexInfo
from protrek_hm.index.segments import Embeddings
from protrek_hm.index.store import Index, check_index
from protrek_hm.index.update import add_to_index, compact_index, remove_from_index


@pytest.fixture
def folder(tmp_path, letter_encoder):
    proteins = pl.DataFrame({"id": ["P1", "P2"], "sequence": ["AAC", "DDD"], "text": ["a kinase", "a lyase"]})
    build_index(proteins, letter_encoder(), tmp_path / "index", model_name="m")
    return tmp_path / "index"


FILES = ["records.arrow", "sequence.vectors.npy", "sequence.rows.npy", "text.vectors.npy"]


@pytest.mark.parametrize("name", FILES)
def test_a_missing_or_shortened_file_is_named(folder, name):
    path = folder / "segment-1" / name
    whole = path.read_bytes()
    for kept in (0, 10, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:kept])
        with pytest.raises(FileFormatError, match=f"{name}.*damaged or cut off.*build it again"):
            Index.open(folder)
    path.unlink()
    with pytest.raises(MissingFileError, match=name):
        Index.open(folder)


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_another_kind_is_refused(folder, name):
    path = folder / "segment-1" / name
    path.write_bytes(bytes(path.stat().st_size))
    with pytest.raises(FileFormatError, match=name):
        Index.open(folder)


def flipped(path):
    """Yield with every fourth byte of a file changed in one bit, one after the other; at the end it is whole again."""
    whole = path.read_bytes()
    for place in range(0, len(whole), 4):
        content = bytearray(whole)
        content[place] ^= 1 << place % 8
        path.write_bytes(content)
        yield place
    path.write_bytes(whole)


@pytest.mark.parametrize("name", FILES)
def test_a_flipped_bit_is_found_when_the_index_is_opened_or_changed(folder, name):
    path = folder / "segment-1" / name
    for _ in flipped(path):
        with pytest.raises(FileFormatError, match=f"{name}: damaged"):
            Index.open(folder)
    for _ in zip(range(3), flipped(path), strict=False):
        with pytest.raises(FileFormatError, match=f"{name}: damaged"):
            compact_index(folder)


@pytest.mark.parametrize("name", FILES)
def test_a_flipped_bit_of_a_large_file_is_found_by_the_check_and_crashes_nothing(folder, name, monkeypatch):
    """Large files are not read when an index is opened: what is wrong there is told, or found by `check_index`."""
    monkeypatch.setattr(store, "CHEAP", 0)
    assert check_index(folder) == []
    for _ in flipped(folder / "segment-1" / name):
        assert check_index(folder) == [f"segment-1/{name}: damaged (not as it was written)"]
        with contextlib.suppress(FileFormatError, MissingFileError):
            Index.open(folder).records.rows()


def test_a_vector_that_is_none_is_no_answer(folder, monkeypatch):
    monkeypatch.setattr(store, "CHEAP", 0)
    path = folder / "segment-1" / "sequence.vectors.npy"
    content = bytearray(path.read_bytes())
    for value in (np.float32(7.0), np.float32(np.nan)):
        content[-4:] = value.tobytes()
        content[-80:-76] = value.tobytes()
        path.write_bytes(content)
        with pytest.raises(DamagedVectorError, match="protrek-hm index check"):
            Index.open(folder).nearest(np.ones((1, 20), dtype=np.float32) / 20**0.5, want="sequence", k=2)


def test_an_index_of_other_lengths_than_one_is_told(folder):
    path = folder / "segment-1" / "sequence.vectors.npy"
    vectors = np.load(path) * np.float32(1.01)
    np.save(path, vectors)
    content = json.loads((folder / "index.json").read_text())
    del content["sha256"]
    content["digests"]["segment-1/sequence.vectors.npy"] = digest(path)
    content["files"]["segment-1/sequence.vectors.npy"] = path.stat().st_size
    (folder / "index.json").write_text(json.dumps(content))
    assert check_index(folder) == ["sequence: vector 0 has the length 1.01, not 1"]


@pytest.mark.parametrize("where", [None, "mass < 5"])
def test_rows_answer_for_vectors_as_in_a_loop_over_them(where):
    rng = np.random.default_rng(0)
    axes = np.concatenate([np.eye(12), -np.eye(12)]).astype(np.float32)
    _, of_row = np.unique(rng.integers(-1, 24, 40), return_inverse=True)
    _, order = np.unique(of_row, return_index=True)
    number = np.argsort(np.argsort(order))  # vectors are numbered in the order of their first rows
    of_row = number[of_row] - 1
    records = pl.DataFrame(
        {"id": [f"P{i % 30}" for i in range(40)], "sequence": ["M"] * 40, "mass": np.arange(40) % 10}
    )
    held = Embeddings(axes[: of_row.max() + 1], of_row)
    index = Index(
        IndexInfo("m", None, "hash", 12, {"records": 40, "sequence": held.count}), records, {"sequence": held}
    )
    queries = rng.normal(size=(4, 12)).astype(np.float32)
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    for k in (1, 5, 50):
        cosines, rows = index.nearest(queries, want="sequence", k=k, where=where)
        for query, values, places in zip(queries, cosines, rows.tolist(), strict=True):
            seen, wanted = set(), []
            for row in range(40):
                name = (of_row[row], records["id"][row])
                if of_row[row] >= 0 and (where is None or row % 10 < 5) and name not in seen:
                    seen.add(name)
                    wanted.append((-float(query @ held.vectors[of_row[row]]), row))
            wanted = sorted(wanted)[:k]
            assert places == [row for _, row in wanted] + [-1] * (k - len(wanted))
            assert values[: len(wanted)].tolist() == [-negated for negated, _ in wanted]
            assert np.isnan(values[len(wanted) :]).all()


def test_a_reader_that_opens_while_a_writer_commits_reads_the_old_or_the_new(folder, letter_encoder):
    """Every change takes the files away that the one before named: many opens beside 24 changes."""
    more = pl.DataFrame({"id": ["P3"], "sequence": ["CAD"], "text": ["a ligase"]})
    done = threading.Event()
    failures = []

    def write():
        try:
            for _ in range(8):
                add_to_index(folder, more, letter_encoder())
                remove_from_index(folder, ids=["P3"])
                compact_index(folder)
        finally:
            done.set()

    writer = threading.Thread(target=write)
    writer.start()
    opened = 0
    while not done.is_set():
        try:
            found = Index.open(folder).records["id"].to_list()
        except ProTrekHMError as error:
            failures.append(str(error))
        else:
            opened += 1
            if found not in (["P1", "P2"], ["P1", "P2", "P3"]):
                failures.append(str(found))
    writer.join()
    assert not failures
    assert opened > 5


@pytest.mark.parametrize("step", ["manifest", "segments"])
def test_files_that_vanish_with_the_manifest_that_named_them_are_looked_up_again(folder, monkeypatch, step):
    """The writer commits between the two readings, in the one order that fails."""
    changed = []

    def change_first(read):
        def reading(*arguments):
            if not changed:
                changed.append(True)
                compact_index(folder)
                remove_from_index(folder, ids=["P1"])
            return read(*arguments)

        return reading

    if step == "manifest":
        monkeypatch.setattr(layout, "_parse", change_first(layout._parse))
    else:
        monkeypatch.setattr(store, "read_segments", change_first(store.read_segments))
    assert Index.open(folder).records["id"].to_list() == ["P2"]


def test_no_message_advises_to_replace_an_index(folder):
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.parent != folder:
            whole = path.read_bytes()
            path.write_bytes(whole[:-1])
            with pytest.raises(ProTrekHMError) as caught:
                Index.open(folder)
            path.write_bytes(whole)
            assert "--force" not in str(caught.value)


@pytest.mark.parametrize("where", [None, "mass < 5"])
def test_equal_scores_come_in_the_order_of_the_table_whatever_was_removed(tmp_path, letter_encoder, where):
    """Found by test_stateful.py: the vector of A is older than that of C, and its first record was removed."""
    records = [("P0", "A", 1), ("P1", "CCC", 2), ("P2", "A", 3), ("P3", "DD", 9)]
    table = pl.DataFrame(records, schema=["id", "sequence", "mass"], orient="row")
    build_index(table, letter_encoder(), tmp_path / "index", model_name="m")
    if where is None:
        remove_from_index(tmp_path / "index", ids=["P0"])
    condition = None if where is None else "mass > 1 and mass < 5"
    query = letter_encoder().encode(["AC"], task="sequence", batch_size=1, show_progress_bar=False) / np.float32(2**0.5)
    index = Index.open(tmp_path / "index")
    for k in (1, 2):
        _, rows = index.nearest(query.astype(np.float32), want="sequence", k=k, where=condition)
        assert index.take(rows[0])["id"].to_list() == ["P1", "P2"][:k]
