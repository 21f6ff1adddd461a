"""A busy model: who waits, who is refused, and who is given up."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest


@pytest.fixture
def held(searcher, monkeypatch):
    """The model takes its queries, and answers when the event is set."""
    begun, release = threading.Event(), threading.Event()
    encode = type(searcher).encode

    def slow(self, queries, **options):
        begun.set()
        assert release.wait(20)
        return encode(self, queries, **options)

    monkeypatch.setattr(type(searcher), "encode", slow)
    yield begun, release
    release.set()


def test_a_request_is_given_up_after_its_time(connect, held):
    _, release = held
    answer = connect(timeout=1.5).post("/v1/search", json={"query": "AAC"})
    release.set()
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert answer.json()["error"]["message"] == "no answer within 1.5 seconds"


def test_who_comes_when_the_queue_is_full_is_told_when_to_come_again(connect, held):
    begun, release = held
    client = connect(max_waiting=2, batch_wait=0.0)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(client.post, "/v1/search", json={"query": "AAC"})
        assert begun.wait(20)
        second = pool.submit(client.post, "/v1/batch", json={"queries": ["A", "C"]})
        while "protrek_hm_waiting 2.0" not in client.get("/metrics").text:
            pass
        refused = client.post("/v1/search", json={"query": "DDD"})
        release.set()
        assert first.result(20).status_code == second.result(20).status_code == 200
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 0
    assert client.post("/v1/search", json={"query": "DDD"}).status_code == 200


def test_a_bad_request_does_not_harm_those_that_are_answered_with_it(connect, held):
    begun, release = held
    client = connect(batch_wait=0.0)
    with ThreadPoolExecutor(4) as pool:
        pool.submit(client.post, "/v1/search", json={"query": "AAC"})
        assert begun.wait(20)
        requests = [{"query": "AAC"}, {"query": "AAC", "where": "colour = 'red'"}, {"query": "DDD", "k": 1}]
        answers = [pool.submit(client.post, "/v1/search", json=request) for request in requests]
        while "protrek_hm_waiting 3.0" not in client.get("/metrics").text:
            pass
        release.set()
        assert [answer.result(20).status_code for answer in answers] == [200, 400, 200]
    for request, answer in zip(requests, answers, strict=True):
        assert answer.result().json() == client.post("/v1/search", json=request).json()
