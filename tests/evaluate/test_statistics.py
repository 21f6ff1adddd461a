"""Intervals, paired tests and seeds against a naive bootstrap, scipy, exact formulas and simulated truth."""

from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, ttest_1samp

from protrek_hm.evaluate.statistics import (
    mean_over_pairs,
    mean_with_interval,
    paired_difference,
    sign_test,
    significance,
    summarise_seeds,
)


def simulate(rng, groups, *, level=0.8, spread=0.15):
    """Right and wrong cases in groups of unequal size, each with its own accuracy; their mean is `level`."""
    sizes = rng.integers(1, 12, groups)
    accuracy = np.clip(level + spread * rng.choice([-1.0, 1.0], groups), 0, 1)
    values = rng.random(sizes.sum()) < np.repeat(accuracy, sizes)
    return values.astype(float), np.repeat(np.arange(groups), sizes)


def test_interval_equals_a_naive_bootstrap_up_to_chance():
    values, groups = simulate(np.random.default_rng(3), 200)
    estimate = mean_with_interval(values, groups, seed=0, resamples=4000)
    rng = np.random.default_rng(1)
    cases = [values[groups == group] for group in range(200)]
    means = [np.concatenate([cases[at] for at in rng.integers(0, 200, 200)]).mean() for _ in range(2000)]
    assert (estimate.low, estimate.high) == pytest.approx(np.quantile(means, [0.025, 0.975]), abs=0.01)


@pytest.mark.parametrize("groups", [15, 60])
def test_interval_covers_the_truth(groups):
    rng = np.random.default_rng(7)
    runs = 400
    covered = 0
    for run in range(runs):
        estimate = mean_with_interval(*simulate(rng, groups), seed=run, resamples=600)
        covered += estimate.low <= 0.8 <= estimate.high
    assert 0.92 <= covered / runs <= 0.985


def test_bootstrap_over_cases_would_not_cover():
    rng = np.random.default_rng(7)
    covered = 0
    for run in range(100):
        groups = np.repeat(np.arange(20), 30)
        values = np.repeat((rng.random(20) < 0.8).astype(float), 30)  # a family is all right or all wrong
        as_if_independent = mean_with_interval(values, np.arange(len(groups)), seed=run, resamples=300)
        covered += as_if_independent.low <= 0.8 <= as_if_independent.high
    assert covered / 100 < 0.6


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_where_all_agree_the_interval_is_clopper_and_pearsons(value):
    estimate = mean_with_interval(np.full(24, value), np.repeat(np.arange(12), 2), seed=0)
    exact = binomtest(int(12 * value), 12).proportion_ci(0.95, method="exact")
    assert (estimate.low, estimate.high) == pytest.approx((exact.low, exact.high))


def test_one_group_has_no_interval():
    estimate = mean_with_interval(np.array([1.0, 0.0]), np.array([3, 3]), seed=0)
    assert (estimate.low, estimate.high, estimate.groups) == (None, None, 1)


def test_unknown_values_are_left_out():
    values = np.array([1.0, np.nan, 0.0, 0.5])
    estimate = mean_with_interval(values, np.arange(4), seed=0)
    assert (estimate.value, estimate.n, estimate.groups, estimate.ties) == (0.5, 3, 3, 1)
    assert mean_with_interval(np.array([np.nan]), np.array([0]), seed=0) is None


def test_paired_difference_is_narrower_than_unpaired():
    rng = np.random.default_rng(0)
    before, groups = simulate(rng, 100, level=0.6, spread=0.3)
    after = np.where(rng.random(len(before)) < 0.2, 1.0, before)
    difference = paired_difference(before, after, groups, seed=0)
    first, second = (mean_with_interval(values, groups, seed=0) for values in (before, after))
    assert difference.value == pytest.approx(second.value - first.value)
    assert difference.high - difference.low < second.high - first.low - (second.low - first.high)
    assert difference.low > 0


def test_paired_difference_of_a_model_with_itself_is_not_sure_to_be_zero():
    values = np.array([0.0, 1.0] * 10)
    difference = paired_difference(values, values, np.arange(20), seed=0)
    assert difference.low < difference.value == 0.0 < difference.high
    assert difference.high < 0.2
    assert difference.ties == 0


@given(
    st.lists(st.tuples(st.sampled_from([0.0, 0.5, 1.0]), st.integers(0, 5)), min_size=1, max_size=40),
    st.integers(0, 9),
)
def test_intervals_are_ordered_within_bounds_and_repeatable(cases, seed):
    values, groups = np.array([value for value, _ in cases]), np.array([group for _, group in cases])
    estimate = mean_with_interval(values, groups, seed=seed, resamples=100)
    assert estimate == mean_with_interval(values, groups, seed=seed, resamples=100)
    if estimate.low is not None:
        assert 0 <= estimate.low <= estimate.high <= 1


def pairs_of_one_family(rng, members):
    """All pairs of a family whose members are easy or hard to tell apart: the truth for further members is 0.7."""
    ease = rng.choice([0.4, 1.0], members)
    one, other = np.triu_indices(members, 1)
    values = rng.random(len(one)) < (ease[one] + ease[other]) / 2
    return values.astype(float), one, other


def test_the_interval_over_members_covers_the_truth_and_one_over_pairs_does_not():
    rng = np.random.default_rng(5)
    over_members = over_pairs = 0
    runs = 200
    for run in range(runs):
        values, one, other = pairs_of_one_family(rng, 25)
        ours = mean_over_pairs(values, one, other, seed=run, resamples=300)
        naive = mean_with_interval(values, np.arange(len(values)), seed=run, resamples=300)
        over_members += ours.low <= 0.7 <= ours.high
        over_pairs += naive.low <= 0.7 <= naive.high
    assert over_members / runs >= 0.93
    assert over_pairs / runs < 0.75


def test_members_that_always_agree_leave_room_for_unseen_ones():
    two = np.array([0, 1, 2]), np.array([1, 2, 3])
    estimate = mean_over_pairs(np.ones(3), *two, seed=0)
    assert (estimate.groups, estimate.high) == (4, 1.0)
    assert estimate.low == pytest.approx(0.025 ** (1 / 4))


def test_pairs_that_are_not_known_are_left_out():
    values = np.array([1.0, np.nan, 0.0, 1.0])
    one, other = np.arange(4), np.arange(4) + 4
    assert mean_over_pairs(values, one, other, seed=0).n == 3
    assert mean_over_pairs(np.full(4, np.nan), one, other, seed=0) is None


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
