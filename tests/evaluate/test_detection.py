"""Detection by a threshold, against scikit-learn and exhaustive search."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, f1_score, precision_score, recall_score, roc_auc_score

from protrek_hm.cosines import TOLERANCE
from protrek_hm.evaluate.detection import auroc, average_precision, best_threshold, threshold_scores

pytestmark = pytest.mark.numeric

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
    assert found.precision == pytest.approx(precision_score(labels, accepted, zero_division=0))
    assert found.recall == pytest.approx(recall_score(labels, accepted))
    assert found.f1 == pytest.approx(f1_score(labels, accepted))


@given(SCORES, SCORES)
def test_no_threshold_is_better_than_the_best(positive, negative):
    _, scores, right, wrong = arrays(positive, negative)
    best = threshold_scores(right, wrong, best_threshold(right, wrong)).f1
    assert best == pytest.approx(max(threshold_scores(right, wrong, float(each)).f1 for each in scores))


@pytest.mark.parametrize("measure", [auroc, average_precision, best_threshold])
def test_nothing_to_compare_is_an_error(measure):
    with pytest.raises(ValueError, match="at least one"):
        measure(np.array([]), np.array([0.5]))
