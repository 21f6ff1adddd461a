import polars as pl
import pytest

from protrek_hm.errors import FileFormatError, MissingColumnError, RecordError
from protrek_hm.mine.split_file import apply_split_file

PROTEINS = pl.DataFrame({"id": ["a", "b", "c"], "stage": ["test", "test", "test"]})


def test_the_file_replaces_the_stages(tmp_path):
    path = tmp_path / "split.tsv"
    path.write_text("id\tsplit\nb\tTrain\na\tvalid\n")
    assert apply_split_file(PROTEINS, path)["stage"].to_list() == ["valid", "train", None]


def test_words_for_one_side_agree_and_a_side_that_says_na_is_none(tmp_path):
    path = tmp_path / "split.tsv"
    path.write_text("id\tsplit\n a \tvalid\na\tdev\nb\tNA\nc\t test\n")
    assert apply_split_file(PROTEINS, path)["stage"].to_list() == ["valid", None, "test"]


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        ("name\tsplit\na\ttest\n", MissingColumnError, "id"),
        ("id\tplace\na\ttest\n", MissingColumnError, "split"),
        ("id\tsplit\na\tsomewhere\n", FileFormatError, "somewhere"),
        ("id\tsplit\nz\ttest\n", FileFormatError, "none of the proteins"),
        ("id\tsplit\na\ttest\nb\ttest\na\ttrain\n", FileFormatError, "'a' stands on two sides"),
        ("id\tsplit\na\ttest\nb\n", RecordError, ":3: .*1 field"),
    ],
)
def test_faults_are_told(tmp_path, content, error, message):
    path = tmp_path / "split.tsv"
    path.write_text(content)
    with pytest.raises(error, match=message):
        apply_split_file(PROTEINS, path)
