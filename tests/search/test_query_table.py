import gzip

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protrek_hm.errors import FileFormatError, MissingColumnError, MissingFileError, RecordError
from protrek_hm.search.pairs import read_pairs
from protrek_hm.search.query import Query
from protrek_hm.search.query_table import read_query_table


def written(tmp_path, name, content):
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "content", "by", "wanted"),
    [
        ("a.tsv", "query\n a kinase \nan µ-opioid\n", "text", [("a kinase",) * 2, ("an µ-opioid",) * 2]),
        ("a.tsv", "Entry\tFunction [CC]\nP1\tbinds\n", "text", [("P1", "binds")]),
        ("a.csv", "query_id,text,query\n7,no,yes\n8,no,yes\n", "text", [("7", "yes"), ("8", "yes")]),
        ("a.csv", "id,sequence,text\nA,mk v*,t\n", "sequence", [("A", "MKV")]),
        ("a.csv", "anything\nMKV\nMKV\n", "sequence", [("query_1", "MKV"), ("query_2", "MKV")]),
        ("a.tsv", "id\t3di\nA\tDVP\n", "structure", [("A", "dvp")]),
        ("a.txt", "one text\n\n  another, with commas\n", "text", [("one text",) * 2, ("another, with commas",) * 2]),
        ("a.fasta", ">sp|P1|N_X first\nmk\nv\n>B\nAC\n", "sequence", [("P1", "MKV"), ("B", "AC")]),
    ],
)
def test_files_of_queries(tmp_path, name, content, by, wanted):
    assert read_query_table(written(tmp_path, name, content), by) == ([Query(*each) for each in wanted], ())


def test_compressed_and_parquet(tmp_path):
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(b"a kinase\n"))
    assert read_query_table(tmp_path / "a.txt.gz", "text")[0] == [Query("a kinase", "a kinase")]
    pl.DataFrame({"id": [1, 2], "sequence": ["MKV", "AC"]}).write_parquet(tmp_path / "a.parquet")
    assert read_query_table(tmp_path / "a.parquet", "sequence")[0] == [Query("1", "MKV"), Query("2", "AC")]


def test_bad_queries_are_named_or_left_out(tmp_path):
    path = written(tmp_path, "a.csv", "id,sequence\nA,MKV\nB,MJ\nC,\nlost\nD,AC\n")
    with pytest.raises(RecordError, match=r"a.csv:3: B: letter 'J' at position 2 .*bad records besides: 2"):
        read_query_table(path, "sequence")
    queries, bad = read_query_table(path, "sequence", on_bad_record="skip")
    assert [each.name for each in queries] == ["A", "D"]
    assert [(each.line, each.record) for each in bad] == [(3, "B"), (4, "C"), (5, "lost")]


@pytest.mark.parametrize("cell", ["NA", "#N/A", "nan", "-"])
def test_cells_that_say_nothing_are_no_queries(tmp_path, cell):
    for by in ("text", "sequence"):
        table = written(tmp_path, "a.csv", f"id,{by}\nA,{cell}\nB,MKV\n")
        queries, bad = read_query_table(table, by, on_bad_record="skip")
        assert [each.content for each in queries] == ["MKV"]
        assert [(each.line, each.record) for each in bad] == [(2, "A")]
        pair = {"text": "a kinase", "sequence": "MKV", by: cell}
        pairs = written(tmp_path, "b.csv", ",".join(pair) + "\n" + ",".join(pair.values()) + "\n")
        with pytest.raises(FileFormatError, match=f"line 2: is empty; give a {by} to search by"):
            read_pairs(pairs, "sequence")


@pytest.mark.parametrize(
    ("name", "content", "by", "error", "message"),
    [
        ("a.tsv", "id\tremark\nA\tx\n", "text", MissingColumnError, "no column 'text' .*id, remark.* name a column"),
        ("a.fasta", ">A\nMKV\n", "text", FileFormatError, "FASTA, which holds no text; search by it with --by seq"),
        ("a.txt", "\n\n", "text", FileFormatError, "no good query"),
        ("a.tsv", "id\tquery\nA\n", "text", RecordError, "a.tsv:2: A: 1 field where the header has 2"),
        ("a.txt", "caf\udce9\n", "text", FileFormatError, "line 1 is not UTF-8"),
    ],
)
def test_files_that_hold_none(tmp_path, name, content, by, error, message):
    (tmp_path / name).write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(error, match=message):
        read_query_table(tmp_path / name, by)


def test_no_file(tmp_path):
    for name in ("a.tsv", "a.txt", "a.fasta"):
        with pytest.raises(MissingFileError):
            read_query_table(tmp_path / name, "text")


@given(texts=st.lists(st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1), min_size=1, max_size=20))
@settings(max_examples=50, deadline=None)
def test_texts_come_back_as_they_were_written(tmp_path_factory, texts):
    path = tmp_path_factory.mktemp("texts") / "a.txt"
    path.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    assert [each.content for each in read_query_table(path, "text")[0]] == texts
