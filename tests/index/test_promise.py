import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from protrek_hm.index.promise import promise, ranked

WORTH = arrays(np.float64, st.tuples(st.integers(1, 5), st.integers(1, 6)), elements=st.integers(0, 4).map(float))


def test_the_best_of_many_is_about_what_is_promised():
    rng = np.random.default_rng(0)
    dimension, size, closeness = 256, 300, 0.8
    centre, query = np.eye(dimension)[0], np.array([0.3, np.sqrt(1 - 0.3**2), *np.zeros(dimension - 2)])
    best = []
    for _ in range(30):
        around = rng.normal(size=(size, dimension - 1))
        around /= np.linalg.norm(around, axis=1, keepdims=True)
        vectors = np.hstack([np.full((size, 1), closeness), np.sqrt(1 - closeness**2) * around])
        best.append((vectors @ query).max())
    promised = promise(
        np.array([query @ centre]), np.array([closeness]), np.array([size]), scatter=(1 - 0.3**2) ** 0.5 / 16
    )
    assert abs(np.mean(best) - promised[0]) < 0.02


@given(worth=WORTH, floor=st.integers(0, 5))
def test_lists_are_ranked_as_by_sorting_them(worth, floor):
    found = ranked(worth, np.full(len(worth), float(floor)))
    for row, places in zip(worth, found, strict=True):
        wanted = sorted((i for i, value in enumerate(row) if value >= floor), key=lambda i, row=row: (-row[i], i))
        assert [i for i in places.tolist() if i >= 0] == wanted
        assert (places[len(wanted) :] == -1).all()


def test_an_empty_list_promises_its_centre_at_most():
    cosines = np.array([[0.5, 0.5]], dtype=np.float32)
    promised = promise(cosines, np.array([1, 0.5], dtype=np.float32), np.array([0, 0]), scatter=0.1)
    assert promised.dtype == np.float32
    assert promised.tolist() == [[0.5, 0.25]]
