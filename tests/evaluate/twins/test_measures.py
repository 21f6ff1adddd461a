"""Figures of the board against naive loops; no huge family decides, no small margin looks good."""

import numpy as np
import pytest

from protrek_hm.evaluate.statistics import mean_over_strata, mean_with_interval
from protrek_hm.evaluate.twins.measures import case_values, estimate, weighted_median

RNG = np.random.default_rng(3)


def naive_mean(values, families, sets):
    """The rule in words: cases within a family, families within a set, sets."""
    means = []
    for one_set in sorted(set(sets)):
        of_families = []
        for family in sorted(set(families[sets == one_set])):
            known = [
                v for v, s, f in zip(values, sets, families, strict=True) if (s, f) == (one_set, family) and v == v
            ]
            if known:
                of_families.append(sum(known) / len(known))
        if of_families:
            means.append(sum(of_families) / len(of_families))
    return sum(means) / len(means)


def test_families_and_sets_weigh_alike_as_in_a_naive_loop():
    families, sets = RNG.integers(0, 9, 200), RNG.integers(0, 3, 200)
    values = np.where(RNG.random(200) < 0.2, np.nan, RNG.integers(0, 3, 200) / 2)
    found = estimate(values, families, sets, seed=0, resamples=200)
    assert found.value == pytest.approx(naive_mean(values, families, sets))
    assert (found.n, found.groups) == (int((~np.isnan(values)).sum()), 9)
    assert found.low < found.value < found.high


def test_sets_of_few_families_count_as_one():
    """Two sets of two families each, all wrong, beside one of five, all right: not 1/3 but 1/2."""
    families, sets = np.arange(9), np.array([1, 1, 2, 2, 3, 3, 3, 3, 3])
    assert estimate((sets == 3).astype(float), families, sets, seed=0, resamples=100).value == 0.5


def test_one_huge_family_does_not_decide():
    families = np.repeat(np.arange(11), [10_000] + [4] * 10)
    values = (families > 0).astype(float)
    found = estimate(values, families, np.ones_like(families), seed=0, resamples=500)
    assert found.value == pytest.approx(10 / 11)
    assert found.low > 0.6


def test_one_stratum_is_a_mean_with_interval():
    values, groups = RNG.random(60), RNG.integers(0, 12, 60)
    one = mean_over_strata(values, groups, np.zeros(60, dtype=np.int64), seed=5)
    assert one.value == pytest.approx(mean_with_interval(values, groups, seed=5).value)
    assert (one.low, one.high) == pytest.approx((mean_with_interval(values, groups, seed=5).low,
                                                 mean_with_interval(values, groups, seed=5).high))  # fmt: skip


def test_strata_in_which_all_agree_have_an_interval_all_the_same():
    found = mean_over_strata(np.array([1.0] * 20 + [0.5] * 20), np.arange(40), np.repeat([0, 1], 20), seed=0)
    assert found.value == 0.75
    assert (found.low, found.high) == pytest.approx((0.75 - 0.168 * 0.75, 0.75 + 0.168 * 0.25), abs=1e-3)


def test_exchanging_a_and_b_changes_nothing():
    scores = RNG.normal(size=(50, 2, 2))
    control, families, parts = RNG.random(50) < 0.3, RNG.integers(0, 6, 50), np.zeros(50, dtype=np.int64)
    one = case_values(scores, control, families, parts)
    other = case_values(scores[:, ::-1, ::-1], control, families, parts)
    for name in one:
        np.testing.assert_array_equal(one[name], other[name])


def test_the_weighted_median_is_that_of_a_list_with_repeats():
    values, times = RNG.normal(size=31), RNG.integers(1, 5, 31)
    repeated = np.sort(np.repeat(values, times))[::-1]
    assert weighted_median(values, times.astype(float)) == repeated[(len(repeated) - 1) // 2]


@pytest.mark.parametrize(
    ("right", "wrong", "in_controls", "expected"),
    [
        (0.9, 0.1, 0.01, 0.0),  # it knows where something is to be told apart
        (0.9, 0.1, 0.9, 1.0),  # it sees everywhere as much
        (0.1, 0.9, 0.01, 1.0),  # always wrong
        (0.5, 0.5, 0.0, 1.0),  # blind: no margin anywhere
    ],
)
def test_false_alarms(right, wrong, in_controls, expected):
    real = np.array([[[right, wrong], [wrong, right]]] * 10)
    control = np.array([[[in_controls, 0.0], [0.0, in_controls]]] * 4)
    families = np.arange(14)
    is_control = np.repeat([False, True], [10, 4])
    values = case_values(np.concatenate([real, control]), is_control, families, np.zeros(14, dtype=np.int64))
    assert np.isnan(values["false_alarms"][:10]).all()
    assert values["false_alarms"][10:].tolist() == [expected] * 4


def test_a_model_at_chance_does_not_look_good():
    """Its margins in controls are those of real cases: half would exceed their median size, here nearly all do."""
    scores = RNG.normal(size=(4000, 2, 2))
    is_control = np.arange(4000) >= 2000
    values = case_values(scores, is_control, np.arange(4000), np.zeros(4000, dtype=np.int64))
    assert np.nanmean(values["text_to_protein"]) == pytest.approx(0.5, abs=0.03)
    assert np.nanmean(values["false_alarms"]) > 0.9
