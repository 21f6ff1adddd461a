"""Proteins from any file in one schema; what is bad is named by its line."""

import gzip
import logging
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protrek_hm.data import read_proteins, write_proteins, write_triplets
from protrek_hm.data.proteins import is_wide, stack_mutants
from protrek_hm.data.tables import Table
from protrek_hm.errors import (
    FileFormatError,
    MissingColumnError,
    MissingFileError,
    OptionError,
    OutputExistsError,
    ProTrekHMError,
    RecordError,
)

WORDS = st.text(alphabet="abc ü,;\"'\n\t", min_size=1).map(str.strip).filter(bool)
RECORDS = st.lists(
    st.tuples(
        st.text(alphabet="ACDEFGHIKLMNPQRSTVWYBZXUO", min_size=5, max_size=20),
        st.none() | WORDS,
        st.none() | WORDS,
    ),
    min_size=1,
    max_size=8,
)


def write(path, text):
    path.write_text(text)
    return path


@settings(deadline=None, max_examples=80)
@given(RECORDS, st.sampled_from([".tsv", ".csv", ".parquet", ".csv.gz", ".tsv.zst"]))
def test_what_is_written_is_read(tmp_path_factory, records, ending):
    frame = pl.DataFrame(
        {
            "id": [f"P{number}" for number in range(len(records))],
            "sequence": [sequence for sequence, _, _ in records],
            "text": [text for _, text, _ in records],
            "note": [note for _, _, note in records],
        },
        schema_overrides={"text": pl.String, "note": pl.String},
    )
    path = tmp_path_factory.mktemp("proteins") / f"a{ending}"
    write_proteins(frame, path)
    assert read_proteins(path).equals(frame)


def test_our_columns_come_first_and_all_others_are_kept(tmp_path):
    path = write(tmp_path / "a.tsv", "Length\tOrganism\tdescription\tprotein_sequence\tid\n3\tyeast\tBinds.\tmkv*\tA\n")
    frame = read_proteins(path)
    assert frame.to_dicts() == [{"id": "A", "sequence": "MKV", "text": "Binds.", "organism": "yeast", "Length": "3"}]
    assert frame.columns == ["id", "sequence", "text", "organism", "Length"]


@pytest.mark.parametrize("name", ["*", "^.*$", "^seq.*$"])
def test_a_column_with_a_pattern_for_a_name_is_one_column(tmp_path, name):
    frame = read_proteins(write(tmp_path / "a.csv", f"id,sequence,{name}\nA,MKV,x\n"))
    assert frame.row(0, named=True) == {"id": "A", "sequence": "MKV", "text": None, name: "x"}
    frame = read_proteins(tmp_path / "a.csv", columns={"text": name})
    assert frame.row(0, named=True) == {"id": "A", "sequence": "MKV", "text": "x"}


def test_without_ids_they_are_numbered_and_without_texts_null(tmp_path):
    frame = read_proteins(write(tmp_path / "a.csv", "sequence\nMKV\nMKL\n"))
    assert frame.rows() == [("protein_1", "MKV", None), ("protein_2", "MKL", None)]
    assert frame.schema["text"] == pl.String


def test_ids_that_are_read_as_something_else_are_named(tmp_path, caplog):
    read_proteins(write(tmp_path / "a.csv", "id,sequence\nA,MKV\n"), columns={"text": "id"})
    assert "no column holds ids, so records are numbered: 'id' is read as text" in caplog.text


def test_names_of_several_proteins_are_no_ids(tmp_path, caplog):
    path = tmp_path / "named.csv"
    path.write_text("name,sequence,comment\nA lyase,MKV,x\nA lyase,MKL,y\n")
    assert read_proteins(path)["id"].to_list() == ["protein_1", "protein_2"]
    assert "named.csv: no column holds ids, so records are numbered" in caplog.text
    path.write_text("name,sequence,comment\nA,MKV,x\nA,MKV,y\nB,MKL,z\n")
    assert read_proteins(path).select("id", "text").rows() == [("A", "x"), ("A", "y"), ("B", "z")]


def test_columns_by_flag_and_a_name_of_ours_that_lost(tmp_path):
    path = write(tmp_path / "a.csv", "sequence,text,comment,text_in_file\nMKV,short,long one,x\n")
    frame = read_proteins(path, columns={"text": "comment"})
    assert frame.row(0, named=True) == {
        "id": "protein_1",
        "sequence": "MKV",
        "text": "long one",
        "text_in_file_": "short",
        "text_in_file": "x",
    }


