"""Calibration, against a naive loop and simulated models that know, or overrate, their certainty."""

import numpy as np
import pytest

from protrek_hm.evaluate.calibration import choice_certainty, reliability


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
