import gzip
from pathlib import Path

import pytest

from protrek_hm.data.structures import read_structure
from protrek_hm.errors import FileFormatError, MissingFileError, OptionError
from protrek_hm.search.query import Query, clean_query, read_queries

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
