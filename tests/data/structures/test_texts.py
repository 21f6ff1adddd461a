"""Texts joined by id, by the file's name, by accession."""

import polars as pl
import pytest

from protrek_hm.data import read_proteins
from protrek_hm.data.structures.texts import join_texts, read_texts
from protrek_hm.errors import MissingColumnError, NothingFoundError, RecordError

STRUCTURES = pl.DataFrame(
    {
        "id": ["1abc_A", "1abc_B", "AF-P1-F1_A", "2xyz_A"],
        "sequence": ["MK", "MKV", "MKVL", "M"],
        "structure": ["dd", "ddd", "dddd", "d"],
        "plddt": [None, None, 90.5, None],
        "accession": ["P1", "P1", "P1", None],
        "chain": ["A", "B", "A", "A"],
        "file": ["1abc.cif", "1abc.cif", "AF-P1-F1.cif", "2xyz.pdb"],
    }
)


def write(path, *lines):
    path.write_text("".join("\t".join(line) + "\n" for line in lines))
    return path


def test_the_nearest_name_counts(tmp_path):
    path = write(
        tmp_path / "texts.tsv",
        ("Entry", "Function [CC]", "Sequence", "stage", "score"),
        ("1abc_B", "Of the chain.", "WWWW", "test", "1"),
        ("1abc", "Of the file.", "WWWW", "", "2"),
        ("P1", "Of the protein.", "WWWW", "train", "3"),
        ("P1", "Once more.", "WWWW", "train", "4"),
        ("P9", "Of nobody.", "WWWW", "train", "5"),
    )
    joined = join_texts(STRUCTURES, read_texts(path))
    assert joined.columns[:5] == ["id", "sequence", "text", "structure", "plddt"]
    assert joined.select("id", "sequence", "text", "stage").rows() == [
        ("1abc_A", "MK", "Of the file.", None),
        ("1abc_B", "MKV", "Of the chain.", "test"),
        ("AF-P1-F1_A", "MKVL", "Of the protein.", "train"),
        ("AF-P1-F1_A", "MKVL", "Once more.", "train"),
        ("2xyz_A", "M", None, None),
    ]
    joined.write_parquet(tmp_path / "joined.parquet")
    assert read_proteins(tmp_path / "joined.parquet")["text"].null_count() == 1


def test_sequences_are_not_needed(tmp_path):
    path = write(tmp_path / "texts.tsv", ("accession", "text"), ("P1", "Binds."))
    assert join_texts(STRUCTURES, read_texts(path))["text"].to_list() == ["Binds."] * 3 + [None]


def test_tables_that_do_not_fit(tmp_path):
    for header in (("accession", "length"), ("name", "text")):
        with pytest.raises(MissingColumnError):
            read_texts(write(tmp_path / "texts.tsv", header, ("P1", "3")))
    path = write(tmp_path / "texts.tsv", ("accession", "text"), ("P9", "Binds."))
    with pytest.raises(NothingFoundError, match="none of the structures"):
        join_texts(STRUCTURES, read_texts(path))
    (tmp_path / "texts.tsv").write_text("accession\ttext\nP1\tBinds.\nP2\n")
    with pytest.raises(RecordError, match=r"texts.tsv:3: "):
        read_texts(tmp_path / "texts.tsv")
