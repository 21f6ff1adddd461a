"""Metrics against naive loops, enumeration and scikit-learn."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protrek_hm.cosines import TOLERANCE
from protrek_hm.evaluate.metrics import group_score, margins, protein_to_text, text_to_protein

pytestmark = pytest.mark.numeric

TABLES = st.lists(
    st.lists(st.integers(0, 3), min_size=4, max_size=4),  # few values, so that ties are frequent
    min_size=1,
    max_size=20,
)


def as_scores(tables):
    """Return the scores, with noise in their last digits: what is tied differs by less than the tolerance."""
    scores = np.array(tables, dtype=float).reshape(-1, 2, 2) / 4
    return scores + np.random.default_rng(scores.size).uniform(-TOLERANCE / 3, TOLERANCE / 3, scores.shape)


def naive_choice(right, wrong):
    return 0.5 if abs(right - wrong) <= TOLERANCE else float(right > wrong)


def group_by_enumeration(table):
    """Order the four cells in every way that equals allow; count how often both right ones lead."""
    cells = [("right", table[0][0]), ("wrong", table[0][1]), ("wrong", table[1][0]), ("right", table[1][1])]
    orders = [
        order
        for order in permutations(cells)
        if all(first[1] >= second[1] - TOLERANCE for first, second in zip(order, order[1:], strict=False))
    ]
    return np.mean([[kind for kind, _ in order[:2]] == ["right", "right"] for order in orders])


@given(TABLES)
def test_choices_equal_naive_loops(tables):
    scores = as_scores(tables)
    for value, table in zip(text_to_protein(scores), scores, strict=True):
        assert value == naive_choice(table[0, 0], table[0, 1])
    for value, table in zip(protein_to_text(scores), scores, strict=True):
        assert value == naive_choice(table[0, 0], table[1, 0])
    for value, table in zip(margins(scores), scores, strict=True):
        assert value == table[0, 0] - table[0, 1]


@given(TABLES)
def test_group_score_equals_enumeration_of_all_ways_to_break_ties(tables):
    scores = as_scores(tables)
    assert group_score(scores) == pytest.approx([group_by_enumeration(table) for table in scores])


@given(TABLES)
def test_group_score_is_the_same_from_either_side_of_the_pair(tables):
    scores = as_scores(tables)
    assert group_score(scores).tolist() == group_score(scores[:, ::-1, ::-1]).tolist()


def test_random_scores_get_chance():
    scores = np.random.default_rng(0).random((60_000, 2, 2))
    assert text_to_protein(scores).mean() == pytest.approx(1 / 2, abs=0.01)
    assert protein_to_text(scores).mean() == pytest.approx(1 / 2, abs=0.01)
    assert group_score(scores).mean() == pytest.approx(1 / 6, abs=0.01)


def test_what_needs_an_unknown_text_is_unknown():
    scores = np.array([[[0.9, 0.1], [np.nan, np.nan]]])
    assert text_to_protein(scores).tolist() == [1.0]
    assert np.isnan(protein_to_text(scores)).all()
    assert np.isnan(group_score(scores)).all()
