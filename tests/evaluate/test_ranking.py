"""Retrieval, against every order of the tied, scikit-learn and the law of large numbers; memory is bounded."""

import tracemalloc
from itertools import chain, permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from protrek_hm.cosines import TOLERANCE
from protrek_hm.evaluate.ranking import chance_of, rank_pool, ranking_values

pytestmark = pytest.mark.numeric
CHOICES = st.tuples(st.integers(1, 4), st.integers(2, 9), st.integers(0, 10_000))
NOISE = TOLERANCE / 3


def random_case(queries, items, seed, *, levels):
    """One-hot pool items, so that each score is a number of the query; `levels` few makes ties, but for noise."""
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, levels, (queries, items)) / levels
    relevant = np.array(
        [(query, item) for query in range(queries) for item in rng.choice(items, rng.integers(1, items), replace=False)]
    )
    return scores + rng.uniform(-NOISE, NOISE, scores.shape), np.eye(items), relevant


def values_of(ranks):
    return {name: each.tolist() for name, each in ranking_values(ranks).items()}


def over_all_orders(scores, right):
    """Average each measure over all orders that the scores, without their noise, allow."""
    levels = scores.round(3)
    tied = [np.flatnonzero(levels == level).tolist() for level in sorted(set(levels), reverse=True)]
    found = []
    for parts in product(*(permutations(items) for items in tied)):
        places = [place for place, item in enumerate(chain(*parts), start=1) if item in right]
        wrong = len(scores) - len(places)
        below = [wrong - (place - number) for number, place in enumerate(places, start=1)]
        found.append(
            {
                **{f"recall@{depth}": float(places[0] <= depth) for depth in (1, 5, 10)},
                "mrr": 1 / places[0],
                "map": np.mean([number / place for number, place in enumerate(places, start=1)]),
                "mean_rank": places[0],
                "auc": np.mean(below) / wrong if wrong else np.nan,
            }
        )
    return {name: np.mean([each[name] for each in found]) for name in found[0]}


@given(st.integers(2, 7), st.integers(1, 3), st.integers(0, 10_000))
@settings(max_examples=60, deadline=None)
def test_measures_are_means_over_all_orders_of_the_tied(items, levels, seed):
    scores, pool, relevant = random_case(2, items, seed, levels=levels)
    values = ranking_values(rank_pool(scores, pool, relevant, block_numbers=5))
    for query, every in enumerate(scores):
        right = set(relevant[relevant[:, 0] == query, 1].tolist())
        for name, expected in over_all_orders(every, right).items():
            assert values[name][query] == pytest.approx(expected, nan_ok=True), name


@pytest.mark.parametrize(("size", "expected"), [(10, (0.1, 0.5, 0.29290)), (3, (1 / 3, 1.0, 0.61111))])
def test_all_tied(size, expected):
    values = ranking_values(rank_pool(np.ones((1, 1)), np.ones((size, 1)), np.array([[0, size - 1]])))
    found = [values[name].item() for name in ("recall@1", "recall@5", "mrr")]
    assert found == pytest.approx(expected, abs=1e-5)
    assert values["mean_rank"].item() == pytest.approx((size + 1) / 2)


@given(st.floats(0.1, 0.9), st.integers(2, 40), st.integers(0, 10_000))
def test_ties_hold_wherever_on_the_scale_they_lie(level, items, seed):
    """A grid of 1e-6 parts scores on either side of a border; so would one of any width."""
    rng = np.random.default_rng(seed)
    scores = level + rng.uniform(-NOISE, NOISE, (1, items))
    ranks = rank_pool(scores, np.eye(items), np.array([[0, 0]]))
    assert (ranks.better.item(), ranks.tied.item()) == (0, items - 1)
    assert values_of(ranks)["auc"] == pytest.approx([0.5] if items > 1 else [np.nan])


def test_tied_is_seen_from_the_right_item():
    """Each ties with the next: the two at the ends do not tie with each other."""
    steps = 0.5 + 0.9 * TOLERANCE * np.arange(5)
    found = [rank_pool(steps[None], np.eye(5), np.array([[0, right]])) for right in range(5)]
    assert [(each.better.item(), each.tied.item()) for each in found] == [(3, 1), (2, 2), (1, 2), (0, 2), (0, 1)]


