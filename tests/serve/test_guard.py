import asyncio
import socket
import threading

import pytest

from protrek_hm.serve import create_app, guard
from protrek_hm.serve.pages import page_routes

KEY = "k" * 24
QUESTION = {"query": "AAC"}
HEAD = b"POST /v1/search HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 16\r\n"


def refused(answer, status, field):
    assert answer.status_code == status, answer.text
    assert answer.json()["error"]["field"] == field
    return True


def test_a_key_lets_in_what_asks_the_index(connect):
    client = connect(api_keys=("j" * 24, KEY))
    for headers in (
        {},
        {"authorization": f"Bearer {KEY[:-1]}"},
        {"authorization": f"Basic {KEY}"},
        {"x-api-key": ""},
        {"authorization": "Bearer é".encode("latin-1")},
    ):
        answer = client.post("/v1/search", json=QUESTION, headers=headers)
        assert refused(answer, 401, "Authorization")
        assert answer.headers["www-authenticate"] == "Bearer"
        assert KEY not in answer.text
    for headers in ({"authorization": f"Bearer {KEY}"}, {"authorization": f"bearer  {KEY} "}, {"x-api-key": KEY}):
        assert client.post("/v1/search", json=QUESTION, headers=headers).status_code == 200


def test_without_a_key_only_the_page_its_description_and_health_are_open(connect):
    client = connect(api_keys=(KEY,))
    page = {route.path for route in page_routes()}
    described = set(client.app.openapi()["paths"])
    assert "/" in page
    assert "/v1/search" in described
    for path in page | described | {"/openapi.json", "/docs"}:
        is_open = path in page | {"/healthz", "/openapi.json", "/docs"}
        assert (client.get(path).status_code != 401) == is_open, path


def test_a_server_on_loopback_answers_to_names_of_this_machine_only(connect):
    client = connect(allow_hosts=("lab.example.org",))
    for host in ("localhost", "LOCALHOST:8000", "127.0.0.1:8000", "[::1]:8000", "lab.example.org"):
        assert client.get("/healthz", headers={"host": host}).status_code == 200
    for host in ("evil.example.org", "localhost.evil.example.org:80", "", "127.0.0.1.evil.example.org"):
        assert refused(client.get("/healthz", headers={"host": host}), 421, "Host")


def test_a_server_for_others_answers_to_all_names_unless_told_otherwise(connect):
    assert connect(host="0.0.0.0").get("/healthz", headers={"host": "lab"}).status_code == 200
    client = connect(host="0.0.0.0", allow_hosts=("lab",))
    assert client.get("/healthz", headers={"host": "lab"}).status_code == 200
    assert refused(client.get("/healthz", headers={"host": "other"}), 421, "Host")


def test_pages_of_other_sites_may_not_ask(client):
    answer = client.post("/v1/search", json=QUESTION, headers={"sec-fetch-site": "cross-site"})
    assert refused(answer, 403, "Origin")
    answer = client.options(
        "/v1/search", headers={"origin": "http://evil.example.org", "access-control-request-method": "POST"}
    )
    assert "access-control-allow-origin" not in answer.headers


def test_every_answer_tells_browsers_what_is_safe(client):
    for answer in (client.get("/"), client.get("/nowhere"), client.post("/v1/search", json=QUESTION)):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'self'" in answer.headers["content-security-policy"]
        assert "server" not in answer.headers
    assert answer.headers["cache-control"] == "no-store"


def test_large_requests_are_refused_whether_or_not_they_say_so(connect):
    client = connect(max_body_bytes=1000)
    assert refused(client.post("/v1/search", json={"query": "A" * 1000}), 413, "body")
    chunks = (b"x" * 100 for _ in range(100))  # sent without a length
    answer = client.post("/v1/search", content=chunks, headers={"content-type": "application/json"})
    assert refused(answer, 413, "body")
    for length in ("-1", "1e9", "²"):
        answer = client.post("/v1/search", content=b"{}", headers={"content-length": length.encode()})
        assert refused(answer, 413, "body")


def test_a_body_that_does_not_come_is_given_up(connect):
    app = connect(timeout=0.5).app
    headers = [(b"host", b"localhost"), (b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": "/v1/search", "raw_path": b"/v1/search", "query_string": b""}
    sent = []

    async def receive():
        if not sent:
            sent.append("a part")
            return {"type": "http.request", "body": b'{"query"', "more_body": True}
        await asyncio.sleep(60)

    async def send(message):
        sent.append(message)

    asyncio.run(app({**scope, "headers": headers}, receive, send))
    _, start, body = sent
    assert start["status"] == 408
    assert b"takes too long to come" in body["body"]


def test_bodies_are_held_up_to_a_limit_together_and_let_go_at_their_end(connect):
    client = connect(max_body_bytes=1000)
    scope = {"type": "http", "method": "POST", "path": "/v1/search", "raw_path": b"/v1/search", "query_string": b""}
    headers = [(b"host", b"localhost"), (b"content-type", b"application/json")]
    waiting = []

    async def ask(end):
        """Send most of a body, and the rest never; returns the status, if there is an answer before the end."""
        parts, statuses = iter([{"type": "http.request", "body": b" " * 900, "more_body": True}]), []

        async def receive():
            part = next(parts, None)
            if part is None:
                waiting.append("a part")
                await end.wait()
            return part or {"type": "http.disconnect"}

        async def send(message):
            statuses.append(message.get("status"))

        await client.app({**scope, "headers": headers}, receive, send)
        return statuses[0]

    async def converse():
        end = asyncio.Event()
        held = [asyncio.create_task(ask(end)) for _ in range(17)]  # 17 × 900 bytes of 16 × 1000
        while len(waiting) < len(held):
            await asyncio.sleep(0.01)
        assert await ask(end) == 429
        end.set()
        await asyncio.gather(*held, return_exceptions=True)
        return await ask(end)

    assert asyncio.run(converse()) != 429
    assert client.post("/v1/search", json=QUESTION).status_code == 200


@pytest.mark.parametrize("method", ["PUT", "BREW"])
def test_odd_methods_share_one_count(client, method):
    client.request(method, "/v1/search")
    assert 'method="other"' in client.get("/metrics").text


@pytest.fixture
def connect_slowly(listen, monkeypatch):
    """Open connections to a server that waits half a second for a head, and for room."""
    monkeypatch.setattr(guard, "_SECONDS_FOR_HEAD", 0.5)
    monkeypatch.setattr(guard, "_SECONDS_STALLED", 0.5)

    def start(app):
        host, port = listen(app, http=guard.KeepingUp).removeprefix("http://").split(":")
        return lambda: socket.create_connection((host, int(port)), timeout=30)

    return start


def is_cut(connected):
    try:
        return connected.recv(1000) == b""
    except ConnectionResetError:
        return True


def test_a_head_that_does_not_come_is_waited_for_no_longer_than_its_time(connect_slowly, searcher):
    connection = connect_slowly(create_app(searcher))
    with connection() as silent, connection() as slow, connection() as quick:
        slow.sendall(HEAD)
        quick.sendall(HEAD + b"\r\n")
        assert is_cut(silent)
        assert is_cut(slow)
        quick.sendall(b'{"query": "AAC"}')
        assert quick.recv(1000).startswith(b"HTTP/1.1 200"), "its body may take longer"


def test_an_answer_that_is_not_taken_is_given_up(connect_slowly):
    written = threading.Event()

    async def app(scope, receive, send):
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": bytes(64 << 20)})  # waits for room
            written.set()

    with connect_slowly(app)() as idle:
        idle.sendall(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
        assert written.wait(30)
