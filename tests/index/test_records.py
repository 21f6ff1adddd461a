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
