"""Clients that do not keep up, at a real socket."""

import socket
import threading

import pytest

from protrek_hm.serve import create_app, protocol

HEAD = b"POST /v1/search HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 16\r\n"


@pytest.fixture
def connect(listen, monkeypatch):
    """Open connections to a server that waits half a second for a head, and for room."""
    monkeypatch.setattr(protocol, "_HEADERS", 0.5)
    monkeypatch.setattr(protocol, "_STALLED", 0.5)

    def start(app):
        host, port = listen(app, http=protocol.KeepingUp).removeprefix("http://").split(":")
        return lambda: socket.create_connection((host, int(port)), timeout=30)

    return start


def is_cut(connected):
    try:
        return connected.recv(1000) == b""
    except ConnectionResetError:
        return True


def test_a_head_that_does_not_come_is_waited_for_no_longer_than_its_time(connect, searcher):
    connection = connect(create_app(searcher))
    with connection() as silent, connection() as slow, connection() as quick:
        slow.sendall(HEAD)
        quick.sendall(HEAD + b"\r\n")
        assert is_cut(silent)
        assert is_cut(slow)
        quick.sendall(b'{"query": "AAC"}')
        assert quick.recv(1000).startswith(b"HTTP/1.1 200"), "its body may take longer"


def test_an_answer_that_is_not_taken_is_given_up(connect):
    written = threading.Event()

    async def app(scope, receive, send):
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": bytes(64 << 20)})  # waits for room
            written.set()

    with connect(app)() as idle:
        idle.sendall(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
        assert written.wait(30)