def test_a_column_structure_about_something_else_stays_as_it_is(tmp_path, caplog):
    path = write(tmp_path / "a.csv", "id,sequence,structure\nA,MKVL,1ABC;2XYZ\nB,MKVA,\n")
    with caplog.at_level(logging.WARNING):
        frame = read_proteins(path)
    assert frame.columns == ["id", "sequence", "text", "structure_in_file"]
    assert frame["structure_in_file"].to_list() == ["1ABC;2XYZ", None]
    assert "column 'structure' holds no 3Di letters" in caplog.text
    with pytest.raises(RecordError, match="structure: '1' is no 3Di letter"):
        read_proteins(path, columns={"structure": "structure"})


def test_several_texts_of_a_protein_are_rows(tmp_path):
    frame = read_proteins(write(tmp_path / "a.csv", "id,sequence,text\nA,MKV,one\nA,mkv,two\n"))
    assert frame.rows() == [("A", "MKV", "one"), ("A", "MKV", "two")]


def test_parquet_keeps_types_and_numbers_rows(tmp_path):
    frame = pl.DataFrame({"id": [7, 8], "sequence": ["MKV", "M-V"], "mass": [1.5, None]})
    write_proteins(frame, tmp_path / "a.parquet")
    with pytest.raises(RecordError, match=r"a\.parquet:2: 8: gap"):
        read_proteins(tmp_path / "a.parquet")
    read = read_proteins(tmp_path / "a.parquet", on_bad_record="skip")
    assert read.to_dicts() == [{"id": "7", "sequence": "MKV", "text": None, "mass": 1.5}]
    write_proteins(frame.with_columns(sequence=[["M"], ["K"]]), tmp_path / "b.parquet")
    with pytest.raises(FileFormatError, match="column 'sequence' holds no text"):
        read_proteins(tmp_path / "b.parquet")


def test_whole_numbers_stay_so_beside_missing_ones(tmp_path):
    """pandas makes floats of them."""
    frame = pl.DataFrame({"id": [7.0, float("nan"), 9.0], "sequence": ["MKV"] * 3, "ec": [1.5, None, 2.0]})
    write_proteins(frame, tmp_path / "a.parquet")
    read = read_proteins(tmp_path / "a.parquet", on_bad_record="skip")
    assert read.select("id", "ec").rows() == [("7", "1.5"), ("9", "2.0")]


def test_a_parquet_with_a_column_twice(tmp_path):
    table = pa.table([["A"], ["MKV"], ["MKL"]], names=["id", "sequence", "sequence"])
    pa.parquet.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(FileFormatError, match="column 'sequence' stands twice in the header; rename"):
        read_proteins(tmp_path / "a.parquet")


@pytest.mark.parametrize(("cell", "letter"), [("mkß", "ß"), ("MKıV", "ı"), ("MK\ufb01", "\ufb01")])
def test_no_letter_of_another_alphabet_becomes_residues(tmp_path, cell, letter):
    """In upper case ß is SS, ı is I and the ligature fi is FI."""
    with pytest.raises(RecordError, match=f"letter '{letter}' at position 3"):
        read_proteins(write(tmp_path / "a.csv", f"id,sequence\nA,{cell}\n"))


def test_a_message_steers_no_terminal(tmp_path):
    with pytest.raises(RecordError) as caught:
        read_proteins(write(tmp_path / "a.csv", "id,sequence\nA\x1b[31m,MKV\n"))
    assert r":2: A\x1b[31m: invisible character U+001B in its id" in str(caught.value)


BROKEN = (
    "id,sequence,text\nA,MKV,fine\nB,MJV,odd letter\nC,NA,none\n\nD,M*V,stop\nA,MKL,contradicts\n"
    ",MK,no id\nE,MK\nF,MKVU,fine\n"
)
BAD_LINES = [3, 4, 6, 7, 8, 9]


def test_the_first_bad_record_is_named_and_the_others_counted(tmp_path):
    with pytest.raises(RecordError) as caught:
        read_proteins(write(tmp_path / "a.csv", BROKEN))
    assert (caught.value.line, caught.value.record) == (BAD_LINES[0], "B")
    message = "letter 'J' at position 2 is not an amino acid (bad records besides: 5)"
    assert message in str(caught.value)
    assert "--on-bad-record skip" in str(caught.value)


