from itertools import product

import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protrek_hm.index.arrays import Stack
from protrek_hm.index.nearest import nearest
from protrek_hm.index.proposed import inner_products, nearest_proposed

pytestmark = pytest.mark.numeric

# unit vectors whose cosines are exact in floating point, so that ties are ties
EXACT = np.array([*np.eye(4), *-np.eye(4), *(np.array(signs) / 2 for signs in product((-1, 1), repeat=4))], np.float32)
chosen = st.lists(st.integers(0, len(EXACT) - 1), min_size=1, max_size=20)


def random_units(n, dim, seed):
    vectors = np.random.default_rng(seed).normal(size=(n, dim))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@given(queries=chosen, vectors=chosen, k=st.integers(1, 9), seed=st.integers(0, 99))
@settings(max_examples=80, deadline=None)
def test_agrees_with_sorting_the_proposals_ties_included(queries, vectors, k, seed):
    queries, vectors = EXACT[queries], EXACT[vectors]
    rng = np.random.default_rng(seed)
    proposed = np.array([rng.permutation(len(vectors)) for _ in queries])
    proposed[rng.random(proposed.shape) < 0.3] = -1
    cosines, found = nearest_proposed(queries, vectors, proposed, k=k)
    for query, numbers, values, places in zip(queries, proposed.tolist(), cosines, found, strict=True):
        naive = sorted(
            (-sum(float(a * b) for a, b in zip(query, vectors[i], strict=True)), i) for i in numbers if i >= 0
        )
        assert places.tolist() == [i for _, i in naive[:k]] + [-1] * (k - len(naive))
        assert values[: len(naive)].tolist() == [-cosine for cosine, _ in naive[:k]]
        assert np.isnan(values[len(naive) :]).all()


def test_all_proposed_is_the_exact_search_and_nothing_proposed_is_empty():
    vectors, queries = random_units(400, 96, seed=1), random_units(9, 96, seed=2)
    every = np.tile(np.random.default_rng(0).permutation(400), (9, 1))
    for found, wanted in zip(
        nearest_proposed(queries, vectors, every, k=20), nearest(queries, vectors, k=20), strict=True
    ):
        np.testing.assert_array_equal(found, wanted)
    _, found = nearest_proposed(queries, vectors, np.full((9, 3), -1), k=2)
    assert (found == -1).all()


@pytest.mark.parametrize("threads", [1, 2])
def test_batches_threads_and_parts_change_nothing(threads):
    vectors, queries = random_units(500, 100, seed=3), random_units(40, 100, seed=4)
    proposed = np.array([np.random.default_rng(i).choice(500, 60, replace=False) for i in range(40)])
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(threads)
    try:
        cosines, found = nearest_proposed(queries, Stack([vectors[:123], vectors[123:]]), proposed, k=10)
        for i in range(40):
            alone = nearest_proposed(queries[[i]], vectors, proposed[[i]], k=10)
            assert alone[0].tobytes() == cosines[i].tobytes()
            assert alone[1].tobytes() == found[i].tobytes()
    finally:
        faiss.omp_set_num_threads(before)
    for i, (row, places) in enumerate(zip(cosines, found, strict=True)):
        values = vectors.astype(np.float64) @ queries[i].astype(np.float64)
        wanted = sorted(proposed[i].tolist(), key=lambda number, values=values: -values[number])[:10]
        assert places.tolist() == wanted
        np.testing.assert_allclose(row, values[wanted], atol=1e-12)


def test_products_are_those_of_each_pair_alone():
    vectors, queries = random_units(50, 33, seed=5), random_units(7, 33, seed=6)
    every = np.broadcast_to(np.arange(50), (7, 50))
    products = inner_products(queries, vectors, every)
    np.testing.assert_allclose(products, queries @ vectors.T, atol=1e-6)
    one = inner_products(queries[[3]], vectors, np.array([[41]]))
    assert one[0, 0] == products[3, 41]
