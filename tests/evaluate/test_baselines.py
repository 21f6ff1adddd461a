"""Baselines: what they win on leaky tables, and that they win nothing on honest ones."""

from itertools import combinations

import numpy as np
import polars as pl
import pytest

from protrek_hm.evaluate import evaluate
from protrek_hm.evaluate.baselines import length_only, make_baselines
from protrek_hm.evaluate.cases import Pool, make_pool


def result_of(evaluation, name):
    (found,) = (baseline for baseline in evaluation.baselines if baseline.name == name)
    return found.estimates


def test_a_leaky_split_is_exposed_by_the_text_blind_baseline(oracle, quick, make_triplets):
    families = [[f"M{letter * size}" for size in range(1, 9)] for letter in "ACDEFGHIKL"]
    one_way = [(*pair, at) for at, family in enumerate(families) for pair in combinations(family, 2)]
    is_test = np.random.default_rng(0).random(len(one_way)) < 0.3  # over pairs: proteins stand on both sides
    test, train = (make_triplets(one_way).filter(side) for side in (is_test, ~is_test))
    evaluation = evaluate({"oracle": oracle}, test, config=quick, train=train)
    assert result_of(evaluation, "text-blind")["hard_text_to_protein"].value > 0.8
    assert evaluation.leaks.leaks


def test_it_wins_nothing_where_both_directions_stand(oracle, hard, quick):
    evaluation = evaluate({"oracle": oracle}, hard, config=quick)
    bound = result_of(evaluation, "text-blind bound")["hard_text_to_protein"]
    assert (bound.value, bound.n) == (0.5, hard.height)


def test_it_knows_nothing_of_unseen_proteins(oracle, hard, quick):
    seen = pl.col("component") < 10
    evaluation = evaluate({"oracle": oracle}, hard.filter(~seen), config=quick, train=hard.filter(seen))
    blind = result_of(evaluation, "text-blind")["hard_text_to_protein"]
    assert (blind.value, blind.ties) == (0.5, 60)


def test_length_alone_wins_where_long_texts_go_with_long_proteins():
    pool = Pool(texts=("a", "ab", "abc"), sequences=("MKV", "MKVMKV", "MKVMKVMKV"))
    score = length_only(pool)
    every = np.arange(3)
    table = np.array([score(np.full(3, text), every) for text in range(3)])
    assert table.argmax(axis=1).tolist() == [0, 1, 2]
    assert table.max() == 0.0


@pytest.mark.parametrize("known", [True, False])
def test_the_bound_is_named_as_such(hard, known):
    names = [each.name for each in make_baselines(make_pool([hard]), hard, hard if known else None)]
    assert names == ["length only", "text-blind" if known else "text-blind bound"]