def test_bad_records_can_be_left_out_and_that_is_logged(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        frame = read_proteins(write(tmp_path / "a.csv", BROKEN), on_bad_record="skip")
    assert frame["id"].to_list() == ["A", "F"]
    assert "6 bad records left out, the first on line 3" in caplog.text


def test_an_id_over_two_lines_is_told_in_one(tmp_path):
    with pytest.raises(RecordError) as caught:
        read_proteins(write(tmp_path / "a.csv", 'id,sequence\n"A\nB",M-V\n'))
    assert str(caught.value).startswith(f"{tmp_path / 'a.csv'}:2: A B: gap '-'")


def test_a_header_in_the_middle_is_no_protein(tmp_path):
    path = write(tmp_path / "a.csv", "Entry,Sequence,text\nA,MKV,x\nEntry,Sequence,text\nB,MKL,y\n")
    with pytest.raises(RecordError, match=r"a\.csv:3: Entry: the header once more"):
        read_proteins(path)
    assert read_proteins(path, on_bad_record="skip")["id"].to_list() == ["A", "B"]


def test_nucleotides_are_told(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        read_proteins(write(tmp_path / "a.csv", "id,sequence\nA,ATGAAACGTTCTACCGCATACAAA\nB,MKV\n"))
    assert "sequences that look like DNA or RNA, read as proteins: 1" in caplog.text


@pytest.mark.parametrize("name", ["", "Unnamed: 0"])
def test_names_of_rows_that_have_lost_their_header_are_told(tmp_path, caplog, name):
    with caplog.at_level(logging.WARNING):
        frame = read_proteins(write(tmp_path / "a.csv", f"{name},sequence\nA,MKV\nB,MKL\n"))
    assert frame["id"].to_list() == ["protein_1", "protein_2"]
    assert f"is it {name or 'column_1'!r}, which has no name?" in caplog.text


def test_nothing_good_at_all(tmp_path):
    with pytest.raises(FileFormatError, match="no good record; .*data check"):
        read_proteins(write(tmp_path / "a.csv", "id,sequence\nA,M-V\n"), on_bad_record="skip")


def test_a_titin(tmp_path):
    path = write(tmp_path / "a.tsv", "id\tsequence\ntitin\t" + "MKVLA" * 7_000 + "\n")
    assert read_proteins(path)["sequence"].str.len_bytes().to_list() == [35_000]


def test_wide_tables_are_stacked_unless_a_sequence_is_chosen(tmp_path):
    text = "accession,mutation,effect,wt_function,wt_sequence,mut_sequence\nP1,K2A,Dead.,Works.,MKV,M-V\n"
    path = write(tmp_path / "a.csv", text)
    with pytest.raises(RecordError, match=r":2: P1:K2A: gap"):
        read_proteins(path)
    assert read_proteins(path, on_bad_record="skip")["id"].to_list() == ["P1"]
    chosen = read_proteins(path, columns={"sequence": "wt_sequence", "text": "effect"})
    assert chosen.select("id", "sequence", "text").row(0) == ("P1", "MKV", "Dead.")


def test_inputs_that_are_no_proteins(tmp_path):
    with pytest.raises(MissingFileError, match="check the path"):
        read_proteins(tmp_path / "absent.tsv")
    with pytest.raises(FileFormatError, match="is a folder"):
        read_proteins(tmp_path)
    with pytest.raises(FileFormatError, match="empty"):
        read_proteins(write(tmp_path / "a.tsv", ""))
    with pytest.raises(MissingColumnError, match="--column sequence=NAME"):
        read_proteins(write(tmp_path / "a.tsv", "name\tletters\nA\tMKV\n"))
    with pytest.raises(OptionError, match="error, skip"):
        read_proteins(write(tmp_path / "a.tsv", "sequence\nMKV\n"), on_bad_record="ignore")
    cut = tmp_path / "a.tsv.gz"
    cut.write_bytes(gzip.compress(b"sequence\n" + b"MKV\n" * 10_000)[:-10])
    with pytest.raises(FileFormatError, match="truncated"):
        read_proteins(cut)


FRAME = pl.DataFrame({"id": ["A", "B"], "sequence": ["MKV", "MUU"], "text": ['a "q" b', "tab\there\nline"]})
DEBRIS = [b"", b'"', b"\t", b",", b";", b"\n", b"\r", b"\0", b"\xff", b"\xef\xbb\xbf", b">", b"NA", b"*"]


@settings(deadline=None, max_examples=300)
@given(
    st.sampled_from([".tsv", ".csv", ".tsv.gz", ".csv.zst", ".parquet", ".fasta"]),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 9), st.sampled_from(DEBRIS)), max_size=4),
)
def test_a_damaged_file_is_read_or_refused_in_one_line(tmp_path_factory, ending, damages):
    path = tmp_path_factory.mktemp("damaged") / f"a{ending}"
    if ending == ".fasta":
        path.write_text(">A some text\nMKV\n>B\nMUU\n")
    else:
        write_proteins(FRAME, path)
    content = path.read_bytes()
    for where, lost, debris in damages:
        start = round(where * len(content))
        content = content[:start] + debris + content[start + lost :]
    path.write_bytes(content)
    try:
        assert set(read_proteins(path).columns) >= {"id", "sequence", "text"}
    except ProTrekHMError as error:
        assert "\n" not in str(error)  # noqa: PT017


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "rows", "with_text", "columns"),
    [
        (
            "swissprot_text.tsv.gz",
            10_831,
            10_657,
            ["id", "sequence", "text", "ec", "go", "organism", "entry_name"],
        ),
        ("amr_proteins.tsv.gz", 4_771, 4_771, ["id", "sequence", "text", "gene_family", "allele"]),
        ("mutagenesis_twins.tsv.gz", 4_264 + 810, None, ["id", "sequence", "text", "organism"]),
        ("unlabelled.fasta.gz", 49_458, 0, ["id", "sequence", "text", "entry_name"]),
    ],
)
def test_real_files(real_data, name, rows, with_text, columns):
    frame = read_proteins(real_data / name)
    assert frame.height == rows
    assert frame.columns[: len(columns)] == columns
    assert with_text in (None, frame["text"].count())
    assert frame["sequence"].null_count() == frame["id"].null_count() == 0


