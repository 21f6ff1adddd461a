"""How a server holds out under many clients: latency, throughput, memory, and whether each gets its own answer.

    OMP_NUM_THREADS=1 python benchmarks/serve.py [--seconds 60] [--clients 50] [--index INDEX]

Without --index, one is built of random proteins with a fresh model of random weights (--layers, --hidden): then the
server is measured, not the model. Clients ask on loopback, without pause, from processes of their own: texts,
sequences, batches, conditions, scores. Each kind of request was answered once before, with nobody else there; an answer
is right if it has the same hits in the same order, with scores within 1e-5 (encoding in batches moves the last digit).
Prints latency by kind, requests a second, processor time, refusals (429), errors, wrong answers, and the memory.
"""

import argparse
import http.client
import json
import multiprocessing
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

LETTERS = list("ACDEFGHIKLMNPQRSTVWY")
WORDS = "binds zinc heme kinase of the membrane transports sugar and copper hydrolyses beta lactams in stress".split()
PROCESSES = 2


def say(*words: object) -> None:
    """Print at once."""
    print(*words, flush=True)  # noqa: T201


def draw(kind: str, n: int, rng: np.random.Generator) -> list[str]:
    """Return random texts or proteins of log-normal length."""
    if kind == "text":
        return [" ".join(rng.choice(WORDS, int(length))) for length in rng.integers(3, 20, n)]
    return ["".join(rng.choice(LETTERS, int(length))) for length in rng.lognormal(5.7, 0.4, n)]


def build(folder: Path, args: argparse.Namespace, rng: np.random.Generator) -> Path:
    """Write a model and an index of random proteins."""
    from protrek_hm.index import build_index
    from protrek_hm.model import ModelConfig, ProTrek, TowerConfig

    texts = draw("text", args.records, rng)
    tower = TowerConfig(layers=args.layers, hidden=args.hidden, heads=4, max_tokens=512)
    config = ModelConfig(sequence=tower, text=tower, dimension=256, vocabulary=500)
    ProTrek.build(config, texts=texts).save_pretrained(str(folder / "model"))
    table = pl.DataFrame(
        {
            "id": [f"P{number:05}" for number in range(args.records)],
            "sequence": draw("sequence", args.records, rng),
            "text": texts,
            "organism": rng.choice(["Escherichia coli", "Homo sapiens"], args.records),
        }
    )
    model = ProTrek.from_pretrained(folder / "model")
    build_index(table, model, folder / "index", model_name=str(folder / "model"))
    return folder / "index"


def requests_of(rng: np.random.Generator) -> list[tuple[str, str, dict[str, Any]]]:
    """Return (kind, path, body) of mixed requests."""
    found: list[tuple[str, str, dict[str, Any]]] = []
    for text, sequence in zip(draw("text", 20, rng), draw("sequence", 20, rng), strict=True):
        found.append(("text", "search", {"query": text, "k": 10}))
        found.append(("text, where", "search", {"query": text, "where": "length < 300 and organism = 'Homo sapiens'"}))
        found.append(("sequence", "search", {"query": sequence, "by": "sequence", "k": 10}))
        found.append(("text for sequence", "search", {"query": sequence, "by": "sequence", "want": "text", "k": 5}))
        found.append(("batch of 8 texts", "batch", {"queries": draw("text", 8, rng), "group": False}))
        found.append(("score", "score", {"texts": [text], "sequences": [sequence, sequence[::-1]]}))
    return found


