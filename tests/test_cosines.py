"""Ties at their very border, blocks, and vectors that are no unit vectors."""

import numpy as np
import pytest

from protrek_hm.cosines import PAIR_BLOCK, TOLERANCE, better_and_tied, cosines_of_pairs, equal_ties, preference
from protrek_hm.errors import DamagedVectorError

BEYOND = np.nextafter(TOLERANCE, 1)
pytestmark = pytest.mark.numeric


def test_what_differs_by_the_tolerance_is_tied_and_no_more():
    right = np.array([TOLERANCE, 0.0, BEYOND, 0.0, np.nan])
    wrong = np.array([0.0, TOLERANCE, 0.0, BEYOND, 0.0])
    np.testing.assert_array_equal(preference(right, wrong), [0.5, 0.5, 1.0, 0.0, np.nan])


def test_the_same_border_counts_who_is_better():
    others = np.array([-BEYOND, -TOLERANCE, 0.0, TOLERANCE, BEYOND])
    assert [each.tolist() for each in better_and_tied(others, np.array([0.0]))] == [[1], [3]]
    wider = np.array([-2 * BEYOND, -2 * TOLERANCE, 2 * TOLERANCE, 2 * BEYOND])
    assert [each.tolist() for each in better_and_tied(wider, np.array([0.0]), slack=TOLERANCE)] == [[1], [2]]
    assert [each.tolist() for each in better_and_tied(wider, np.array([0.0]))] == [[2], [0]]


def test_and_makes_equal_what_is_tied_with_the_highest_of_them():
    assert equal_ties(np.array([0.0, TOLERANCE])).tolist() == [TOLERANCE] * 2
    assert equal_ties(np.array([0.0, BEYOND])).tolist() == [0.0, BEYOND]
    chain = np.array([0.0, 2.5 * TOLERANCE, 1.6 * TOLERANCE, 3 * TOLERANCE])  # the highest takes those within its reach
    assert equal_ties(chain).tolist() == [0.0, 3 * TOLERANCE, 1.6 * TOLERANCE, 3 * TOLERANCE]
    found = equal_ties(np.array([np.nan, 0.5, np.nan, 0.5 - TOLERANCE / 2]))
    np.testing.assert_array_equal(found, [np.nan, 0.5, np.nan, 0.5])


def test_each_pair_in_whatever_block():
    rng = np.random.default_rng(0)
    left, right = (rng.normal(size=(7, 5)).astype(np.float32) for _ in range(2))
    left, right = (each / np.linalg.norm(each, axis=1, keepdims=True) for each in (left, right))
    query, index = rng.integers(0, 7, (2, 2 * PAIR_BLOCK + 3))
    wanted = [
        sum(float(x) * float(y) for x, y in zip(left[q], right[i], strict=True))
        for q, i in zip(query, index, strict=True)
    ]
    np.testing.assert_allclose(cosines_of_pairs(left, right, query, index), wanted, rtol=0, atol=1e-12)


@pytest.mark.parametrize("number", [1.01, -1.01, np.nan, np.inf])
def test_a_vector_of_another_length_is_told_and_rounding_is_not(number):
    one, none = np.array([0]), np.array([[0.0]])
    for sign in (1.0, -1.0):
        found = cosines_of_pairs(np.array([[1.0005]]), np.array([[sign]]), one, one)
        assert found.tolist() == [sign]
    vectors = np.concatenate([none, np.array([[number]]), np.array([[5.0]])])
    with pytest.raises(DamagedVectorError) as damaged:
        cosines_of_pairs(np.array([[1.0]]), vectors, np.zeros(3, int), np.arange(3))
    np.testing.assert_equal(damaged.value.cosine, number)
