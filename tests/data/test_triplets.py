"""Triplets of ours and of the reference; each bad row is named by its line."""

import polars as pl
import pytest

from protrek_hm.data import read_triplets, write_triplets
from protrek_hm.data.triplets import check_triplets
from protrek_hm.errors import FileFormatError, MissingColumnError, MissingFileError, NothingFoundError, RecordError

TRIPLETS = pl.DataFrame(
    {
        "anchor_seq": ["MKVL", "MKVA"],
        "anchor_text": ['Binds "iron",\nand copper.', "Inert."],
        "hard_neg_seq": ["MKVA", "MKVL"],
        "hard_neg_text": ["Inert.", 'Binds "iron",\nand copper.'],
        "seq_similarity": [0.75, 1 / 3],
        "type": ["hard", "hard"],
        "anchor_id": ["A", "B"],
        "hard_neg_id": ["B", "A"],
        "coverage": [1.0, 1.0],
        "text_similarity": [0.0, None],
        "component": [3, None],
        "split": ["train", "train"],
        "reasons": ["ec", "ec"],
    }
)
HEADER = "anchor_seq,anchor_text,hard_neg_seq,hard_neg_text,seq_similarity,type\n"


def write(path, *rows, header=HEADER):
    path.write_text(header + "".join(row + "\n" for row in rows))
    return path


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".csv.gz", ".parquet"])
def test_what_is_written_is_read(tmp_path, ending):
    write_triplets(TRIPLETS, tmp_path / f"a{ending}")
    assert read_triplets(tmp_path / f"a{ending}").equals(TRIPLETS)


def test_files_of_the_reference(tmp_path):
    """pandas writes floats in full, integers beside empty cells as floats, and quotes only where it must."""
    row = "MKVL,Binds iron.,MKVA,Inert.,0.9948186528497409,hard"
    frame = read_triplets(write(tmp_path / "a.csv", row))
    assert frame.columns == HEADER.strip().split(",")
    assert frame.row(0) == ("MKVL", "Binds iron.", "MKVA", "Inert.", 0.9948186528497409, "hard")
    header = HEADER.replace(",type", ",component")
    path = write(tmp_path / "b.csv", "MKVL,a b,MKVA,c,1e-1,3.0", "MKVA,a b,MKVL,c,,", header=header)
    assert read_triplets(path)["component"].to_list() == [3, None]


def test_the_four_columns_are_enough(tmp_path):
    path = write(tmp_path / "a.csv", "mkvl,a b,MKVA*,c", header="anchor_seq,anchor_text,hard_neg_seq,hard_neg_text\n")
    assert read_triplets(path).row(0) == ("MKVL", "a b", "MKVA", "c")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("MKVL,,MKVA,Inert.,0.7,hard", "no anchor_text"),
        ("MKVL,Binds.,MKVA,NA,0.7,hard", "no hard_neg_text"),
        (",Binds.,MKVA,Inert.,0.7,hard", "anchor_seq: no sequence"),
        ("MKVL,Binds.,MJVA,Inert.,0.7,hard", "hard_neg_seq: letter 'J' at position 2"),
        ("MKVL,Binds.,mkvl*,Inert.,1.0,hard", "anchor_seq and hard_neg_seq are the same protein"),
        ("MKVL,Binds.,MKVA,Inert.,70%,hard", "seq_similarity: '70%' is no number in"),
        ("MKVL,Binds.,MKVA,Inert.,1.7,hard", "seq_similarity: '1.7' is no number in"),
        ("MKVL,Binds.,MKVA,Inert.,nan,hard", "seq_similarity: 'nan' is no number in"),
        ("MKVL,Binds.,MKVA,Inert.,0.7", "5 fields where the header has 6"),
    ],
)
def test_bad_rows_are_named_by_their_line_or_left_out(tmp_path, row, message):
    good = 'MKVL,"Binds\niron.",MKVA,Inert.,0.7,hard'
    path = write(tmp_path / "a.csv", good, row, good)
    with pytest.raises(RecordError, match=message) as caught:
        read_triplets(path)
    assert caught.value.line == 4
    assert read_triplets(path, on_bad_record="skip").height == 2


def test_structures_beside_the_sequences(tmp_path):
    header = HEADER.replace(",type", ",anchor_structure,hard_neg_structure")
    path = write(tmp_path / "a.csv", "MKVL,a b,MKVA,c,0.7,DV#p,", "MKVA,c,MKVL,a b,0.7,,n/a", header=header)
    triplets = read_triplets(path)
    assert triplets["anchor_structure"].to_list() == ["dv#p", None]
    assert triplets["hard_neg_structure"].to_list() == [None, None]
    path = write(tmp_path / "b.csv", "MKVL,a b,MKVA,c,0.7,dvvp,dvbp", header=header)
    with pytest.raises(RecordError, match="hard_neg_structure: 'b' is no 3Di letter"):
        read_triplets(path)
    path = write(tmp_path / "c.csv", "MKVL,a b,MKVA,c,0.7,dvv,dvvp", header=header)
    with pytest.raises(RecordError, match="anchor_structure: 3 letters for 4 residues"):
        read_triplets(path)


def test_a_component_is_a_whole_number(tmp_path):
    path = write(tmp_path / "a.csv", "MKVL,a b,MKVA,c,0.7,1.5", header=HEADER.replace(",type", ",component"))
    with pytest.raises(RecordError, match="component: '1.5' is no whole number"):
        read_triplets(path)


def test_files_that_hold_no_triplets(tmp_path):
    with pytest.raises(MissingFileError):
        read_triplets(tmp_path / "absent.csv")
    with pytest.raises(FileFormatError, match="the file is empty"):
        read_triplets(write(tmp_path / "a.csv", header=""))
    with pytest.raises(FileFormatError, match="a header and no records"):
        read_triplets(write(tmp_path / "a.csv"))
    with pytest.raises(MissingColumnError, match="no column 'anchor_text'.*protrek-hm mine"):
        read_triplets(write(tmp_path / "a.csv", "MKVL,MKVA", header="anchor_seq,hard_neg_seq\n"))
    with pytest.raises(FileFormatError, match="no good record"):
        read_triplets(write(tmp_path / "a.csv", "M,a,M,b,0.7,hard"), on_bad_record="skip")
    with pytest.raises(MissingColumnError):
        write_triplets(TRIPLETS.drop("anchor_text"), tmp_path / "b.csv")
    assert not (tmp_path / "b.csv").exists()


@pytest.mark.parametrize("column", ["anchor_seq", "anchor_text", "hard_neg_seq"])
def test_missing_column_and_blank_cell(column):
    with pytest.raises(MissingColumnError, match=f"test.csv: no column '{column}'"):
        check_triplets(TRIPLETS.drop(column), "test.csv")
    blank = TRIPLETS.with_columns(
        pl.when(pl.int_range(pl.len()) == 1).then(None).otherwise(pl.col(column)).alias(column)
    )
    with pytest.raises(FileFormatError, match=f"row 2 has no {column}"):
        check_triplets(blank, "test.csv")


def test_no_rows():
    with pytest.raises(NothingFoundError, match=r"test.csv: holds no triplets"):
        check_triplets(TRIPLETS.clear(), "test.csv")
