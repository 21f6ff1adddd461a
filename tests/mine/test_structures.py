"""Structures follow their proteins into all tables."""

import polars as pl
import pytest

from protrek_hm.data import read_triplets
from protrek_hm.mine import MineConfig, mine_hard_negatives, write_mining
from protrek_hm.mine.corpus import build_corpus
from protrek_hm.mine.structures import add_structures, structures_of

BASE = "MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQAPILSRVGDGTQDNLSGAEKAVQVKVKALPDAQFEVVHSLAKWKR"
PROTEINS = pl.DataFrame(
    {
        "id": ["cut", "cut again", "glue", "odd", "other"],
        "sequence": [BASE, BASE, BASE.replace("HSLA", "HSWA"), "M" + "GPWY" * 20, "M" + "CDTN" * 20],
        "text": ["Cleaves starch.", "Splits sugars.", "Cleaves chitin.", "Binds heme.", "Moves ions."],
        "structure": [None, "D" * 78, "v" * 78, "p" * 81, None],
    }
)


@pytest.mark.parametrize("compat", [None, "reference"])
def test_both_structures_stand_in_each_row(tmp_path, compat):
    config = MineConfig(easy=20, compat=compat, gate="text", test_fraction=0.01, valid_fraction=0.01)
    proteins = PROTEINS
    if compat:  # which asks for equal structures
        proteins = PROTEINS.with_columns(structure=pl.Series(["v" * 78, "v" * 78, "v" * 78, "p" * 81, None]))
    result = mine_hard_negatives(proteins, config)
    structures = dict(zip(proteins["sequence"], proteins["structure"].str.to_lowercase(), strict=True))
    write_mining(result, tmp_path / "mined")
    for name in ("hard_negatives_train", "easy_samples_train"):
        table = read_triplets(tmp_path / "mined" / f"{name}.csv")
        assert table.height > 0
        for row in table.iter_rows(named=True):
            assert row["anchor_structure"] == structures[row["anchor_seq"]]
            assert row["hard_neg_structure"] == structures[row["hard_neg_seq"]]


@pytest.mark.parametrize("column", [None, [None] * 5, ["AlphaFold"] * 5])
def test_without_structures_the_tables_are_as_ever(column):
    proteins = PROTEINS.drop("structure")
    if column is not None:
        proteins = proteins.with_columns(structure=pl.Series(column, dtype=pl.String))
    triplets = pl.DataFrame({"anchor": [0, 1], "negative": [1, 0]})
    letters, unusable = structures_of(build_corpus(proteins))
    assert add_structures(triplets, letters).equals(triplets)
    assert unusable == (0 if column is None else sum(cell is not None for cell in column))


def test_a_structure_that_does_not_fit_costs_no_other_its_own():
    structures = ["v" * 78, "dvv", "v" * 77 + "X", "p" * 81, None]
    proteins = PROTEINS.with_columns(structure=pl.Series(structures))
    result = mine_hard_negatives(proteins, MineConfig(easy=0, gate="text"))
    shown = dict(result.triplets.select("anchor_id", "anchor_structure").iter_rows())
    assert shown == {"cut": "v" * 78, "cut again": "v" * 78, "glue": None}
    assert "2 structures are left out: not as long as the sequence, or not of 3Di letters" in result.report.warnings
