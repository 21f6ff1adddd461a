"""The server as a process: its port, its signals, its end, and many clients at once."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx2
import polars as pl
import pytest

from protrek_hm.index import Index, build_index
from protrek_hm.serve.run import own_folder

SERVER = [sys.executable, str(Path(__file__).parent / "letters_server.py"), "serve"]


@contextmanager
def served(index, *flags):
    """A running server; its process, and a client of it."""
    command = [*SERVER, str(index), "--port", "0", *flags]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
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


def workers_of(process):
    """The processes of the workers."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return [int(each) for each in children if b"spawn_main" in Path(f"/proc/{each}/cmdline").read_bytes()]


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


def test_a_signal_ends_it_when_open_requests_are_answered(index_folder):
    with served(index_folder) as (process, client), ThreadPoolExecutor(1) as pool:
        open_request = pool.submit(client.post, "/v1/search", json={"query": "WAIT"})
        with httpx2.Client(base_url=client.base_url, timeout=60) as other:
            while "batch_size_count 1.0" not in other.get("/metrics").text:
                time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        assert open_request.result(60).status_code == 200
        assert process.wait(60) == 0
        assert process.stderr.read() == ""


def test_a_signal_ends_it_even_if_a_request_does_not(index_folder, tmp_path):
    (tmp_path / "serve.toml").write_text("[serve]\ngrace = 1\n")
    with (
        served(index_folder, "--config", str(tmp_path / "serve.toml")) as (process, client),
        ThreadPoolExecutor(1) as pool,
    ):
        [worker] = workers_of(process)
        stuck = pool.submit(client.post, "/v1/search", json={"query": "STUCK"})
        assert process.stderr.readline() == "stuck\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        assert process.stderr.read() == "warning: 1 workers did not end within 1 s, and were killed\n"
        assert not Path(f"/proc/{worker}").exists()
        with pytest.raises(httpx2.TransportError):
            stuck.result(60)


