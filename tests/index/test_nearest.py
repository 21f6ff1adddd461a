from itertools import product

import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protrek_hm import cosines as cosines_room
from protrek_hm.errors import OptionError
from protrek_hm.index import nearest as room
from protrek_hm.index.nearest import inner_products, nearest, nearest_proposed
from protrek_hm.index.segments import Stack

pytestmark = pytest.mark.numeric

# unit vectors whose cosines are exact in floating point, so that ties are ties: ±e_i and (±½, ±½, ±½, ±½)
EXACT = np.array(
    [*np.eye(4), *-np.eye(4), *(np.array(signs) / 2 for signs in product((-1, 1), repeat=4))],
    dtype=np.float32,
)
rows = st.lists(st.integers(0, len(EXACT) - 1), min_size=1, max_size=40).map(lambda chosen: EXACT[chosen])


def naive(queries, vectors, k):
    cosines = [[sum(float(a) * float(b) for a, b in zip(q, v, strict=True)) for v in vectors] for q in queries]
    order = [sorted(range(len(vectors)), key=lambda i, row=row: (-row[i], i))[:k] for row in cosines]
    return [[row[i] for i in best] for row, best in zip(cosines, order, strict=True)], order


@given(queries=rows, vectors=rows, k=st.integers(1, 50), blocks=st.tuples(*[st.integers(1, 9)] * 3))
@settings(max_examples=150, deadline=None)
def test_agrees_with_sorting_all_cosines_ties_included(queries, vectors, k, blocks):
    with pytest.MonkeyPatch.context() as patch:
        for home, name, size in zip(
            (room, room, cosines_room), ("QUERY_BLOCK", "VECTOR_BLOCK", "PAIR_BLOCK"), blocks, strict=True
        ):
            patch.setattr(home, name, size)
        cosines, found = nearest(queries, vectors, k=k)
    wanted_cosines, wanted = naive(queries, vectors, k)
    assert found.tolist() == wanted
    assert cosines.tolist() == wanted_cosines


def random_units(n, dim, seed):
    vectors = np.random.default_rng(seed).normal(size=(n, dim))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def test_agrees_with_sorting_all_cosines_of_real_numbers(monkeypatch):
    monkeypatch.setattr(room, "VECTOR_BLOCK", 300)
    vectors, queries = random_units(1000, 64, seed=1), random_units(150, 64, seed=2)
    cosines, found = nearest(queries, vectors, k=20)
    all_cosines = queries.astype(np.float64) @ vectors.astype(np.float64).T
    np.testing.assert_array_equal(found, np.argsort(-all_cosines, axis=1)[:, :20])
    np.testing.assert_allclose(cosines, np.take_along_axis(all_cosines, found, axis=1), atol=1e-12)


def test_equal_vectors_tie_wherever_they_lie_and_batches_change_nothing():
    vectors, queries = random_units(501, 100, seed=3), random_units(130, 100, seed=4)
    vectors[[7, 250, 500]] = queries[5]
    cosines, found = nearest(queries, vectors, k=5)
    assert found[5, :3].tolist() == [7, 250, 500]
    assert len(set(cosines[5, :3])) == 1
    for i in (0, 5, 129):
        alone = nearest(queries[i : i + 1], vectors, k=5)
        np.testing.assert_array_equal(alone[0][0], cosines[i])
        np.testing.assert_array_equal(alone[1][0], found[i])


def test_cosines_stay_within_bounds():
    vectors = random_units(50, 7, seed=5)
    cosines, _ = nearest(vectors, np.concatenate([vectors, -vectors]), k=100)
    assert cosines.max() <= 1.0
    assert cosines.min() >= -1.0


@pytest.mark.parametrize("k", [0, -1])
def test_k_below_one_is_refused(k):
    with pytest.raises(OptionError, match="k = "):
        nearest(EXACT, EXACT, k=k)


pytestmark = pytest.mark.numeric

# unit vectors whose cosines are exact in floating point, so that ties are ties
EXACT = np.array([*np.eye(4), *-np.eye(4), *(np.array(signs) / 2 for signs in product((-1, 1), repeat=4))], np.float32)
chosen = st.lists(st.integers(0, len(EXACT) - 1), min_size=1, max_size=20)


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
