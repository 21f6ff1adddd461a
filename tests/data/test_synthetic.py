"""Simulated families: the same every time, and the truth is in the sequences."""

import re
from itertools import combinations

import numpy as np
import polars as pl
import pytest

from protrek_hm.data.synthetic import (
    BACKGROUND,
    REGULATORS,
    RESIDUES,
    SUBSTRATES,
    SyntheticConfig,
    synthetic_families,
)
from protrek_hm.errors import OptionError
from protrek_hm.homology.identity import identity

CONFIG = SyntheticConfig(families=12, members=6, folds=4, vague=0.25, seed=3)


@pytest.fixture(scope="module")
def made():
    return synthetic_families(CONFIG)


def test_the_same_settings_give_the_same_proteins(made):
    again = synthetic_families(CONFIG)
    assert again.proteins.equals(made.proteins)
    assert again.twins.equals(made.twins)
    other = synthetic_families(SyntheticConfig(families=12, members=6, folds=4, vague=0.25, seed=4))
    assert set(other.proteins["sequence"]) & set(made.proteins["sequence"]) == set()


def test_it_is_a_table_of_proteins(made):
    proteins = made.proteins
    assert proteins.height == 12 * 6
    assert proteins["id"].is_unique().all()
    assert set("".join(proteins["sequence"])) <= set(RESIDUES)
    assert proteins["family"].value_counts()["count"].to_list() == [6] * 12
    assert proteins.unique("family")["fold"].value_counts()["count"].to_list() == [3] * 4


def test_the_sites_say_what_the_table_says(made):
    """The two sites keep their order and their letters in every member, and nothing else decides."""
    codes = {name: code for table in (SUBSTRATES, REGULATORS) for code, name in table.items()}
    for row in made.proteins.to_dicts():
        assert re.search(f"{codes[row['substrate']]}.*{codes[row['regulator']]}", row["sequence"]), row["id"]


def test_twins_are_all_pairs_of_a_family(made):
    by_id = {row["id"]: row for row in made.proteins.to_dicts()}
    function = {name: (row["substrate"], row["regulator"]) for name, row in by_id.items()}
    expected = {
        (a, b): function[a] == function[b]
        for a, b in combinations(by_id, 2)
        if by_id[a]["family"] == by_id[b]["family"]
    }
    assert {(a, b): same for a, b, same in made.twins.iter_rows()} == expected
    assert 0 < sum(expected.values()) < len(expected)


def test_one_function_has_one_number(made):
    known = made.proteins.drop_nulls("ec")
    assert known.group_by("fold", "substrate", "regulator").agg(pl.col("ec").n_unique())["ec"].max() == 1
    assert known.group_by("ec").agg(pl.struct("fold", "substrate", "regulator").n_unique().alias("n"))["n"].max() == 1


def test_texts_name_the_function_unless_they_are_vague(made):
    vague = made.proteins.filter(pl.col("ec").is_null())
    assert vague["family"].unique().sort().to_list() == [0, 1, 2], "the first quarter of the families"
    for row in made.proteins.to_dicts():
        named = [row[word] in row["text"] for word in ("substrate", "regulator")]
        assert named == [row["ec"] is not None] * 2
        assert row["fold"] in row["text"].lower()
    words = [*SUBSTRATES.values(), *REGULATORS.values()]
    assert not any(word in text for word in words for text in vague["text"])


@pytest.mark.parametrize("seed", [1, 2])
def test_members_are_alike_and_families_are_not(seed):
    proteins = synthetic_families(SyntheticConfig(families=24, folds=4, length=150, members=4, seed=seed)).proteins
    for family in proteins.partition_by("family"):
        for a, b in combinations(family["sequence"], 2):
            assert identity(a, b) >= 0.7
    firsts = proteins.unique("family", keep="first", maintain_order=True).to_dicts()
    between = {True: [], False: []}
    for a, b in combinations(firsts, 2):
        between[a["fold"] == b["fold"]].append(identity(a["sequence"], b["sequence"]))
    assert max(between[True]) < 0.5
    assert np.median(between[True]) > max(between[False]), "a fold is still to be seen"


def test_short_families_of_a_fold_rarely_share_half(made):
    firsts = synthetic_families(SyntheticConfig(members=1)).proteins
    pairs = [
        identity(a["sequence"], b["sequence"]) for a, b in combinations(firsts.to_dicts(), 2) if a["fold"] == b["fold"]
    ]
    assert np.mean([each >= 0.5 for each in pairs]) < 0.02


def test_residues_are_as_frequent_as_in_swiss_prot():
    proteins = synthetic_families(SyntheticConfig(families=16, folds=16, members=1, length=2000)).proteins
    letters = "".join(proteins["sequence"])
    shares = np.array([letters.count(letter) for letter in RESIDUES]) / len(letters)
    assert np.corrcoef(shares, BACKGROUND)[0, 1] > 0.8
    assert abs(np.mean([len(each) for each in proteins["sequence"]]) / 2000 - 1) < 0.05


def test_without_change_members_differ_in_their_sites_alone():
    still = SyntheticConfig(families=2, members=5, folds=1, divergence=0, substitutions=0, indels=0)
    sequences = synthetic_families(still).proteins["sequence"].to_list()
    differing = [at for at, letters in enumerate(zip(*sequences, strict=True)) if len(set(letters)) > 1]
    assert set(differing) <= {16, 17, 18, 48, 49, 50}
    assert len(differing) >= 4


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("families", 0),
        ("members", 0),
        ("folds", 0),
        ("folds", 17),
        ("length", 39),
        ("vague", 1.1),
        ("indels", 2.0),
    ],
)
def test_settings_out_of_range(setting, value):
    with pytest.raises(OptionError, match=setting):
        SyntheticConfig(**{setting: value})
