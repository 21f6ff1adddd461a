"""Baselines of the board: each finds what was planted for it, and guesses elsewhere."""

import numpy as np
import polars as pl
import pytest
from sklearn.kernel_ridge import KernelRidge

from protrek_hm.evaluate.twins.cases import make_twin_cases, wild_types
from protrek_hm.evaluate.twins.run import evaluate_twins
from protrek_hm.evaluate.twins.shortcuts import PENALTIES, describe, make_shortcuts, ridge_coefficients


@pytest.fixture(scope="module")
def board(cases, blind, quick_board):
    return {row.name: row for row in evaluate_twins({"g": blind("none")}, cases, quick_board, train=cases).rows}


def value(row, split, name, kind, key="text_to_protein"):
    return row.estimates[split][name][kind][key].value


def test_blosum_decides_where_it_was_planted(board):
    for name, least in (("BLOSUM62", 0.9), ("substitution probe", 0.7)):  # it learns from sixteen pairs
        assert value(board[name], "test", "scans", "mutant-mutant") > least
        assert value(board[name], "test", "scans", "mutant-mutant", "protein_to_text") > least - 0.15
        assert "homologs" not in board[name].estimates["test"], "no wild type: it guesses"


def test_words_of_an_effect_and_the_number_of_substitutions_tell_the_mutant(board):
    row = board["number of substitutions"]
    assert value(row, "test", "curated", "wild-type-mutant") == 1.0
    assert value(row, "test", "curated", "wild-type-mutant", "all_four") == 1.0
    assert "scans" not in row.estimates["test"], "one substitution each: it guesses"
    assert value(row, "test", "all", "all") == pytest.approx((1 + 0.5 + 0.5) / 3)


def test_labelled_relatives_decide_in_known_families_only(board):
    row = board["4-mer ridge on relatives"]
    assert value(row, "known", "homologs", "natural") == 1.0
    assert "test" not in row.estimates, "no labelled relative: it guesses everywhere"


def test_a_planted_wrong_label_misleads_the_ridge(cases, blind, quick_board):
    """It learns from training labels alone: exchanged there, the known cases come out wrong."""
    is_train = pl.col("split") == "train"
    lying = cases.with_columns(
        text_a=pl.when(is_train).then("text_b").otherwise("text_a"),
        text_b=pl.when(is_train).then("text_a").otherwise("text_b"),
    )
    rows = {row.name: row for row in evaluate_twins({"g": blind("none")}, cases, quick_board, train=lying).rows}
    assert value(rows["4-mer ridge on relatives"], "known", "homologs", "natural") == 0.0


def test_without_training_cases_there_are_no_baselines(cases):
    measured = make_twin_cases(cases.filter(split="test"))
    assert make_shortcuts(measured, None) == ()
    assert make_shortcuts(measured, cases.clear()) == ()


def test_wild_types_are_found_by_ids_and_by_majority(cases):
    found = wild_types([cases])
    named = {row["b"]: row["a"] for row in cases.filter(kind="wild-type-mutant").iter_rows(named=True)}
    assert {mutant: found[mutant] for mutant in named} == named
    anonymous = cases.filter(kind="mutant-mutant").with_columns(id_a="a", id_b="b")
    voted = wild_types([anonymous])
    together = {mutant: wild for mutant, wild in voted.items() if mutant in found}
    assert together == {mutant: found[mutant] for mutant in together}
    assert wild_types([cases.filter(kind="natural")]) == {}
    told = cases.filter(pl.col("kind") != "natural").head(1).with_columns(reference=pl.lit("MKWVTFISLLLLFSSAYS"))
    assert set(wild_types([told]).values()) == {"MKWVTFISLLLLFSSAYS"}, "the reference is believed first"
    assert wild_types([told.with_columns(reference=pl.lit(None, pl.String)), cases]) == found


def test_features_of_several_substitutions_are_sums_and_means():
    found = describe(dict.fromkeys(("MAVK", "MKVW", "MAVW"), "MKVK"))
    one, other, both = found.values()
    assert both[:2].tolist() == [2, one[1] + other[1]]
    number = 2 + 44 + 3  # how many changes there are is a feature of a site, too
    np.testing.assert_allclose(np.delete(both, [0, 1, number]), np.delete((one + other) / 2, [0, 1, number]), atol=1e-6)


def test_a_deletion_is_a_difference_too(cases):
    wild = cases["a"][0]
    shorter = wild[:4] + wild[5:]
    case = cases[:1].with_columns(id_a=pl.lit("P"), id_b=pl.lit("P:K5del"), a=pl.lit(wild), b=pl.lit(shorter))
    assert wild_types([case]) == {wild: wild, shorter: wild}
    assert describe(wild_types([case]))[shorter][0] == 1


@pytest.mark.numeric
def test_the_ridge_is_scikit_learn_s_with_the_penalty_that_leaves_out_best():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(14, 5)), rng.normal(size=(14, 3))
    kernel = x @ x.T / 5
    errors = {}
    for penalty in PENALTIES:
        left_out = []
        for row in range(14):
            rest = np.arange(14) != row
            model = KernelRidge(alpha=penalty, kernel="precomputed").fit(kernel[np.ix_(rest, rest)], y[rest])
            left_out.append(y[row] - model.predict(kernel[[row]][:, rest])[0])
        errors[penalty] = (np.array(left_out) ** 2).sum()
    best = KernelRidge(alpha=min(errors, key=errors.get), kernel="precomputed").fit(kernel, y)
    np.testing.assert_allclose(kernel @ ridge_coefficients(kernel, y), best.predict(kernel), atol=1e-9)
