import contextlib
import datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from protrek_hm.errors import OptionError
from protrek_hm.index.records import open_records, rows_of_ids, rows_where, write_records

RECORDS = pl.DataFrame(
    {
        "id": ["P1", "P2", "p10"],
        "sequence": ["MKV", "M", "MKVLA"],
        "organism": ["E. coli", None, "Homo sapiens"],
        "mass": ["350.1", "", "1e3"],
    }
)


def test_all_kinds_of_columns_come_back(tmp_path):
    table = RECORDS.with_columns(
        number=pl.Series([1, None, 3]),
        real=pl.Series([0.5, float("nan"), None]),
        flag=pl.Series([True, None, False]),
        day=datetime.date(2025, 1, 31),
        names=pl.Series([["a"], [], None]),
        pair=pl.Series([{"a": 1}, {"a": None}, {"a": 3}]),
        kind=pl.Series(["x", "y", "x"], dtype=pl.Categorical),
    )
    write_records(table, tmp_path / "r.arrow")
    assert_frame_equal(open_records(tmp_path / "r.arrow", rows=3), table.with_columns(pl.col("kind").cast(pl.String)))


@pytest.mark.parametrize(
    ("where", "wanted"),
    [
        ("length < 4", [True, True, False]),
        ("length between 3 and 4 and organism = 'E. coli'", [True, False, False]),
        ("organism like 'Homo%' or id in ('P2')", [False, True, True]),
        ("organism <> 'E. coli'", [False, False, True]),
        ("organism is null", [False, True, False]),
        ("length > 2 and cast(mass as double) > 400", [False, False, True]),
        ("true", [True, True, True]),
    ],
)
def test_conditions(where, wanted):
    table = RECORDS.with_columns(mass=pl.col("mass").replace("", None))
    assert rows_where(table, where).tolist() == wanted


NAN, INF = float("nan"), float("inf")
NUMBERS = pl.DataFrame(
    {
        "id": ["a", "b", "c", "d", "e"],
        "sequence": ["M", "MK", "MKV", "MKVL", "MKVLA"],
        "kcat": [150.0, NAN, INF, None, -INF],
        "said": ["150", "nan", "inf", None, "-Infinity"],
        "small": pl.Series([60, 1, 1, 1, 1], dtype=pl.Int8),
        "natural": pl.Series([3, 9, 9, 9, 9], dtype=pl.UInt32),
        "zero": [0, 1, 0, 1, 0],
        "cell": ["150", " NA", "#N/A", None, "n/a"],
        "measured": [1.1, 1000.1, 2.3, 5.0, 1.2],
        "before": [1.0, 1000.0, 2.2, 4.0, 1.0],
    }
)


