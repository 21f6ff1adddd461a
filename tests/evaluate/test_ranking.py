"""Retrieval, against naive loops, scikit-learn and the law of large numbers; memory is bounded."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from protrek_hm.evaluate.ranking import chance_of, rank_pool, ranking_values

CHOICES = st.tuples(st.integers(1, 4), st.integers(2, 9), st.integers(0, 10_000))


def random_case(queries, items, seed, *, levels):
    """One-hot pool items, so that each score is a number of the query; `levels` few makes ties."""
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, levels, (queries, items)) / levels
    relevant = np.array(
        [(query, item) for query in range(queries) for item in rng.choice(items, rng.integers(1, items), replace=False)]
    )
    return scores, np.eye(items), relevant


@given(CHOICES)
def test_ranks_equal_a_naive_loop(sizes):
    scores, pool, relevant = random_case(*sizes, levels=4)
    ranks = rank_pool(scores, pool, relevant, block_numbers=5)
    for query, every in enumerate(scores):
        right = set(relevant[relevant[:, 0] == query, 1])
        wrong = [each for item, each in enumerate(every) if item not in right]
        best = max(every[item] for item in right)
        higher, equal = sum(each > best for each in wrong), sum(each == best for each in wrong)
        assert ranks.first[query] == 1 + higher + equal / 2
        assert ranks.tied[query] == (equal > 0)
        labels = [int(item in right) for item in range(len(every))]
        if wrong:
            assert ranks.area[query] == pytest.approx(roc_auc_score(labels, every))


@given(CHOICES)
def test_without_ties_average_precision_is_scikit_learns(sizes):
    scores, pool, relevant = random_case(*sizes, levels=4)
    scores = np.argsort(np.argsort(scores, axis=1), axis=1) / 10
    ranks = rank_pool(scores, pool, relevant)
    for query, every in enumerate(scores):
        labels = np.isin(np.arange(len(every)), relevant[relevant[:, 0] == query, 1])
        assert ranks.average_precision[query] == pytest.approx(average_precision_score(labels, every))


def test_who_knows_the_truth_is_first_who_knows_nothing_is_in_the_middle():
    pairs = np.repeat(np.arange(50), 2).reshape(-1, 2)
    values = ranking_values(rank_pool(np.eye(50), np.eye(50), pairs))
    assert {name: each.mean() for name, each in values.items()} == {
        **dict.fromkeys(("recall@1", "recall@5", "recall@10", "mrr", "map", "auc"), 1.0),
        "mean_rank": 1.0,
    }
    blind = rank_pool(np.ones((50, 4)) / 2, np.ones((50, 4)) / 2, pairs)
    assert (blind.first == 25.5).all()
    assert (blind.area == 0.5).all()
    assert blind.tied.all()


def test_chance_is_what_random_vectors_get():
    rng = np.random.default_rng(0)
    relevant = np.array([(query, (query + shift) % 40) for query in range(2000) for shift in range(1 + query % 3)])
    ranks = rank_pool(rng.normal(size=(2000, 8)), rng.normal(size=(40, 8)), relevant)
    values = ranking_values(ranks)
    for name, chance in chance_of(ranks, relevant).items():
        assert values[name].mean() == pytest.approx(chance, abs=0.03)


def test_a_query_without_a_right_item_is_an_error():
    with pytest.raises(ValueError, match="at least one right item"):
        rank_pool(np.eye(2), np.eye(2), np.array([[0, 0]]))


def test_memory_does_not_grow_with_the_number_of_queries():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(3000, 4)).astype(np.float32)
    tracemalloc.start()
    rank_pool(vectors, vectors, np.repeat(np.arange(3000), 2).reshape(-1, 2), block_numbers=100_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4e6  # 3,000 × 3,000 scores would be 36 MB
