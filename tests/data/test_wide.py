"""A wild type and its mutants, stacked."""

from pathlib import Path

import polars as pl
import pytest

from protrek_hm.data.records import Table
from protrek_hm.data.wide import is_wide, stack_mutants
from protrek_hm.errors import MissingColumnError

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
