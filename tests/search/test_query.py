import gzip
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protrek_hm.data.structures import read_structure
from protrek_hm.errors import FileFormatError, MissingColumnError, MissingFileError, OptionError, RecordError
from protrek_hm.search.pairs import read_pairs
from protrek_hm.search.query import Query, clean_query, read_queries, read_query_table

STRUCTURES = Path(__file__).parents[2] / "example" / "structures"


def test_white_space_case_and_stop():
    assert clean_query("  a kinase\n", "text") == "a kinase"
    assert clean_query("mkv\nLAX*", "sequence") == "MKVLAX"
    assert clean_query("dv p#", "structure") == "dvp#"


@pytest.mark.parametrize("by", ["text", "sequence", "structure"])
@pytest.mark.parametrize("query", ["", " \n"])
def test_an_empty_query_is_refused(query, by):
    with pytest.raises(OptionError, match=f"is empty; give a {by}"):
        clean_query(query, by)


@pytest.mark.parametrize(
    ("query", "by", "problem"),
    [
        ("MK1", "sequence", "letter '1' at position 3 is not an amino acid"),
        ("MdEvVpQp", "sequence", "residues and 3Di letters by turns"),
        ("MK-V", "sequence", "gap '-' at position 3"),
        ("*", "sequence", "is empty"),
        ("dvx", "structure", "letter 'x' at position 3 is not a 3Di state"),
        ("A" * 1000 + "J", "sequence", r"AAA…': letter 'J' at position 1001"),
    ],
)
def test_wrong_letters_are_named(query, by, problem):
    with pytest.raises(OptionError, match=problem) as caught:
        clean_query(query, by)
    assert len(str(caught.value)) < 250


def test_sequences_of_files_stand_beside_those_written_out(tmp_path):
    (tmp_path / "two.fasta").write_text(">A first\nmkv\n>B\nAC*\n")
    found = read_queries([str(tmp_path / "two.fasta"), "mkl"], "sequence")
    assert found == [Query("A", "MKV"), Query("B", "AC"), Query("mkl", "MKL")]


def test_chains_of_a_structure_file():
    [file] = sorted(STRUCTURES.glob("*.pdb"))
    every = read_queries([str(file)], "structure")
    assert [(each.name, each.content) for each in every] == [(r["id"], r["structure"]) for r in read_structure(file)]
    last = every[-1].name.removeprefix(f"{file.stem}_")
    assert read_queries([str(file)], "structure", chains=(last,)) == every[-1:]
    with pytest.raises(FileFormatError, match="no protein chain 'Q'"):
        read_queries([str(file)], "structure", chains=("Q",))


def test_compressed_structures(tmp_path):
    [file] = sorted(STRUCTURES.glob("*.pdb"))
    packed = tmp_path / f"{file.name}.gz"
    packed.write_bytes(gzip.compress(file.read_bytes()))
    assert read_queries([str(packed)], "structure") == read_queries([str(file)], "structure")


@pytest.mark.parametrize(
    ("name", "content", "by", "error", "message"),
    [
        ("none.cif", None, "structure", MissingFileError, "none.cif: no such file"),
        ("none.fasta", None, "sequence", MissingFileError, "none.fasta: no such file"),
        ("a.cif", "data_x\n", "structure", FileFormatError, "no protein chain"),
        ("a.pdb", "rubbish\n", "structure", FileFormatError, "a.pdb: no"),
        ("a.fasta", ">A\nMKV\n", "structure", FileFormatError, "FASTA, which holds no structure; .*--by sequence"),
        ("a.pdb", "ATOM\n", "sequence", FileFormatError, "a structure; search by it with --by structure"),
        ("a.fasta", ">A\nMKV\n>B\nMJ\n", "sequence", FileFormatError, "line 3: B: letter 'J' at position 2"),
        ("a.fasta", ">A\nMKV\n>A\nMK\n", "sequence", OptionError, "query = 'A': two queries bear this name"),
        ("a.tsv", "query\n", "text", OptionError, "is a file, not a text; .*--batch"),
    ],
)
def test_files_that_are_refused(tmp_path, name, content, by, error, message):
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(error, match=message):
        read_queries([str(tmp_path / name)], by)


@pytest.mark.parametrize("length", [1, 254, 255, 256, 257, 1_023, 1_024, 4_095, 4_096, 4_097, 20_000])
@pytest.mark.parametrize("by", ["text", "sequence", "structure"])
def test_queries_of_any_length_are_no_paths(length, by, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for letters in ("d" * length, ("d/" * length if by == "text" else "dv" * length)[:length]):
        [query] = read_queries([letters], by)
        assert query.content == (letters.upper() if by == "sequence" else letters)
    if by == "text":
        for letters in ("é" * length, "蛋" * length, "~" * length, "a\0" * length, "." * length):
            assert read_queries([letters], by)[0].content == letters.strip()


@pytest.mark.parametrize(
    "name", ["x" * 300 + ".fasta", "x" * 5_000 + ".fasta", "a\0.fasta", "\ud800.fasta", "~/x.fasta"]
)
def test_names_that_no_file_can_have_are_missing_files(name):
    with pytest.raises(MissingFileError, match="no such file"):
        read_queries([name], "sequence")
    with pytest.raises(MissingFileError, match="no such file"):
        read_queries([name.replace(".fasta", ".cif")], "structure")


@pytest.mark.parametrize("by", ["text", "sequence", "structure"])
@pytest.mark.parametrize("query", ["\ud800", "AC\udfffD"])
def test_half_a_character_is_refused_in_words_that_can_be_written(query, by):
    with pytest.raises(OptionError, match=r"half a character|letter '\\ud") as caught:
        clean_query(query, by)
    assert str(caught.value).encode()


@pytest.mark.parametrize(
    ("letters", "by"), [("MKß", "sequence"), ("Mı", "sequence"), ("Mſ", "sequence"), ("dſ", "structure")]
)
def test_letters_that_only_become_ours_by_changing_their_case_are_refused(letters, by):
    with pytest.raises(OptionError, match="letter '.' at position"):
        clean_query(letters, by)


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


def test_columns_of_pairs_are_recognised_or_named(tmp_path):
    pairs = written(tmp_path, "a.csv", "entry,function,remark,sequence\nA,Binds.,Cuts.,MKV\n")
    assert read_pairs(pairs, "sequence") == (["Binds."], [Query("A", "MKV")])
    assert read_pairs(pairs, "sequence", columns={"text": "remark"})[0] == ["Cuts."]
    with pytest.raises(MissingColumnError, match="no column 'structure' .*--column structure=NAME"):
        read_pairs(pairs, "structure")
    with pytest.raises(MissingColumnError, match="no column 'nowhere'"):
        read_pairs(pairs, "sequence", columns={"text": "nowhere"})
    with pytest.raises(OptionError, match="'ec=remark': the part before '=' is one of id, text, sequence"):
        read_pairs(pairs, "sequence", columns={"ec": "remark"})


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