@given(st.integers(0, 10_000), st.integers(1, 6), st.integers(0, 30))
@settings(max_examples=40, deadline=None)
def test_order_repeats_and_far_items_change_no_rank(seed, copies, far):
    rng = np.random.default_rng(seed)
    spots = rng.normal(size=(12, 64))
    spots[:, 0] = 9.0  # all near each other
    pool = spots[rng.integers(0, 12, 30)]  # many a protein is read as another one is
    queries = pool[rng.choice(30, 8)] + rng.normal(scale=0.5, size=(8, 64))
    queries, pool = (each / np.linalg.norm(each, axis=1, keepdims=True) for each in (queries, pool))
    relevant = np.unique(np.stack([np.arange(16) % 8, rng.integers(0, 30, 16)], axis=1), axis=0)
    before = values_of(rank_pool(queries, pool, relevant))

    place = rng.permutation(30)  # of each item
    shuffled = rank_pool(queries, pool[np.argsort(place)], np.stack([relevant[:, 0], place[relevant[:, 1]]], axis=1))
    assert values_of(shuffled) == before

    again = [(query + 8 * copy, item) for copy in range(copies) for query, item in relevant.tolist()]
    repeated = rank_pool(np.tile(queries, (copies, 1)), pool, np.array(again), block_numbers=100)
    assert values_of(repeated) == {name: each * copies for name, each in before.items()}

    padding = np.repeat(-queries.mean(axis=0, keepdims=True), far, axis=0)
    padded = values_of(rank_pool(queries, np.concatenate([padding, pool]), relevant + [0, far]))
    assert {name: each for name, each in padded.items() if name != "auc"} == {
        name: each for name, each in before.items() if name != "auc"
    }
    assert all(more >= less for more, less in zip(padded["auc"], before["auc"], strict=True))


@given(CHOICES)
def test_without_ties_average_precision_is_scikit_learns(sizes):
    scores, pool, relevant = random_case(*sizes, levels=4)
    scores = np.argsort(np.argsort(scores, axis=1), axis=1) / 10
    ranks = rank_pool(scores, pool, relevant)
    for query, every in enumerate(scores):
        labels = np.isin(np.arange(len(every)), relevant[relevant[:, 0] == query, 1])
        assert ranks.average_precision[query] == pytest.approx(average_precision_score(labels, every))
        assert ranks.area[query] == pytest.approx(roc_auc_score(labels, every))


def test_who_knows_the_truth_is_first_who_knows_nothing_is_in_the_middle():
    pairs = np.repeat(np.arange(50), 2).reshape(-1, 2)
    values = ranking_values(rank_pool(np.eye(50), np.eye(50), pairs))
    assert {name: each.mean() for name, each in values.items()} == {
        **dict.fromkeys(("recall@1", "recall@5", "recall@10", "mrr", "map", "auc"), 1.0),
        "mean_rank": 1.0,
    }
    blind = rank_pool(np.ones((50, 4)) / 2, np.ones((50, 4)) / 2, pairs)
    assert (blind.better == 0).all()
    assert (blind.tied == 49).all()
    chances = chance_of(blind, pairs)
    assert {name: each.mean() for name, each in ranking_values(blind).items()} == pytest.approx(
        {**chances, "mrr": (1 / np.arange(1, 51)).mean(), "map": (1 / np.arange(1, 51)).mean(), "mean_rank": 25.5}
    )


def test_chance_is_what_random_vectors_get():
    rng = np.random.default_rng(0)
    relevant = np.array([(query, (query + shift) % 40) for query in range(2000) for shift in range(1 + query % 3)])
    queries, pool = (rng.normal(size=(count, 8)) for count in (2000, 40))
    queries, pool = (each / np.linalg.norm(each, axis=1, keepdims=True) for each in (queries, pool))
    ranks = rank_pool(queries, pool, relevant)
    values = ranking_values(ranks)
    for name, chance in chance_of(ranks, relevant).items():
        assert values[name].mean() == pytest.approx(chance, abs=0.03)


def test_a_query_without_a_right_item_is_an_error():
    with pytest.raises(ValueError, match="at least one right item"):
        rank_pool(np.eye(2), np.eye(2), np.array([[0, 0]]))


def test_memory_does_not_grow_with_the_number_of_queries():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(3000, 4)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    tracemalloc.start()
    rank_pool(vectors, vectors, np.repeat(np.arange(3000), 2).reshape(-1, 2), block_numbers=100_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4e6  # 3,000 × 3,000 scores would be 36 MB