def ask(connection: http.client.HTTPConnection, path: str, body: dict[str, Any]) -> tuple[int, Any]:
    """Send one request."""
    connection.request("POST", f"/v1/{path}", json.dumps(body), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


def connected(port: int) -> http.client.HTTPConnection:
    """Wait until the server has loaded its model."""
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        try:
            connection.connect()
        except ConnectionRefusedError:
            time.sleep(0.2)
        else:
            return connection


def essence(content: Any) -> tuple[list[str], list[float]]:
    """Return the ids of an answer in order, and its scores."""
    answers = content.get("results", [content])
    hits = [hit for answer in answers for family in answer.get("families", []) for hit in family["hits"]]
    scores = [hit["score"] for hit in hits] + [score for row in content.get("scores", []) for score in row]
    return [hit["id"] for hit in hits], scores


def client(port: int, seconds: float, wanted: list[Any], *, seed: int) -> list[tuple[str, float, str]]:
    """Ask without pause; return (kind, seconds, how it went) of each request."""
    rng = np.random.default_rng(seed)
    requests = requests_of(np.random.default_rng(0))
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    done = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        number = int(rng.integers(len(requests)))
        kind, path, body = requests[number]
        begun = time.perf_counter()
        status, content = ask(connection, path, body)
        took = time.perf_counter() - begun
        if status != 200:
            done.append((kind, took, f"status {status}"))
            continue
        (ids, scores), (wanted_ids, wanted_scores) = essence(content), wanted[number]
        same = ids == wanted_ids and np.allclose(scores, wanted_scores, rtol=0, atol=1e-5)
        done.append((kind, took, "right" if same else "wrong"))
    return done


def clients(port: int, seconds: float, wanted: list[Any], seeds: list[int]) -> list[tuple[str, float, str]]:
    """Run a process's share of the clients."""
    with ThreadPoolExecutor(len(seeds)) as pool:
        found = pool.map(lambda seed: client(port, seconds, wanted, seed=seed), seeds)
        return [each for done in found for each in done]


def processor_seconds(pid: int) -> float:
    """Return the processor time of a process, which others on the machine do not lengthen as they do the clock's."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(pid: int) -> dict[str, float]:
    """Return the resident memory of a process now and at most, in MB."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return {name: int(kb) / 1024 for name, kb in re.findall(r"(VmRSS|VmHWM):\s+(\d+) kB", status)}


def measure(index: Path, args: argparse.Namespace) -> None:
    """Serve the index, ask, and report."""
    command = [sys.executable, "-m", "protrek_hm", "serve", str(index), "--port", "0"]
    server = subprocess.Popen([*command, *args.flags], stderr=subprocess.PIPE, text=True)
    assert server.stderr is not None
    port = int(re.findall(r":(\d+) answers", server.stderr.readline())[0])
    connection = connected(port)
    requests = requests_of(np.random.default_rng(0))
    wanted, alone = [], []
    for _, path, body in requests:
        begun = time.perf_counter()
        wanted.append(essence(ask(connection, path, body)[1]))
        alone.append(time.perf_counter() - begun)
    before, spent = memory(server.pid), processor_seconds(server.pid)
    shares = [list(range(first, args.clients, PROCESSES)) for first in range(PROCESSES)]
    with multiprocessing.get_context("spawn").Pool(PROCESSES) as pool:
        done = sum(pool.starmap(clients, [(port, args.seconds, wanted, share) for share in shares]), [])
    after, spent = memory(server.pid), processor_seconds(server.pid) - spent
    server.terminate()
    server.wait()
    say(f"{args.clients} clients, {args.seconds:g} s, {len(done):,} requests, {len(done) / args.seconds:,.0f} a second")
    say(f"server: {spent:.1f} s of processor time, {spent / len(done) * 1e3:.1f} ms a request")
    say(f"alone: median {np.median(alone[1:]) * 1e3:.0f} ms")
    took = defaultdict(list)
    for kind, seconds, _ in done:
        took["all"].append(seconds)
        took[kind].append(seconds)
    for kind, times in took.items():
        p50, p95, p99 = np.quantile(times, [0.5, 0.95, 0.99]) * 1e3
        say(f"{kind:18} {len(times):6,}   p50 {p50:6.0f} ms   p95 {p95:6.0f} ms   p99 {p99:6.0f} ms")
    say("outcomes: " + ", ".join(f"{count:,} {how}" for how, count in Counter(how for _, _, how in done).items()))
    say(f"memory: {before['VmRSS']:.0f} MB before, {after['VmRSS']:.0f} MB after, {after['VmHWM']:.0f} MB at most")


def main() -> None:
    """Build what is missing, and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--index", type=Path, help="of your own; else one is made")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--records", type=int, default=2000)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--hidden", type=int, default=64)
    parser.add_argument("--flags", nargs="*", default=[], help="for the server, such as --batch-size=1")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(args.index or build(Path(folder), args, np.random.default_rng(1)), args)


if __name__ == "__main__":
    main()
