"""A sweep against models merged and scored one by one."""

import numpy as np
import pytest

from protrek_hm.errors import MissingColumnError, ModelError, NothingFoundError
from protrek_hm.evaluate.statistics import Estimate
from protrek_hm.merge import SweepConfig, merge_models, sweep
from protrek_hm.merge.sweeping import Point, choose
from protrek_hm.model.protrek import ProTrek

CONFIG = SweepConfig(points=5, resamples=100)


def accuracy(model, frame):
    """Score the table row by row, both directions."""
    right = []
    for seq, text, other_seq, other_text, _component in frame.iter_rows():
        scores = model.score([text, other_text], [seq, other_seq])
        right += [scores[0, 0] > scores[0, 1], scores[0, 0] > scores[1, 0]]
    return np.mean(right)


def test_every_point_by_hand(base, tuned, hard, easy):
    seen = []
    result = sweep(base, tuned, hard, easy, CONFIG, progress=seen.append)
    assert [point.alpha for point in result.points] == [0, 0.25, 0.5, 0.75, 1]
    assert seen == list(result.points)
    for point in result.points:
        model = merge_models(base, tuned, alpha=point.alpha)
        assert point.hard.value == pytest.approx(accuracy(model, hard))
        assert point.easy.value == pytest.approx(accuracy(model, easy))
        assert (point.hard.n, point.easy.n) == (12, 12)
        assert point.hard.low <= point.hard.value <= point.hard.high
    assert len({point.hard.value for point in result.points}) > 1, "the points differ, or this shows nothing"
    assert result.hard_gain.value == pytest.approx(result.chosen.hard.value - result.points[0].hard.value)
    assert result.easy_gain.value == pytest.approx(result.chosen.easy.value - result.points[0].easy.value)


def test_each_distinct_input_is_encoded_once_for_each_alpha(base, tuned, hard, easy, monkeypatch):
    calls = []
    whole = ProTrek.encode

    def encode(self, inputs, **options):
        calls.append(list(inputs))
        return whole(self, inputs, **options)

    monkeypatch.setattr(ProTrek, "encode", encode)
    sweep(base, tuned, hard, easy, SweepConfig(points=2, resamples=100))
    assert sorted(map(len, calls)) == [3, 3, 12, 12]
    assert all(len(set(each)) == len(each) for each in calls)


def point(alpha, hard, easy):
    return Point(alpha, *(Estimate(value, None, None, n=1000, groups=1) for value in (hard, easy)))


def test_the_rule():
    line = [point(0, 0.5, 0.9), point(0.5, 0.8, 0.897), point(0.75, 0.9, 0.896), point(1, 0.95, 0.8)]
    assert choose(line, easy_tolerance=0.003).alpha == 0.5  # exactly the tolerance below
    assert choose(line, easy_tolerance=0.0).alpha == 0
    assert choose(line, easy_tolerance=0.004).alpha == 0.75
    assert choose(line, easy_tolerance=1).alpha == 1
    equals = [point(0, 0.5, 0.9), point(0.5, 0.8, 0.91), point(0.75, 0.8, 0.92), point(1, 0.8, 0.92)]
    assert choose(equals, easy_tolerance=0.003).alpha == 0.75


def test_several_models(base, tuned, load, hard, easy):
    several = [tuned, load(noise=0.2, seed=2)]
    result = sweep(base, several, hard, easy, SweepConfig(points=2, resamples=100))
    expected = accuracy(merge_models(base, several, alpha=1), hard)
    assert result.points[1].hard.value == pytest.approx(expected)


def test_bad_tables_and_models(base, tuned, load, hard, easy):
    with pytest.raises(MissingColumnError, match="easy validation triplets"):
        sweep(base, tuned, hard, easy.drop("anchor_text"))
    with pytest.raises(NothingFoundError, match="hard validation triplets"):
        sweep(base, tuned, hard.clear(), easy)
    other = load()
    del other[0].sub_modules["structure"]
    with pytest.raises(ModelError, match="towers"):
        sweep(base, other, hard, easy)
