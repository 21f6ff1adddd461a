"""A busy model: who waits, who is refused, and who is given up."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from protrek_hm.index.records import rows_where


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
        requests = [{"query": "AAC"}, {"query": "AAC", "where": "cast(id as integer) = 1"}, {"query": "DDD", "k": 1}]
        answers = [pool.submit(client.post, "/v1/search", json=request) for request in requests]
        while "protrek_hm_waiting 3.0" not in client.get("/metrics").text:
            pass
        release.set()
        assert [answer.result(20).status_code for answer in answers] == [200, 400, 200]
    for request, answer in zip(requests, answers, strict=True):
        assert answer.result().json() == client.post("/v1/search", json=request).json()


def test_work_ends_with_the_time_of_its_request(connect, monkeypatch):
    looked_at, release = [], threading.Event()

    def slow(records, where):
        looked_at.append(len(records))
        assert release.wait(20)
        return rows_where(records, where)

    monkeypatch.setattr("protrek_hm.serve.conditions._STEP", 1)
    monkeypatch.setattr("protrek_hm.serve.conditions.rows_where", slow)
    client = connect(timeout=1.0)
    answer = client.post("/v1/search", json={"query": "AAC", "where": "length > 1"})
    assert (answer.status_code, answer.json()["error"]["message"]) == (503, "no answer within 1 seconds")
    release.set()
    assert client.post("/v1/search", json={"query": "AAC"}).status_code == 200
    assert looked_at == [1], "of five records the first alone, then nobody waited"


@pytest.mark.parametrize(
    ("path", "request_", "field"),
    [
        ("describe", {"sequences": ["A" * 9000] * 30}, "sequences"),
        ("batch", {"queries": ["A" * 9000] * 30}, "queries"),
        ("score", {"texts": ["A" * 9000] * 30, "sequences": ["A"]}, "texts"),
        ("score", {"texts": ["A"], "sequences": ["A" * 9000] * 30}, "sequences"),
    ],
)
def test_what_would_take_long_to_encode_is_refused_before(connect, letter_encoder, path, request_, field):
    model = letter_encoder()
    answer = connect(model=model).post(f"/v1/{path}", json=request_)
    assert answer.status_code == 400
    assert answer.json()["error"]["field"] == field
    assert "270,000 characters together, more than 250,000" in answer.json()["error"]["message"]
    assert model.encoded == []


def test_a_large_answer_is_refused_before_the_work_where_records_are_large(connect, letter_encoder):
    model = letter_encoder()
    client = connect(model=model, max_answer_bytes=1000)
    for path, request in (
        ("batch", {"queries": ["A"] * 20, "k": 5}),
        ("describe", {"sequences": ["AAC"] * 20, "k": 5}),
    ):
        answer = client.post(f"/v1/{path}", json=request)
        assert answer.status_code == 400
        assert answer.json()["error"]["message"] == "the answer would have more than 1,000 bytes"
        assert answer.json()["error"]["remedy"]
    assert model.encoded == []


def test_an_answer_that_grows_too_large_is_refused_for_its_own_request_only(connect):
    request = {"queries": ["AAC"] * 4, "k": 2}
    results = connect().post("/v1/batch", json=request).json()["results"]
    client = connect(max_answer_bytes=len(json.dumps([each["families"] for each in results])) // 2)
    assert client.post("/v1/batch", json=request).status_code == 400
    assert client.post("/v1/batch", json={**request, "queries": ["AAC"]}).status_code == 200


def test_answers_are_written_by_another_thread_than_the_one_that_listens(connect, monkeypatch):
    client, threads = connect(), {}

    def watched(answer):
        threads["writes"] = threading.get_ident()
        return b"{}"

    async def listens(self, request):
        threads["listens"] = threading.get_ident()
        return {}

    monkeypatch.setattr("protrek_hm.serve.app.dump", watched)
    monkeypatch.setattr("protrek_hm.serve.service.Service.search", listens)
    assert client.post("/v1/search", json={"query": "AAC"}).content == b"{}"
    assert threads["writes"] != threads["listens"]


def test_long_proteins_of_the_index_are_not_aligned_here(connect):
    answer = connect(max_query_length=9).post("/v1/explain", json={"text": "GG", "a": "P1", "b": "P2"})
    assert answer.status_code == 400
    assert "10 and 10 residues are too long to be compared here" in answer.json()["error"]["message"]
