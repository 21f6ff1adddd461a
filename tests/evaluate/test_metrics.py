"""Metrics, thresholds and calibration against naive loops, enumeration and scikit-learn."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, f1_score, precision_score, recall_score, roc_auc_score

from protrek_hm.cosines import TOLERANCE
from protrek_hm.evaluate.metrics import (
    Reliability,
    auroc,
    average_precision,
    best_threshold,
    choice_certainty,
    group_score,
    margins,
    protein_to_text,
    reliability,
    text_to_protein,
    threshold_scores,
)

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


SCORES = st.lists(st.integers(0, 5), min_size=1, max_size=30)  # few values, so that ties are frequent


def arrays(positive, negative):
    """Return labels and scores, and the scores with noise in their last digits, which decides nothing."""
    labels = [1] * len(positive) + [0] * len(negative)
    noise = np.random.default_rng(len(labels)).uniform(-TOLERANCE / 3, TOLERANCE / 3, len(labels))
    right, wrong = np.split(np.array(positive + negative, dtype=float) + noise, [len(positive)])
    return labels, positive + negative, right, wrong


@given(SCORES, SCORES)
def test_areas_equal_scikit_learn(positive, negative):
    labels, scores, right, wrong = arrays(positive, negative)
    assert auroc(right, wrong) == pytest.approx(roc_auc_score(labels, scores))
    assert average_precision(right, wrong) == pytest.approx(average_precision_score(labels, scores))


@given(SCORES, SCORES, st.integers(0, 5))
def test_threshold_scores_equal_scikit_learn(positive, negative, threshold):
    labels, scores, right, wrong = arrays(positive, negative)
    accepted = [int(score >= threshold) for score in scores]
    found = threshold_scores(right, wrong, float(threshold))
    assert found["precision"] == pytest.approx(precision_score(labels, accepted, zero_division=0))
    assert found["recall"] == pytest.approx(recall_score(labels, accepted))
    assert found["f1"] == pytest.approx(f1_score(labels, accepted))


@given(SCORES, SCORES)
def test_no_threshold_is_better_than_the_best(positive, negative):
    _, scores, right, wrong = arrays(positive, negative)
    best = threshold_scores(right, wrong, best_threshold(right, wrong))["f1"]
    assert best == pytest.approx(max(threshold_scores(right, wrong, float(each))["f1"] for each in scores))


@pytest.mark.parametrize("measure", [auroc, average_precision, best_threshold])
def test_nothing_to_compare_is_an_error(measure):
    with pytest.raises(ValueError, match="at least one"):
        measure(np.array([]), np.array([0.5]))


def naive_error(certainty, correct, bins):
    edges = np.linspace(0.5, 1.0, bins + 1)
    error = 0.0
    for number, (low, high) in enumerate(zip(edges, edges[1:], strict=False)):
        inside = [at for at, sure in enumerate(certainty) if low < sure <= high or (number == 0 and sure == low)]
        if inside:
            error += len(inside) * abs(np.mean([certainty[at] - correct[at] for at in inside]))
    return error / len(certainty)


def test_error_equals_a_naive_loop():
    rng = np.random.default_rng(0)
    certainty, correct = rng.uniform(0.5, 1, 500), rng.integers(0, 2, 500).astype(float)
    assert reliability(certainty, correct).error == pytest.approx(naive_error(certainty, correct, 10))


def test_who_knows_its_certainty_has_no_error_who_boasts_has():
    rng = np.random.default_rng(1)
    certainty = rng.uniform(0.5, 1, 40_000)
    correct = (rng.random(40_000) < certainty).astype(float)
    assert reliability(certainty, correct).error < 0.015
    assert reliability(np.full(40_000, 0.999), correct).error == pytest.approx(0.249, abs=0.01)


def test_every_case_is_in_one_bin():
    result = reliability(np.array([0.5, 0.55, 0.5500001, 1.0]), np.ones(4))
    assert result.counts == (2, 1, 0, 0, 0, 0, 0, 0, 0, 1)
    assert len(result.as_dict()["bins"]) == 3


def test_certainty_is_the_softmax_of_two():
    scores, temperature = np.array([0.3, 0.25]), 0.02
    softmax = np.exp(scores / temperature) / np.exp(scores / temperature).sum()
    assert choice_certainty(np.array([0.05]), temperature)[0] == pytest.approx(softmax.max())
    assert choice_certainty(np.array([2.0]), 1e-3)[0] == 1.0


def test_no_case_is_an_error():
    with pytest.raises(ValueError, match="at least one case"):
        reliability(np.array([]), np.array([]))


def test_bins_of_few_cases_join_the_next_and_a_remainder_the_last():
    nan = float("nan")
    seven = Reliability(0.25, (3, 0, 3, 1, 1, 2, 1), (0.5, nan, 0.625, 0.75, 0.75, 0.875, 1), (1, nan, 0, 1, 0, 1, 0))
    assert seven.pooled(3) == [(3, 0.5, 1), (3, 0.625, 0), (5, (0.75 + 0.75 + 2 * 0.875 + 1) / 5, 3 / 5)]
    assert [cases for cases, *_ in seven.pooled(1)] == [3, 3, 1, 1, 2, 1]
    assert Reliability(0, (1,), (0.5,), (1.0,)).pooled(3) == [(1, 0.5, 1.0)]
    assert Reliability(0, (4, 3), (0.5, 1.0), (1.0, 0.5)).pooled(3) == [(4, 0.5, 1.0), (3, 1.0, 0.5)]
    assert seven.as_dict()["ece"] == 0.25
    assert seven.as_dict()["bins"][1] == {"cases": 3, "certainty": 0.625, "accuracy": 0}