@pytest.mark.parametrize(
    ("where", "wanted"),
    [
        ("kcat > 100", "a"),
        ("kcat < 1e6", "a"),
        ("not kcat > 100", ""),
        ("not (kcat < 100)", "a"),
        ("kcat <> 150", ""),
        ("kcat != 1", "a"),
        ("kcat = kcat", "a"),
        ("kcat is null", "bcde"),
        ("kcat is not null", "a"),
        ("kcat in (150, 1)", "a"),
        ("kcat not in (1, 2)", "a"),
        ("kcat between 100 and 1e300", "a"),
        ("kcat not between 0 and 1", "a"),
        ("kcat > 100 or id = 'b'", "ab"),
        ("kcat > 100 or not kcat > 100", "a"),
        ("coalesce(kcat, 0) = 0", "bcde"),
        ("case when kcat > 100 then 1 else 0 end = 0", "bcde"),
        ("length > kcat", ""),
        ("-kcat < 0", "a"),
        ("abs(kcat) > 100", "a"),
        ("cast(said as double) > 100", "a"),
        ("said::double > 100", "a"),
        ("cast(said as double) is null", "bcde"),
        ("not cast(said as double) > 1000", "a"),
        ("round(cast(said as double), 1) > 100", "a"),
        ("cast(cell as double) > 100", "a"),
        ("cell is null", "bcde"),
        ("cell <> '150' or cell = 'NA'", ""),
        ("length > 0/0", ""),
        ("length < 0/0", ""),
        ("length / 0 > 1", ""),
        ("length / zero > 0", "bd"),
        ("length / zero is null", "ace"),
        ("1e308 * 10 > length", ""),
        ("length * 1e308 * 10 > 1", ""),
        ("1 / (1e308 * 10) = 0", ""),
        ("sqrt(0 - length) is null", "abcde"),
        ("length < cast('nan' as double)", ""),
        ("small * 10 > 500", "a"),
        ("natural - 5 < 0", "a"),
        ("measured - before <= 0.1", "abc"),
        ("abs(before - measured) <= 0.1", "abc"),
        ("0.1 >= measured - before", "abc"),
        ("measured - before > 0.1", "de"),
        ("measured - before = 0.1 and length < 3", "ab"),
        ("abs(1.1 - 1.0) <= 0.1", "abcde"),
        (" or ".join(f"id = '{number}'" for number in range(300)) + " or id = 'c'", "c"),
        (" or ".join(f"id like '{number}%'" for number in range(100)) + " or id = 'c'", "c"),
    ],
)
def test_what_is_no_finite_number_is_missing(where, wanted):
    chosen = rows_where(NUMBERS, where)
    assert "".join(NUMBERS["id"].filter(chosen)) == wanted


@pytest.mark.parametrize(
    ("where", "problem"),
    [
        ("kcat < 1e999", "a number that is too large"),
        ("+".join(["kcat"] * 200) + " > 3", "too many parts"),
        ("id = '\ud800'", "half a character"),
    ],
)
def test_conditions_that_cannot_be_taken_apart_are_refused(where, problem):
    with pytest.raises(OptionError, match=problem):
        rows_where(NUMBERS, where)


@pytest.mark.parametrize("kind", [pl.Int8, pl.Float64])
def test_a_column_of_numbers_called_length_is_not_in_the_way(kind):
    assert rows_where(RECORDS.with_columns(length=pl.lit(9, kind)), "length = 1").tolist() == [False, True, False]


def test_length_is_that_of_the_sequence_whatever_the_table_says():
    assert rows_where(RECORDS.with_columns(length=pl.lit("long")), "length = 1").tolist() == [False, True, False]


@pytest.mark.parametrize(
    "where",
    [
        "",
        "length <",
        "size < 3",
        "length",
        "id = 3",
        "select 1",
        "length in (select 1)",
        "max(length)",
        "read_csv('/etc/passwd')",
        "cast(organism as double) > 1",
        "*",
        "id ~ 'a('",
        "1",
        "length < 4; drop table self",
        "null",
        '"^x.*$" is null',
    ],
)
def test_what_is_no_condition_is_refused_in_one_line(where):
    with pytest.raises(OptionError) as caught:
        rows_where(RECORDS, where)
    assert "\n" not in str(caught.value)
    assert "columns: id, sequence, organism, mass, length" in str(caught.value)


@given(st.text(max_size=25))
@settings(max_examples=50, deadline=None)
def test_no_condition_does_worse_than_being_refused(where):
    with contextlib.suppress(OptionError):
        assert rows_where(RECORDS, where).shape == (3,)


def test_ids_are_found_or_similar_ones_named():
    table = pl.concat([RECORDS, RECORDS])
    np.testing.assert_array_equal(rows_of_ids(table, ["p10", "P1", "P1"]), [2, 0, 0])
    with pytest.raises(OptionError, match=r"id = 'P11': not in this index; did you mean P1"):
        rows_of_ids(table, ["P1", "P11"])
    with pytest.raises(OptionError, match=r"id = 'x': not in this index \(and 1 others\); check it"):
        rows_of_ids(table, ["x", "y"])


@pytest.mark.parametrize("name", ["\ud800", "P\udcff"])
def test_half_a_character_is_no_id(name):
    with pytest.raises(OptionError, match="half a character"):
        rows_of_ids(RECORDS, ["P1", name])
