import threading
from collections import Counter
from concurrent.futures import CancelledError, ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protrek_hm.deadline import checkpoint
from protrek_hm.errors import GivenUpError
from protrek_hm.serve.batching import Batcher, FullError


@pytest.fixture
def batcher():
    made = Batcher(most_waiting=5, batch_size=4, batch_wait=0.02)
    yield made
    made.close()


class Gate:
    """Answers once it is opened, and remembers what it was asked."""

    def __init__(self):
        self.asked, self.begun, self.open = [], threading.Event(), threading.Event()

    def __call__(self, items):
        self.asked.append(list(items))
        self.begun.set()
        assert self.open.wait(5)
        return [item * 10 for item in items]


def hold(batcher):
    """Keep the batcher busy until the gate opens."""
    gate = Gate()
    future = batcher.submit([0], gate)
    assert gate.begun.wait(5)
    return gate, future


def test_what_waits_is_answered_together_by_kind(batcher):
    gate, _ = hold(batcher)
    futures = [batcher.submit([item], gate, group=group) for item, group in ((1, "a"), (2, "b"), (3, "a"), (4, None))]
    gate.open.set()
    assert [future.result(5) for future in futures] == [[10], [20], [30], [40]]
    assert gate.asked == [[0], [1, 3], [2], [4]]


def test_no_more_than_a_batch_at_once_and_requests_stay_whole(batcher):
    gate, _ = hold(batcher)
    futures = [batcher.submit(items, gate, group="a") for items in ([1, 2, 3], [4, 5])]
    gate.open.set()
    assert [future.result(5) for future in futures] == [[10, 20, 30], [40, 50]]
    assert gate.asked == [[0], [1, 2, 3], [4, 5]]


def test_who_comes_when_it_is_full_is_told_so(batcher):
    gate, _ = hold(batcher)
    batcher.submit([1, 2, 3, 4, 5], gate, group="a")
    with pytest.raises(FullError, match="5 questions wait already"):
        batcher.submit([6], gate, group="a")
    assert batcher.waiting == 5
    gate.open.set()


def test_a_large_request_is_taken_when_nobody_waits(batcher):
    assert batcher.submit(list(range(20)), lambda items: items).result(5) == list(range(20))


def test_the_fault_of_one_is_told_to_it_alone(batcher):
    def invert(items):
        return [1 / item for item in items]

    gate, _ = hold(batcher)
    futures = [batcher.submit([item], invert, group="a") for item in (1, 0, 2)]
    gate.open.set()
    assert [futures[0].result(5), futures[2].result(5)] == [[1.0], [0.5]]
    with pytest.raises(ZeroDivisionError):
        futures[1].result(5)


def test_who_has_gone_is_not_answered(batcher):
    gate, _ = hold(batcher)
    gone, here = (batcher.submit([item], gate, group="a") for item in (1, 2))
    assert gone.cancel()
    gate.open.set()
    assert here.result(5) == [20]
    assert gate.asked == [[0], [2]]
    with pytest.raises(CancelledError):
        gone.result()


def test_what_waits_is_answered_before_the_end():
    batcher = Batcher(most_waiting=5, batch_size=1)
    gate, first = hold(batcher)
    last = batcher.submit([7], gate)
    threading.Timer(0.05, gate.open.set).start()
    batcher.close()
    assert (first.result(0), last.result(0)) == ([0], [70])
    with pytest.raises(FullError):
        batcher.submit([8], gate)


def test_work_whose_time_is_over_ends_at_its_next_step_and_is_not_done_again(batcher):
    steps = []

    def work(items):
        steps.append(list(items))
        while True:
            checkpoint()

    gate, _ = hold(batcher)
    both = [batcher.submit([item], work, group="a", seconds=0.2) for item in (1, 2)]
    late = batcher.submit([3], work, group="b", seconds=0.0)
    gate.open.set()
    for future in (*both, late):
        with pytest.raises(GivenUpError):
            future.result(20)
    assert steps == [[1, 2]], "what nobody waits for any more is not begun"
    assert batcher.submit([4], lambda items: items).result(20) == [4]


def test_at_the_end_what_runs_and_what_waits_can_be_given_up():
    batcher = Batcher(most_waiting=5, batch_size=1)
    begun = threading.Event()

    def work(_):
        begun.set()
        while True:
            checkpoint()

    futures = [batcher.submit([item], work) for item in (1, 2)]
    assert begun.wait(20)
    batcher.close(answer=False)
    for future in futures:
        with pytest.raises(GivenUpError):
            future.result(0)


def test_each_batch_is_watched_from_its_begin_to_its_end():
    told = []
    batcher = Batcher(most_waiting=5, batch_size=1, watch=told.append)
    batcher.submit([1], lambda items: items, seconds=50).result(20)
    batcher.close()
    [seconds, end] = told
    assert 0 < seconds <= 50
    assert end is None


@given(
    requests=st.lists(st.tuples(st.sampled_from("ab"), st.lists(st.integers(), min_size=1, max_size=5)), max_size=20),
    batch_size=st.integers(1, 8),
)
@settings(max_examples=20, deadline=None)
def test_every_answer_belongs_to_its_request(requests, batch_size):
    sizes = []
    batcher = Batcher(most_waiting=1000, batch_size=batch_size, observe=sizes.append)

    def ask(request):
        kind, items = request
        run = {"a": lambda items: [item + 1 for item in items], "b": lambda items: [-item for item in items]}[kind]
        return batcher.submit(items, run, group=kind).result(5)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, requests))
    batcher.close()
    assert answers == [[item + 1 if kind == "a" else -item for item in items] for kind, items in requests]
    assert sum(sizes) == sum(len(items) for _, items in requests)
    assert all(size <= batch_size or Counter(len(items) for _, items in requests)[size] for size in sizes)
