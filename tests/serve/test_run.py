"""The server as a process: its port, its signals, its end, and many clients at once."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from protrek_hm.index import Index

SERVER = [sys.executable, str(Path(__file__).parent / "letters_server.py"), "serve"]


@contextmanager
def served(index, *flags):
    """A running server; its process, and a client of it."""
    process = subprocess.Popen([*SERVER, str(index), "--port", "0", *flags], stderr=subprocess.PIPE, text=True)
    try:
        first = process.stderr.readline()
        [url] = re.findall(r"http://\S+", first)
        with httpx2.Client(base_url=url, timeout=60) as client:
            deadline = time.monotonic() + 90  # machines can be busy
            while True:
                try:
                    client.get("/healthz")
                    break
                except httpx2.ConnectError:
                    assert time.monotonic() < deadline
                    time.sleep(0.05)
            yield process, client
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def server(index_folder):
    with served(index_folder) as (_, client):
        yield client


def test_fifty_clients_get_the_answers_of_one(server):
    requests = [
        {"query": f"{word * (1 + number % 3)}C", "by": by, "k": 1 + number % 4, "want": want}
        for number, word in enumerate(("AAC", "DW", "KR", "MN", "QP", "EF"))
        for by in ("text", "sequence")
        for want in ("sequence", "text")
    ]
    wanted = [server.post("/v1/search", json=request).json() for request in requests]

    def ask(client_number):
        with httpx2.Client(base_url=server.base_url, timeout=60) as client:
            order = [(client_number * 7 + step) % len(requests) for step in range(8)]
            return [client.post("/v1/search", json=requests[each]).json() == wanted[each] for each in order]

    with ThreadPoolExecutor(50) as pool:
        same = [each for answers in pool.map(ask, range(50)) for each in answers]
    assert len(same) == 400
    assert all(same)
    batches = server.get("/metrics").text
    [together] = re.findall(r'batch_size_bucket{le="1.0"} (\S+)', batches)
    [all_] = re.findall(r"batch_size_count (\S+)", batches)
    assert float(together) < float(all_), "some were answered together"


def test_rubbish_instead_of_http_ends_one_connection_only(server):
    for rubbish in (os.urandom(200), b"GET / HTTP/1.1\r\n" + b"X: " + b"y" * 100_000, b"\0" * 5000):
        with socket.create_connection((server.base_url.host, server.base_url.port), timeout=60) as connection:
            connection.sendall(rubbish + b"\r\n\r\n")
            answer = connection.recv(1000)
            assert not answer or answer.startswith((b"HTTP/1.1 4",))
    assert server.get("/healthz").status_code == 200


def test_killed_in_the_middle_the_index_is_whole(index_folder):
    before = {file: file.read_bytes() for file in sorted(index_folder.rglob("*")) if file.is_file()}
    with served(index_folder) as (process, client):
        client.post("/v1/search", json={"query": "AAC"})
        process.send_signal(signal.SIGKILL)
        process.wait(60)
    assert before == {file: file.read_bytes() for file in sorted(index_folder.rglob("*")) if file.is_file()}
    assert Index.open(index_folder).info.counts["records"] == 5


def test_a_signal_ends_it_when_open_requests_are_answered(index_folder):
    with served(index_folder) as (process, client), ThreadPoolExecutor(1) as pool:
        open_request = pool.submit(client.post, "/v1/search", json={"query": "WAIT"})
        with httpx2.Client(base_url=client.base_url, timeout=60) as other:
            while "batch_size_count 1.0" not in other.get("/metrics").text:
                time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        assert open_request.result(60).status_code == 200
        process.wait(60)
        assert process.stderr.read() == ""


def test_several_processes_share_a_port_and_their_counts_and_openness_is_warned_of(index_folder):
    with served(index_folder, "--workers", "2", "--host", "0.0.0.0") as (process, client):
        assert "warning: everybody who reaches 0.0.0.0 may ask" in process.stderr.readline()
        for _ in range(6):
            with httpx2.Client(base_url=client.base_url, timeout=60) as other:
                assert other.post("/v1/search", json={"query": "AAC"}).status_code == 200
        counts = client.get("/metrics").text
        assert 'requests_total{method="POST",route="/v1/search",status="200"} 6.0' in counts
        process.send_signal(signal.SIGINT)
        process.wait(60)
