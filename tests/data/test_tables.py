"""Tables go out and come back, in all formats."""

import csv
import io
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protrek_hm.data.tables import parse_delimited, read_table, sniff, write_table
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
    write_table(FRAME, path, force=True)
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
        write_table(FRAME, tmp_path / "file.tsv")
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


PATH = Path("a.tsv")
CELLS = st.text(alphabet="aB ü\t,;\"'\n\r1", max_size=6)


def parse(text, preferred="\t"):
    return parse_delimited(text.encode() if isinstance(text, str) else text, preferred=preferred, path=PATH)


@settings(deadline=None, max_examples=150)
@given(
    st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=1, max_size=8),
    st.sampled_from(["\t", ",", ";"]),
)
def test_agrees_with_the_csv_module(rows, delimiter):
    written = io.StringIO(newline="")
    csv.writer(written, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows([["a", "b", "c"], *rows])
    table = parse(written.getvalue(), delimiter)
    assert table.frame.columns == ["a", "b", "c"]
    assert table.frame.rows() == [tuple(cell or None for cell in row) for row in rows]
    assert table.bad == ()


@settings(deadline=None, max_examples=100)
@given(st.lists(st.lists(CELLS, min_size=2, max_size=2), min_size=1, max_size=8))
def test_lines_are_those_of_the_file(rows):
    written = io.StringIO(newline="")
    writer = csv.writer(written, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow(["a", "b", "c"])
    expected = []
    for row in rows:
        lines = written.getvalue().replace("\r\n", "\n").replace("\r", "\n").count("\n")
        expected.append(lines + 1)
        writer.writerow(["x", *row])
    assert list(parse(written.getvalue(), ",").lines()) == expected


def test_every_cell_is_a_string_and_nothing_is_guessed():
    frame = parse("id\tn\tdate\tflag\n007\t1e5\t2024-01-01\ttrue\n").frame
    assert frame.row(0) == ("007", "1e5", "2024-01-01", "true")
    assert set(frame.dtypes) == {pl.String}


@pytest.mark.parametrize(
    ("text", "preferred", "expected"),
    [
        ("a,b\n1,2\n", "\t", ","),
        ("a\tb\n1\t2\n", ",", "\t"),
        ("a;b;c\n1;2;3\n", ",", ";"),
        ("a\tb, or c, or d\n1\t2\n", "\t", "\t"),
        ('"a,1"\t"b"\n', "\t", "\t"),
        ("sequence\nMKV\n", ",", ","),
    ],
)
def test_the_delimiter_is_the_ending_s_or_else_the_header_s(text, preferred, expected):
    assert sniff(text.encode(), preferred)[0] == expected


def test_marks_at_the_start_line_ends_and_blank_lines():
    for text in ("\ufeffa\tb\n1\t2\n", "a\tb\r\n1\t2\r\n", "\na\tb\n\n\n1\t2", "a\tb\r1\t2\r"):
        table = parse(text)
        assert table.frame.to_dicts() == [{"a": "1", "b": "2"}]
    assert parse("a\tb\n1\t2\n\n\r\n3\t4\n").lines() == [2, 5]


def test_quotes_of_a_text_are_kept_and_those_around_cells_taken_away():
    table = parse('a\tb\n1\t"Active" form\n2\t"The ""greasy slide"" path"\n3\t5" end\n4\t""\n5\t"x" or "y"\n')
    assert table.frame["b"].to_list() == [
        '"Active" form',
        'The "greasy slide" path',
        '5" end',
        None,
        '"x" or "y"',
    ]


def test_quotes_hide_tabs_and_line_breaks_where_rows_would_not_fit_otherwise():
    table = parse('a\tb\n1\t"x\ty"\n2\t"x\ny"\n3\tz\n')
    assert table.frame["b"].to_list() == ["x\ty", "x\ny", "z"]
    assert table.lines() == [2, 3, 5]


def test_ragged_lines_are_all_named_and_the_others_keep_their_lines():
    table = parse("a\tb\n1\t2\n3\n4\t5\t6\n\n7\t8\n")
    assert [(bad.line, bad.record, bad.problem) for bad in table.bad] == [
        (3, "3", "1 field where the header has 2"),
        (4, "4", "3 fields where the header has 2"),
    ]
    assert table.frame["a"].to_list() == ["1", "7"]
    assert table.lines() == [2, 6]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"\xef\xbb\xbf\r\n \n", "the file is empty"),
        (b"a\tb\n", "a header and no records"),
        (b"a\tb\n1\t\xe9\n", r"line 2 is not UTF-8 \(byte 0xE9\)"),
        ("a\tb\n1\t2\n".encode("utf-16"), "UTF-16"),
        (b"a\tb\n1\t2\n3\t\0\n", "line 3 holds a zero byte"),
        (b"a\tb\ta\n1\t2\t3\n", "column 'a' stands twice"),
    ],
)
def test_text_files_that_are_no_tables(content, message):
    with pytest.raises(FileFormatError, match=message):
        parse(content)


