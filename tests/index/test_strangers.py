"""Index folders of strangers, signed as ours are: refused in a line; nothing in them is run, or runs for ever."""

import hashlib
import io
import json
import os
import sqlite3
from contextlib import closing

import numpy as np
import polars as pl
import pytest

from protrek_hm.errors import FileFormatError
from protrek_hm.index.store import Index

VECTORS, ROWS = "segment-1/sequence.vectors.npy", "segment-1/sequence.rows.npy"
RECORDS = "segment-1/records.arrow"


def sign(folder, content):
    """Write `index.json` with digests that fit."""
    for name in content["files"]:
        written = (folder / name).read_bytes()
        content["files"][name], content["digests"][name] = len(written), hashlib.sha256(written).hexdigest()
    del content["sha256"]
    content["sha256"] = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    (folder / "index.json").write_text(json.dumps(content))


def ask(folder):
    index = Index.open(folder)
    if index.words is not None:
        index.words.find("kinase all")
    return index


@pytest.fixture
def content(folder):
    read = json.loads((folder / "index.json").read_text())
    sign(folder, dict(read))
    ask(folder)
    return read


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("model_sha256",), 5),
        (("model_sha256",), None),
        (("model",), ["m"]),
        (("segments", 0, "vectors"), ["sequence"]),
        (("segments", 0, "vectors", "sequence"), "2"),
        (("segments", 0, "name"), "../elsewhere"),
        (("counts", "records"), True),
        (("dimension",), 1e3),
        (("words",), "/etc/passwd"),
        (("removed",), "../../removed.npy"),
    ],
)
def test_what_an_index_says_of_itself(folder, content, place, value):
    inner = content
    for part in place[:-1]:
        inner = inner[part]
    inner[place[-1]] = value
    sign(folder, content)
    with pytest.raises(FileFormatError) as refused:
        ask(folder)
    assert "\n" not in str(refused.value)


class Trap:
    def __reduce__(self):
        return os.mkdir, ("trapped",)


def test_vectors_that_are_pickles(folder, content, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    file = io.BytesIO()
    np.save(file, np.array([Trap()], dtype=object), allow_pickle=True)
    (folder / VECTORS).write_bytes(file.getvalue())
    sign(folder, content)
    with pytest.raises(FileFormatError):
        ask(folder)
    assert not (tmp_path / "trapped").exists()


@pytest.mark.parametrize("change", [pl.lit(None, pl.String), pl.lit(5)])
@pytest.mark.parametrize("column", ["id", "sequence"])
def test_records_that_are_none(folder, content, column, change):
    records = pl.read_ipc(io.BytesIO((folder / RECORDS).read_bytes()))
    records.with_columns(change.alias(column)).write_ipc(folder / RECORDS, compression="uncompressed")
    sign(folder, content)
    with pytest.raises(FileFormatError, match=f"a record has no {column}"):
        ask(folder)


@pytest.mark.parametrize("number", [10**6, -2])
def test_rows_of_vectors_that_are_not_there(folder, content, number):
    rows = np.load(folder / ROWS)
    rows[0] = number
    np.save(folder / ROWS, rows)
    sign(folder, content)
    with pytest.raises(FileFormatError, match=r"sequence\.rows\.npy: names a vector that is not there"):
        ask(folder)


FOR_EVER = "(with recursive every(n) as (select 1 union all select n + 1 from every) select count(*) from every)"


@pytest.mark.parametrize(
    "statements",
    [
        f"alter table words_idx rename to kept; create view words_idx as select * from kept, {FOR_EVER}",
        f"drop table words; create view words as select 1 as rowid, 'x' as text, 'x' as about, {FOR_EVER}",
        "create trigger further after insert on words_docsize begin select 1; end",
        "delete from words_data",
        "drop table words_idx",
    ],
)
def test_words_that_are_another_database(folder, content, statements):
    with closing(sqlite3.connect(folder / content["words"])) as database:
        database.executescript(statements)
    sign(folder, content)
    with pytest.raises(FileFormatError, match=r"words-1\.sqlite"):
        ask(folder)
