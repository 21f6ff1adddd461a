from collections import defaultdict

import numpy as np
import polars as pl
import pytest

from protrek_hm.data import read_triplets
from protrek_hm.mine import MineConfig, mine_hard_negatives, write_mining
from protrek_hm.mine.corpus import build_corpus
from protrek_hm.mine.triplets import (
    TUPLE_COLUMNS,
    add_structures,
    build_triplets,
    keeps_margin,
    limit_negatives,
    structures_of,
)


def test_both_directions_and_every_text_of_the_anchor():
    corpus = build_corpus(
        pl.DataFrame({"id": ["a", "b", "c"], "sequence": ["MK", "MK", "MR"], "text": ["Red.", "Green.", "Blue."]})
    )
    twins = pl.DataFrame(
        {
            "pair": [0, 0],
            "left": [0, 1],
            "right": [2, 2],
            "identity": [0.5, 0.5],
            "coverage": [1.0, 1.0],
            "text_similarity": [0.1, 0.2],
            "reasons": ["x", "y"],
        }
    )
    triplets = build_triplets(corpus, twins, kind="hard")
    assert triplets.select("anchor_text", "hard_neg_text").rows() == [
        ("Red.", "Blue."),
        ("Green.", "Blue."),
        ("Blue.", "Red."),
    ]
    assert triplets["anchor"].to_list() == [0, 0, 1]


def test_negatives_are_limited_for_each_text():
    triplets = pl.DataFrame({"anchor": [0] * 9 + [1] * 2, "anchor_text": ["x"] * 9 + ["y"] * 2, "n": range(11)})
    limited = limit_negatives(triplets, 3, seed=1)
    assert limited["anchor"].to_list() == [0, 0, 0, 1, 1]
    assert limited["n"].is_sorted()
    assert limited.equals(limit_negatives(triplets, 3, seed=1))
    assert not limited.equals(limit_negatives(triplets, 3, seed=5))
    assert limit_negatives(triplets, None, seed=1).equals(triplets)


@pytest.fixture
def result(make_families):
    config = MineConfig(format="n-tuple", negatives_per_anchor=2, neighbours=False, easy=0, threads=1)
    return mine_hard_negatives(make_families(9, families=10), config)


@pytest.mark.parametrize("anchor", ["text", "protein"])
def test_tuples_hold_true_negatives_of_every_anchor_that_has_enough(make_families, result, anchor):
    config = MineConfig(neighbours=False, easy=0, threads=1)
    triplets = mine_hard_negatives(make_families(9, families=10), config).triplets.drop_nulls("split")
    negatives = defaultdict(set)
    for row in triplets.iter_rows(named=True):
        first, second, third = (row[column] for column in TUPLE_COLUMNS[anchor])
        negatives[row["split"], first, second].add(third)
    enough = {key for key, found in negatives.items() if len(found) >= 2}
    tuples = result.tuples[anchor]
    assert tuples.height == len(enough) > 0
    for split, first, positive, *drawn in tuples.iter_rows():
        assert len(set(drawn)) == 2
        assert set(drawn) <= negatives[split, first, positive]


def test_columns_are_those_of_sentence_transformers(result, tmp_path):
    assert result.tuples["text"].columns == ["split", "anchor", "positive", "negative_1", "negative_2"]
    write_mining(result, tmp_path / "out")
    header = (tmp_path / "out" / "protein_tuples_train.csv").read_text().splitlines()[0]
    assert header == "anchor,positive,negative_1,negative_2"


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


class Recorded:
    """Scores by a given table; counts what it is asked."""

    def __init__(self, vectors):
        self.vectors, self.asked = vectors, []

    def encode(self, inputs, *, task):
        self.asked.append((task, list(inputs)))
        return np.array([self.vectors[item] for item in inputs], dtype=float)


def test_near_positives_go():
    triplets = pl.DataFrame({"anchor_text": ["t"] * 4, "anchor_seq": ["A"] * 4, "hard_neg_seq": ["B", "C", "D", "E"]})
    guide = Recorded({"t": [1, 0], "A": [0.8, 0], "B": [0.76, 0], "C": [0.77, 0], "D": [0.9, 0], "E": [-1, 0]})
    assert keeps_margin(triplets, guide).tolist() == [True, False, False, True]
    assert all(len(inputs) == len(set(inputs)) for _, inputs in guide.asked)


def test_the_report_counts_what_the_guide_dropped(make_families):
    proteins = make_families(3)
    generator = np.random.default_rng(1)
    items = [*proteins["sequence"], *proteins["text"]]
    drawn = generator.normal(size=(len(items), 3))
    drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
    guide = Recorded(dict(zip(items, drawn, strict=True)))
    free = mine_hard_negatives(proteins, MineConfig(easy=0, threads=1))
    guided = mine_hard_negatives(proteins, MineConfig(easy=0, threads=1), guide=guide)
    (step,) = [step for step in guided.report.steps if step.name == "guide's margin"]
    assert (step.given, step.kept) == (free.triplets.height, guided.triplets.height)
    assert 0 < step.kept < step.given