@pytest.mark.parametrize("text", ['a,b\n1,2\n3,"4\n5,6\n', 'a,b\n1,2\n3,"4'])
def test_a_quote_that_is_never_closed_swallows_nothing_silently(text):
    with pytest.raises(FileFormatError, match="line 3 opens a quote"):
        parse(text, ",")


def test_a_stray_quote_inside_a_cell_is_no_open_quote():
    assert parse('a,b\n1,5" end\n2,x\n', ",").frame["b"].to_list() == ['5" end', "x"]


def test_unnamed_columns_get_a_name():
    assert parse("\tsequence\t\n0\tMKV\tx\n").frame.columns == ["column_1", "sequence", "column_3"]


def test_a_titin_and_a_longer_field_than_the_csv_module_takes():
    long = "M" * 200_000
    table = parse(f"id\tsequence\ttext\nP1\t{'M' * 35_000}\t\nP2\n\nP3\t{long}\t\n")
    assert table.frame["sequence"].str.len_bytes().to_list() == [35_000, 200_000]
    assert table.lines() == [2, 5]
    assert csv.field_size_limit() == 131_072


def test_a_record_longer_than_the_parser_takes(monkeypatch):
    monkeypatch.setattr("protrek_hm.data.tables._LONGEST_RECORD", 1_000)
    with pytest.raises(FileFormatError, match="a record of more than"):
        parse("a\tb\n1\t2\n" * 100 + "3\t" + "x" * 3_000 + "\n")


def test_many_rows_over_several_blocks_of_the_parser(monkeypatch):
    monkeypatch.setattr("protrek_hm.data.tables._LONGEST_RECORD", 1_000)
    table = parse("a\tb\n" + "".join(f"{number}\t{'x' * (number % 90)}\n" for number in range(5_000)) + "9\n")
    assert table.frame["a"].to_list() == [str(number) for number in range(5_000)]
    assert table.bad[0].line == 5_002


ESCAPED = 'The "active" form; "open" or "closed", and a path C:\\x'


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_quotes_that_a_backslash_escapes(delimiter):
    """As R's write.table and MySQL write them."""
    written = io.StringIO(newline="")
    writer = csv.writer(written, delimiter=delimiter, quoting=csv.QUOTE_ALL, doublequote=False, escapechar="\\")
    writer.writerows([["id", "text"], ["1", ESCAPED.split("\\")[0]], ["2", "Plain"], ["3", 'ends in "quotes"']])
    frame = parse(written.getvalue(), delimiter).frame
    assert frame["text"].to_list() == [ESCAPED.split("\\")[0], "Plain", 'ends in "quotes"']
    assert frame["id"].to_list() == ["1", "2", "3"]


def test_a_backslash_elsewhere_stays():
    assert parse('a,b\n1,"C:\\x ""y"""\n2,C:\\x\n3,"C:\\"\n', ",").frame["b"].to_list() == [
        'C:\\x "y"',
        "C:\\x",
        "C:\\",
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('a,b\n1,"x\ny"\n2,"Active" form\n', 4),
        ('a,b\n1,"foo\n2,bar\n3,"baz\n4,qux\n', 2),
        ('a,b\n1,"The "active" form"\n', 2),
        ('a;b\n1;"x" \n', 2),
        ('a,b\n1,"C:\\"\n2,"x "y" z"\n3,\\"\n', 3),
    ],
)
def test_text_behind_a_closing_quote_is_refused_with_its_line(text, line):
    with pytest.raises(FileFormatError, match=f"the record of line {line} has text behind a closing quote; write"):
        parse(text, ",")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_are_counted_by_any_line_end(end):
    with pytest.raises(FileFormatError, match="line 3 is not UTF-8"):
        parse(end.join(["a\tb", "1\t2", "3\t\xe9"]).encode("latin1"))
