"""Paired tests and seeds, against scipy, exact sums and simulated truth."""

from math import comb

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from protrek_hm.evaluate.significance import sign_test, significance, summarise_seeds


@pytest.mark.parametrize(("wins", "losses"), [(0, 0), (1, 0), (5, 2), (2, 5), (30, 9), (12, 12)])
def test_mcnemar_is_the_exact_binomial_test(wins, losses):
    before = np.array([0.0] * wins + [1.0] * losses + [1.0] * 4)
    after = np.array([1.0] * wins + [0.0] * losses + [1.0] * 4)
    found = sign_test(before, after)
    assert (found.wins, found.losses, found.draws) == (wins, losses, 4)
    n = wins + losses
    as_uneven = sum(comb(n, k) for k in range(n + 1) if abs(2 * k - n) >= abs(wins - losses))
    assert found.p == pytest.approx(as_uneven / 2**n, abs=1e-12)


def test_over_groups_luck_is_not_taken_for_skill():
    rng = np.random.default_rng(3)
    groups = np.repeat(np.arange(12), 25)
    wrong_over_cases = wrong_over_groups = 0
    for _ in range(200):
        after = np.repeat(rng.integers(0, 2, 12), 25).astype(float)  # a family is all won or all lost, by luck
        found = significance(np.full(300, 0.5), after, groups)
        wrong_over_cases += found.cases.p < 0.05
        wrong_over_groups += found.groups.p < 0.05
    assert wrong_over_groups <= 14  # 5 % and chance
    assert wrong_over_cases > 100


def test_unknown_cases_are_left_out():
    found = significance(np.array([0.0, np.nan, 1.0]), np.array([1.0, 1.0, 1.0]), np.array([0, 0, 1]))
    assert (found.cases.wins, found.cases.draws) == (1, 1)


def test_seeds_have_students_interval():
    values = np.array([0.81, 0.86, 0.90, 0.84])
    summary = summarise_seeds(values)
    interval = ttest_1samp(values, 0).confidence_interval()
    assert (summary.low, summary.high) == pytest.approx((interval.low, interval.high))
    with pytest.raises(ValueError, match="at least two runs, got 1"):
        summarise_seeds(values[:1])
