import numpy as np
import pytest

from protrek_hm.mine.evidence.ec import judge_ec


@pytest.mark.parametrize(
    ("one", "other", "reason"),
    [
        ("1.1.1.1", "1.1.1.1", "ec:same"),
        ("1.1.1.1", "1.1.1.2", "ec:differs-at-4"),
        ("1.1.1.1", "1.1.2.1", "ec:differs-at-3"),
        ("1.1.1.1", "2.7.1.1", "ec:differs-at-1"),
        ("1.1.1.1; 2.7.1.1", "2.7.1.1", "ec:same"),
        ("1.1.1.1; 2.7.1.1", "2.7.1.2", "ec:differs-at-4"),
        ("1.1.1.-", "1.1.1.2", ""),
        ("1.1.-.-", "1.2.1.2", "ec:differs-at-2"),
        ("1.1.1.-", "1.1.1.-", ""),
        ("EC 3.4.21.n3", "3.4.21.n3", "ec:same"),
        ("none", "1.1.1.1", ""),
    ],
)
def test_levels(one, other, reason):
    forward = judge_ec([one, other], np.array([0]), np.array([1])).reasons.tolist()
    backward = judge_ec([one, other], np.array([1]), np.array([0])).reasons.tolist()
    assert forward == backward == [reason]
