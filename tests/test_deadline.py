"""Long loops of all rooms end at their next step when nobody waits for them; without that they run to their end."""

import itertools

import numpy as np
import pytest

from protrek_hm.deadline import checkpoint, until
from protrek_hm.errors import GivenUpError
from protrek_hm.homology.lookup import Lookup
from protrek_hm.index import nearest as nearest_of
from protrek_hm.search.hits import Hit, group_hits

AXES = np.eye(4, dtype=np.float32)
HITS = [Hit(rank, f"P{rank}", 0.5, 5.0, None, None, None, {"sequence": "MKTAYIAKQR"}) for rank in (1, 2, 3)]


def find_nearest():
    return nearest_of.nearest(AXES, AXES, k=1)


def find_relatives():
    return Lookup.of(["MKTAYIAKQR"] * 3).nearest(["MKTAYIAKQR"])


def group():
    return group_hits(HITS)


@pytest.mark.parametrize("work", [find_nearest, find_relatives, group])
def test_work_ends_after_each_number_of_steps_and_is_else_the_same(work, monkeypatch):
    monkeypatch.setattr(nearest_of, "VECTOR_BLOCK", 2)
    alone = repr(work())
    for steps in range(100):
        asked = itertools.count()
        try:
            with until(lambda asked=asked, steps=steps: next(asked) >= steps):
                assert repr(work()) == alone
            break
        except GivenUpError:
            pass
    assert steps >= 2, "there is more than one step at which it can end"


def test_outside_nobody_is_asked_and_inside_the_innermost_is():
    checkpoint()
    with until(lambda: True), until(lambda: False):
        checkpoint()
    with until(lambda: False), pytest.raises(GivenUpError), until(lambda: True):
        checkpoint()
    checkpoint()
