import pytest
from scipy.stats import binomtest

from protrek_hm.mine.intervals import Rate


@pytest.mark.parametrize(("count", "total"), [(0, 10), (3, 10), (10, 10), (31, 3472)])
def test_agrees_with_scipy(count, total):
    wanted = binomtest(count, total).proportion_ci(method="wilson")
    assert Rate(count, total).interval == pytest.approx((wanted.low, wanted.high))


def test_nothing_says_nothing():
    assert Rate(0, 0).interval == (0.0, 1.0)