@pytest.mark.realdata
def test_real_twins_pair_up(real_data):
    frame = read_proteins(real_data / "mutagenesis_twins.tsv.gz")
    mutants = frame.filter(pl.col("wild_type").is_not_null())
    wild_types = frame.filter(pl.col("wild_type").is_null())
    assert (mutants.height, wild_types.height) == (4_264, 810)
    assert (mutants["neutral"] == "1").sum() == 588
    assert wild_types["id"].is_unique().all()
    pairs = mutants.join(wild_types, left_on="wild_type", right_on="id")
    assert pairs.height == mutants.height
    assert (pairs["sequence"] != pairs["sequence_right"]).all()


@pytest.mark.realdata
def test_quoted_texts_of_a_real_file_lose_their_quotes(real_data):
    texts = read_proteins(real_data / "swissprot_text.tsv.gz")["text"].drop_nulls()
    assert texts.str.contains('"stringent response"', literal=True).any()
    assert not texts.str.contains('""', literal=True).any()
    assert not texts.str.starts_with('"').any()


WIDE = pl.DataFrame(
    {
        "accession": ["P1", "P2", "P1"],
        "organism": ["yeast", "human", "yeast"],
        "mutation": ["K2A", "V3L", "K2R"],
        "effect": ["Dead.", "Slow.", "Fine."],
        "neutral": ["0", "0", "1"],
        "wt_function": ["Works.", None, "Works."],
        "wt_sequence": ["MKV", "MVV", "MKV"],
        "mut_sequence": ["MAV", "MVL", "MRV"],
    }
)


def test_each_wild_type_once_before_its_first_mutant():
    stacked = stack_mutants(Table(WIDE, lambda: [2, 3, 5]), Path("a.tsv"))
    columns = ["id", "sequence", "text", "wild_type", "mutation", "neutral", "organism"]
    assert stacked.frame.select(columns).rows() == [
        ("P1", "MKV", "Works.", None, None, None, "yeast"),
        ("P1:K2A", "MAV", "Dead.", "P1", "K2A", "0", "yeast"),
        ("P2", "MVV", None, None, None, None, "human"),
        ("P2:V3L", "MVL", "Slow.", "P2", "V3L", "0", "human"),
        ("P1:K2R", "MRV", "Fine.", "P1", "K2R", "1", "yeast"),
    ]
    assert set(stacked.frame.columns) == set(columns)
    assert stacked.lines() == [2, 2, 3, 3, 5]


def test_tables_that_cannot_be_stacked():
    assert is_wide(WIDE.columns)
    assert not is_wide([*WIDE.columns, "sequence"])
    assert not is_wide(["wt_sequence"])
    with pytest.raises(MissingColumnError, match="no column 'mutation'"):
        stack_mutants(Table(WIDE.drop("mutation"), lambda: [2, 3, 4]), Path("a.tsv"))


def test_no_text_of_a_wild_type_is_lost():
    """Also if the first row lacks it."""
    frame = WIDE.with_columns(wt_function=pl.Series(["NA", None, "Works."]))
    stacked = stack_mutants(Table(frame, lambda: [2, 3, 5]), Path("a.tsv")).frame
    assert stacked.filter(pl.col("wild_type").is_null()).select("id", "text").rows() == [("P2", None), ("P1", "Works.")]
    frame = WIDE.with_columns(wt_function=pl.Series(["Works.", None, "Glows."]))
    stacked = stack_mutants(Table(frame, lambda: [2, 3, 5]), Path("a.tsv")).frame
    assert stacked.filter(pl.col("id") == "P1")["text"].to_list() == ["Works.", "Glows."]


@pytest.mark.parametrize("write", [write_proteins, write_triplets])
def test_writers_overwrite_only_when_told_to(write, tmp_path):
    frame = pl.DataFrame({"anchor_seq": ["MK"], "anchor_text": ["a"], "hard_neg_seq": ["MR"], "hard_neg_text": ["b"]})
    write(frame, tmp_path / "a.csv")
    with pytest.raises(OutputExistsError):
        write(frame, tmp_path / "a.csv")
    write(frame, tmp_path / "a.csv", force=True)
