"""Tables go out and come back, in all formats."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protrek_hm.data.tables import read_table, write_table
from protrek_hm.errors import FileFormatError, OutputError, OutputExistsError

FRAME = pl.DataFrame({"id": ["A", "B"], "n": [1, None], "text": ['say "hi"', "tab\tcomma, line\nbreak\r"]})
ENDINGS = [".tsv", ".csv", ".tsv.gz", ".csv.gz", ".tsv.zst", ".csv.zst", ".parquet"]


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_is_written_is_read(tmp_path, ending):
    path = tmp_path / f"a{ending}"
    write_table(FRAME, path)
    expected = FRAME if ending == ".parquet" else FRAME.cast(pl.String)
    table = read_table(path)
    assert table.frame.equals(expected)
    assert list(table.lines()) == ([1, 2] if ending == ".parquet" else [2, 3])
    first = path.read_bytes()
    write_table(FRAME, path)
    assert path.read_bytes() == first


@settings(deadline=None, max_examples=80)
@given(
    st.lists(
        st.tuples(*[st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))] * 2),
        min_size=1,
    ),
    st.sampled_from([".tsv", ".csv"]),
)
def test_any_text_survives(tmp_path_factory, rows, ending):
    path = tmp_path_factory.mktemp("tables") / f"a{ending}"
    frame = pl.DataFrame(rows, schema={"a": pl.String, "b": pl.String}, orient="row").with_columns(c=pl.lit("x"))
    write_table(frame, path)
    assert read_table(path).frame.rows() == [(a or None, b or None, "x") for a, b in rows]


def test_parquet_is_known_by_its_bytes_and_keeps_types(tmp_path):
    write_table(FRAME, tmp_path / "a.parquet")
    table = read_table((tmp_path / "a.parquet").rename(tmp_path / "a.tsv"))
    assert table.frame.schema["n"] == pl.Int64


def test_files_that_are_no_tables(tmp_path):
    path = tmp_path / "a.parquet"
    path.write_bytes(b"PAR1 and no more")
    with pytest.raises(FileFormatError, match="damaged Parquet"):
        read_table(path)
    FRAME.clear().write_parquet(path)
    with pytest.raises(FileFormatError, match="without records"):
        read_table(path)
    path.write_bytes(b"PK\x03\x04 a spreadsheet")
    with pytest.raises(FileFormatError, match="save it as TSV"):
        read_table(path)


def test_what_cannot_be_written(tmp_path):
    with pytest.raises(FileFormatError, match=r"unknown ending; end its name in \.tsv"):
        write_table(FRAME, tmp_path / "a.xlsx")
    with pytest.raises(FileFormatError, match="column 'c' holds lists; write it as .parquet"):
        write_table(FRAME.with_columns(c=[[1], [2]]), tmp_path / "a.tsv")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file.tsv").write_text("old")
    with pytest.raises(OutputExistsError):
        write_table(FRAME, tmp_path / "file.tsv", force=False)
    with pytest.raises(OutputError):
        write_table(FRAME, tmp_path / "file.tsv" / "below.tsv")
    assert (tmp_path / "file.tsv").read_text() == "old"


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_full_disk_is_told_and_leaves_nothing(tmp_path, ending, small_files):
    frame = pl.DataFrame({"a": [f"{number * 7919 % 100_003}" for number in range(100_000)]})
    with small_files, pytest.raises(OutputError, match="cannot be written"):
        write_table(frame, tmp_path / f"a{ending}")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def small_files():
    """A context in which no file may grow over 100 kB: as near to a full disk as a test gets."""
    resource = pytest.importorskip("resource")
    from contextlib import contextmanager

    @contextmanager
    def limited():
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    return limited()
