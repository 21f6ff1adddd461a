"""Case tables: what is written is read, and each bad row is named by its line."""

import polars as pl
import pytest

from protrek_hm.data.twins import read_cases, write_cases
from protrek_hm.data.twins.case_table import NEEDED, swapped
from protrek_hm.errors import FileFormatError, MissingColumnError, RecordError

CASES = pl.DataFrame(
    {
        "id_a": ["P1", "P1:S3L"],
        "id_b": ["P1:S3L", "P1:S3W"],
        "a": ["MKSV", "MKLV"],
        "b": ["MKLV", "MKWV"],
        "text_a": ['Binds "iron",\tand copper.', "Resists A."],
        "text_b": ["Inert.", "Resists B."],
        "set": ["mutadescribe", "ncbi-point"],
        "kind": ["wild-type-mutant", "mutant-mutant"],
        "control": ["no", "no"],
        "family": ["P1", "P1"],
        "split": ["train", "known"],
        "score_a": [1 / 3, None],
        "score_b": [-0.5, None],
        "assay": ["X_2020", None],
        "wording": [0, 2],
        "reference": ["MKSV", None],
    }
)
ROW = dict(zip(NEEDED, [str(cell) for cell in CASES.select(NEEDED).row(0)], strict=True)) | {"text_a": "Binds."}


def written(path, *rows):
    names = list(dict.fromkeys(name for row in rows for name in row))
    path.write_text("\n".join("\t".join(cells) for cells in (names, *([r.get(n, "") for n in names] for r in rows))))
    return path


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".csv.gz", ".parquet"])
def test_what_is_written_is_read(tmp_path, ending):
    write_cases(CASES, tmp_path / f"a{ending}")
    assert read_cases(tmp_path / f"a{ending}").equals(CASES)


def test_columns_come_first_in_their_order_whatever_the_file_has(tmp_path):
    path = written(tmp_path / "a.tsv", {"note": "mine", **dict(reversed(ROW.items()))})
    assert read_cases(path).columns == [*NEEDED, "note"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"text_a": "n/a"}, "no text_a"),
        ({"family": ""}, "no family"),
        ({"b": "MKJV"}, "b: letter 'J' at position 3"),
        ({"b": "mks v"}, "a and b are the same protein"),
        ({"text_b": "binds"}, "one text"),
        ({"kind": "wild type–mutant"}, "kind: 'wild type–mutant' is none of wild-type-mutant, mutant-mutant, natural"),
        ({"control": "maybe"}, "control: 'maybe' is none of yes, no"),
        ({"split": "dev"}, "split: 'dev' is none of train, valid, test, known"),
        ({"score_a": "high"}, "score_a: 'high' is no number"),
        ({"score_b": "inf"}, "score_b: 'inf' is no number"),
        ({"wording": "1.5"}, "wording: '1.5' is no number"),
        ({"reference": "MKJV"}, "reference: letter 'J' at position 3"),
    ],
)
def test_a_bad_row_is_named_by_its_line(tmp_path, change, message):
    path = written(tmp_path / "a.tsv", ROW | {"id_a": "Q"}, ROW | change)
    with pytest.raises(RecordError) as caught:
        read_cases(path)
    assert caught.value.line == 3
    assert message in str(caught.value)
    assert read_cases(path, on_bad_record="skip").height == 1


def test_the_same_case_twice_even_from_the_other_side(tmp_path):
    names = {"id_a": "id_b", "a": "b", "text_a": "text_b"}
    mirror = ROW | {x: ROW[y] for pair in names.items() for x, y in (pair, pair[::-1])}
    with pytest.raises(RecordError, match=":3: P1:S3L / P1: an earlier row has the same two proteins and texts"):
        read_cases(written(tmp_path / "a.tsv", ROW, mirror))
    several = written(tmp_path / "b.tsv", ROW | {"assay": "one"}, ROW | {"assay": "two"})
    assert read_cases(several).height == 2


def test_a_control_may_have_one_text(tmp_path):
    path = written(tmp_path / "a.tsv", ROW | {"control": "yes", "text_b": ROW["text_a"]})
    assert read_cases(path)["control"].to_list() == ["yes"]


def test_no_column_no_rows_no_table(tmp_path):
    with pytest.raises(MissingColumnError, match="no column 'family'"):
        read_cases(written(tmp_path / "a.tsv", {name: cell for name, cell in ROW.items() if name != "family"}))
    (tmp_path / "b.tsv").write_text("\t".join(NEEDED) + "\n")
    with pytest.raises(FileFormatError, match="a header and no records"):
        read_cases(tmp_path / "b.tsv")
    with pytest.raises(FileFormatError, match="no good record"):
        read_cases(written(tmp_path / "c.tsv", ROW | {"a": ""}), on_bad_record="skip")
    with pytest.raises(MissingColumnError, match="no column 'kind'"):
        write_cases(CASES.drop("kind"), tmp_path / "d.csv")


def test_seen_from_the_other_side():
    mirror = swapped(CASES)
    assert mirror.columns == CASES.columns
    assert mirror.select("id_a", "b", "text_a", "score_b").row(0) == ("P1:S3L", "MKSV", "Inert.", 1 / 3)
    assert mirror["reference"].to_list() == ["MKSV", None]
    assert swapped(mirror).equals(CASES)


def test_a_reference_is_read_as_a_sequence_and_may_be_missing(tmp_path):
    path = written(tmp_path / "a.tsv", ROW | {"reference": "mk sv*"}, ROW | {"id_a": "Q", "reference": ""})
    assert read_cases(path)["reference"].to_list() == ["MKSV", None]
