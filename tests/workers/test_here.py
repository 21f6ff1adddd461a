import itertools
import operator
import os
import time

import pytest

from protrek_hm.deadline import until
from protrek_hm.errors import FileFormatError, GivenUpError, ModelError, WorkerLostError
from protrek_hm.workers import Needs, Shared, map_shards
from protrek_hm.workers.here import Here

TWO = Shared(int, ("2",), here=2)
KINDS = {
    "a loop": Needs(at_once=1),
    "threads": Needs(at_once=3),
    "processes": Needs(at_once=2, interpreter=True),
}
kinds = pytest.mark.parametrize("needs", KINDS.values(), ids=list(KINDS))


@kinds
def test_results_come_in_the_order_of_the_shards_and_are_made_as_they_are_asked_for(needs):
    shards = itertools.count()
    with map_shards(pow, shards, shared=TWO, needs=needs) as powers:
        assert list(itertools.islice(powers, 20)) == [2**n for n in range(20)]
    assert next(shards) < 20 + 5 * needs.at_once, "no more than a few are made ahead"


def test_a_slow_shard_holds_its_place():
    with map_shards(_sleep, [0.2, 0.0, 0.1], shared=TWO, needs=KINDS["threads"]) as slept:
        assert list(slept) == [0.2, 0.0, 0.1]


def _sleep(_, seconds):
    time.sleep(seconds)
    return seconds


@kinds
def test_an_error_of_a_shard_comes_as_it_is(needs):
    with map_shards(operator.truediv, [1, 0, 1], shared=TWO, needs=needs) as parts:
        assert next(parts) == 2
        with pytest.raises(ZeroDivisionError):
            next(parts)


@pytest.mark.parametrize("kind", ["a loop", "threads"])
def test_work_that_nobody_waits_for_is_given_up(kind):
    done = []

    def work(_, shard):
        done.append(shard)

    with until(lambda: len(done) >= 4), map_shards(work, itertools.count(), shared=TWO, needs=KINDS[kind]) as results:
        with pytest.raises(GivenUpError):
            list(results)
    assert len(done) < 30


def test_what_is_left_over_is_cancelled():
    begun = []

    def work(_, shard):
        begun.append(shard)
        time.sleep(0.01)

    with map_shards(work, range(1_000), shared=TWO, needs=Needs(at_once=2)) as results:
        next(results)
    so_far = len(begun)
    time.sleep(0.05)
    assert len(begun) == so_far < 20


def test_a_process_that_dies_is_told_with_its_shard():
    own = Shared(os.getpid, (), here=None)
    with map_shards(os.kill, [0, 9], shared=own, needs=KINDS["processes"]) as results:
        assert next(results) is None  # signal 0 does nothing
        with pytest.raises(WorkerLostError, match="a process died") as caught:
            next(results)
    assert caught.value.shard == 9


def test_each_process_sees_its_own_device(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-a,GPU-b")
    name = Shared(str, ("CUDA_VISIBLE_DEVICES",), here="")
    results = Here(("1", "cpu")).map(os.getenv, [None] * 40, shared=name, needs=Needs(device=True, at_once=1))
    assert set(results) <= {"GPU-b", ""}
    assert list(Here(("1",)).map(os.getenv, [None], shared=name, needs=Needs(device=True))) == ["GPU-b"]


@pytest.mark.parametrize(
    "error", [FileFormatError("a.txt", "empty", "fill it"), ModelError("no route", "take another")]
)
def test_errors_survive_the_way_between_processes(error):
    import pickle

    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert again.__dict__ == error.__dict__
