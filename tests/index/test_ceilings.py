"""How much memory 100,000 proteins take to build and to search, beside what they take on disk."""

import json
import subprocess
import sys

import pytest

COUNT, DIMENSION, LENGTH = 100_000, 128, 120
WORK = """
import json, re, sys
from pathlib import Path
import numpy as np
import polars as pl
from protrek_hm.index.build import build_index
from protrek_hm.index.store import Index

count, dimension, length, step, folder = *map(int, sys.argv[1:4]), sys.argv[4], Path(sys.argv[5])
LETTERS = np.frombuffer(b"ACDEFGHIKLMNPQRSTVWY", dtype="u1")


class Seeded:
    temperature, tasks = 0.05, ("sequence",)

    def fingerprint(self):
        return "seeded"

    def encode(self, inputs, /, *, task, **_):
        codes = np.frombuffer("".join(each[:64] for each in inputs).encode(), dtype="u1").reshape(len(inputs), 64)
        projection = np.random.default_rng(0).normal(size=(64, dimension)).astype("f4")
        return (codes - np.float32(77)) @ projection


def resident(what):
    status = Path("/proc/self/status").read_text()
    return 1024 * int(re.search(rf"^{what}:\\s+(\\d+)", status, re.MULTILINE)[1])


drawn = LETTERS[np.random.default_rng(1).integers(0, 20, (count if step == "build" else 300, length))]
sequences = [each.tobytes().decode() for each in drawn]
if step == "build":
    table = pl.DataFrame({"id": [f"P{number}" for number in range(count)], "sequence": sequences})
    del drawn, sequences
    build_index(table[:1000], Seeded(), folder.with_name("small"), model_name="m")  # loads what is needed
    before = resident("VmRSS")
    build_index(table, Seeded(), folder, model_name="m")
else:
    queries = Seeded().encode(sequences, task="sequence")
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    Index.open(folder.with_name("small")).nearest(queries[:1], want="sequence", k=10)
    before = resident("VmRSS")
    index = Index.open(folder)
    for start in range(0, 300, 30):
        cosines, rows = index.nearest(queries[start : start + 30], want="sequence", k=10)
        index.take(rows[0])
print(json.dumps({"bytes": resident("VmHWM") - before}))
"""


@pytest.mark.release
def test_memory_grows_with_the_data_and_no_more(tmp_path):
    ratios = {}
    for step in ("build", "search"):
        command = [sys.executable, "-c", WORK, *map(str, (COUNT, DIMENSION, LENGTH)), step, str(tmp_path / "index")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=True)
        on_disk = sum(each.stat().st_size for each in (tmp_path / "index").rglob("*") if each.is_file())
        ratios[step] = json.loads(done.stdout)["bytes"] / on_disk
    print({**ratios, "MB on disk": on_disk / 1e6})  # noqa: T201 - for docs/LOG.md
    assert ratios["build"] < 4, ratios
    assert ratios["search"] < 2, ratios
