from math import sqrt

import pytest

from protrek_hm.mine.intervals import Rate


@pytest.mark.parametrize(("count", "total"), [(0, 10), (3, 10), (10, 10), (1, 1), (31, 3472), (350_766, 10**7)])
def test_is_wilson_s_formula(count, total):
    z, share = 1.959963984540054, count / total  # 97.5th percentile of the normal distribution
    centre = (share + z**2 / (2 * total)) / (1 + z**2 / total)
    half = z / (1 + z**2 / total) * sqrt(share * (1 - share) / total + z**2 / (4 * total**2))
    assert Rate(count, total).interval == pytest.approx((centre - half, centre + half), abs=1e-12)
    assert 0 <= Rate(count, total).interval[0] <= count / total <= Rate(count, total).interval[1] <= 1


def test_nothing_says_nothing():
    assert Rate(0, 0).interval == (0.0, 1.0)