def test_a_model_that_does_not_fit_is_told_once_and_no_address_before(letter_encoder, tmp_path):
    proteins = pl.DataFrame({"id": ["P1"], "sequence": ["MKV"]})
    build_index(proteins, letter_encoder("others"), tmp_path / "index", model_name="user/model")
    command = [*SERVER, str(tmp_path / "index"), "--port", "0", "--workers", "2"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith("error: the index was built with the model user/model")


def test_a_worker_that_is_killed_is_replaced_none_outlives_the_server_and_the_index_is_whole(index_folder):
    before = {file: file.read_bytes() for file in sorted(index_folder.rglob("*")) if file.is_file()}
    with served(index_folder) as (process, client):
        [worker] = workers_of(process)
        os.kill(worker, signal.SIGKILL)
        line = process.stderr.readline()
        assert re.fullmatch(rf"warning: worker {worker} ended by signal 9; another one is started in \d+ s\n", line)
        with httpx2.Client(base_url=client.base_url, timeout=60) as other:
            assert other.post("/v1/search", json={"query": "AAC"}).status_code == 200
        [another] = workers_of(process)
        process.send_signal(signal.SIGKILL)
        process.wait(60)
        deadline = time.monotonic() + 60
        while Path(f"/proc/{another}").exists() and "Z" not in Path(f"/proc/{another}/stat").read_text().split()[2]:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    assert before == {file: file.read_bytes() for file in sorted(index_folder.rglob("*")) if file.is_file()}
    assert Index.open(index_folder).info.counts["records"] == 5


def test_semaphores_of_a_killed_worker_give_no_warning(index_folder):
    with served(index_folder) as (process, client):
        client.post("/v1/search", json={"query": "LOCK"})
        [worker] = workers_of(process)
        os.kill(worker, signal.SIGKILL)
        assert f"worker {worker} ended by signal 9" in process.stderr.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        assert process.stderr.read() == ""


def test_all_workers_answer_from_one_state_and_the_rest_goes_on(index_folder, letter_encoder, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    folder = shutil.copytree(index_folder, tmp_path / "index")
    with served(folder, "--workers", "2") as (process, client):

        def records():
            with httpx2.Client(base_url=client.base_url, timeout=60) as other:
                return other.get("/v1/index").json()["counts"]["records"]

        first, second = workers_of(process)
        while not all(list(tmp_path.glob(f"protrek-hm-serve-*/*_{each}.db")) for each in (first, second)):
            time.sleep(0.05)  # both have opened the index when they begin to count
        folder.rename(tmp_path / "away")
        os.kill(first, signal.SIGKILL)
        line = ""
        while not ("cannot be started" in line and "no such file or folder" in line):
            assert process.poll() is None
            line = process.stderr.readline()
        assert "1 go on, another one is tried in" in line
        assert records() == 5

        more = pl.DataFrame({"id": ["N1"], "sequence": ["WWWW"], "text": ["new"]})
        build_index(more, letter_encoder(), folder, model_name="user/model")
        while "is not replaced: the index has changed" not in process.stderr.readline():
            assert process.poll() is None
        assert {records() for _ in range(10)} == {5}, "one that is started later does not answer from the new one"

        os.kill(second, signal.SIGKILL)
        assert records() == 1, "when none is left with the old one, all have the new one"
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


def test_work_that_no_checkpoint_ends_ends_its_process():
    code = (
        "import itertools\nfrom protrek_hm.serve import run\nrun._LATE = 0.0\n"
        "run._end_if_stuck(30.0)\nrun._end_if_stuck(None)\nrun._end_if_stuck(0.05)\n"
        "sum(itertools.repeat(0))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr.startswith("Timeout (0:00:00.05")


def test_what_a_killed_server_left_is_swept_and_nothing_else(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    stale, foreign = tmp_path / "protrek-hm-serve-old", tmp_path / "protrek-hm-serve-notes"
    for folder in (stale, foreign):
        (folder / "upload-x").mkdir(parents=True)
    (stale / "lock").touch()
    (tmp_path / "target").mkdir()
    (tmp_path / "target" / "lock").touch()
    (tmp_path / "protrek-hm-serve-link").symlink_to(tmp_path / "target")
    with own_folder() as one, own_folder() as two:
        (one / "file").touch()
        assert one != two
        assert not stale.exists()
        with own_folder():
            assert (one / "file").exists(), "in use"
    assert not one.exists()
    assert foreign.exists()
    assert (tmp_path / "target" / "lock").exists()


def test_several_processes_share_a_port_and_their_counts_and_openness_is_warned_of(index_folder):
    with served(index_folder, "--workers", "2", "--host", "0.0.0.0") as (process, client):
        assert "warning: everybody who reaches 0.0.0.0 may ask" in process.stderr.readline()
        for _ in range(6):
            with httpx2.Client(base_url=client.base_url, timeout=60) as other:
                assert other.post("/v1/search", json={"query": "AAC"}).status_code == 200
        counts = client.get("/metrics").text
        assert 'requests_total{method="POST",route="/v1/search",status="200"} 6.0' in counts
        os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C does: all processes get it
        assert process.wait(60) == 0
        assert process.stderr.read() == ""


def test_ctrl_c_ends_it_quietly_before_it_answers(index_folder):
    command = [*SERVER, str(index_folder), "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        deadline = time.monotonic() + 60
        while not workers_of(process):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(60) == 0
        assert process.stderr.read() == ""


@pytest.mark.release
def test_two_thousand_requests_leave_no_memory_behind(index_folder):
    requests = [
        ("search", {"query": "AAC", "k": 3}),
        ("search", {"query": "DW", "by": "sequence", "where": "length < 400"}),
        ("batch", {"queries": ["A", "C", "D"]}),
        ("score", {"texts": ["A", "D"], "sequences": ["AACC", "MKV"]}),
        ("explain", {"text": "A and C", "a": "P1", "b": "P2"}),
        ("scan", {"text": "A and C", "protein": "P1", "region": [1, 3]}),
        ("describe", {"sequences": ["AACCDDEE"]}),
        ("search", {"query": "A", "where": "id in (select 1)"}),
        ("search", {"colour": "red"}),
        ("nowhere", {}),
    ]

    def ask(client, number):
        path, body = requests[number % len(requests)]
        unlike = {
            name: f"{each}{'ACDE'[number % 4]}" if name in ("query", "text") else each for name, each in body.items()
        }
        return client.post(f"/v1/{path}", json=unlike).status_code

    def resident(pid):
        return 1024 * int(re.search(r"RssAnon:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1])

    with served(index_folder) as (process, client):
        [worker] = workers_of(process)
        for number in range(500):
            ask(client, number)
        warm = resident(worker)
        statuses = {ask(client, number) for number in range(2000)}
        grown = resident(worker) - warm
    print(f"{warm / 1e6:.1f} MB, {grown / 1e6:+.1f} MB after 2,000 requests")  # noqa: T201 - for docs/LOG.md
    assert statuses == {200, 400, 404, 422}
    assert grown < 8e6
