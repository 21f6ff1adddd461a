"""Ask four shards and one index the same, compare the answers, and measure how long they take.

Vectors are drawn around family centres, so that neighbours are near and lists are uneven, as those of proteins are. The
same questions go to the whole index, to its shards in this process, and with `--cluster` to shards on Ray Serve. Every
answer is compared: cosines, rows, and whether the search was exact. They take turns, so that what else the machine does
slows all alike.

    python benchmarks/fanout.py --vectors 200000 --queries 10000
    python benchmarks/fanout.py --vectors 200000 --queries 10000 --cluster local
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

from protrek_hm.index.build import Made, write_index
from protrek_hm.index.segments import NewVectors
from protrek_hm.index.split import split_index
from protrek_hm.index.store import Index


def drawn(count: int, dimension: int, seed: int) -> np.ndarray:
    """Draw unit vectors, about eight around each of many centres, whose sizes are uneven."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(max(count // 8, 1), dimension))
    owner = (rng.random(count) ** 2 * len(centres)).astype(int)
    vectors = centres[owner] + 0.7 * rng.normal(size=(count, dimension))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def written(folder: Path, vectors: np.ndarray) -> Path:
    """Write an index of these vectors; its records are numbers."""
    names = [f"P{number}" for number in range(len(vectors))]
    records = pl.DataFrame({"id": names, "sequence": names})
    new = {"sequence": NewVectors(*vectors.shape, iter([vectors]), np.arange(len(vectors)))}
    write_index(folder, records, new, Made("m", None, "m", "float32"), sources=())
    return folder


def told(name: str, batch: int, seconds: np.ndarray) -> dict[str, object]:
    """Describe the times of a run."""
    p50, p99 = (round(1000 * float(each), 3) for each in np.quantile(seconds, (0.5, 0.99)))
    rate = round(batch * len(seconds) / float(seconds.sum()), 1)
    return {"of": name, "batch": batch, "p50_ms": p50, "p99_ms": p99, "queries_per_second": rate}


def main() -> None:
    """Parse, measure, print a JSON line for each run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vectors", type=int, default=200_000)
    parser.add_argument("--dimension", type=int, default=128)
    parser.add_argument("--queries", type=int, default=10_000)
    parser.add_argument("--shards", type=int, default=4)
    parser.add_argument("--k", type=int, default=10)
    parser.add_argument("--cluster", help="a cluster of Ray, as serve takes it")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        vectors = drawn(given.vectors, given.dimension, seed=0)
        rng = np.random.default_rng(1)
        near = vectors[rng.integers(0, len(vectors), given.queries)] + 0.05 * rng.normal(
            size=(given.queries, given.dimension)
        )
        queries = (near / np.linalg.norm(near, axis=1, keepdims=True)).astype(np.float32)
        place = written(Path(folder) / "whole", vectors)
        split_index(place, place.with_name("split"), shards=given.shards)
        measure(place, place.with_name("split"), queries, given)


def measure(whole: Path, split: Path, queries: np.ndarray, given: argparse.Namespace) -> None:
    """Ask the whole index, and its shards where they are."""
    indexes = {"one index": Index.open(whole), f"{given.shards} shards": Index.open(split)}
    if given.cluster is None:
        compare(indexes, queries, k=given.k)
        return
    from protrek_hm.serve.cluster import Cluster, RayParts, deploy, joined, withdraw

    with joined(given.cluster) as address:
        application = deploy(split, replicas=1, cpus=0.25)
        parts = RayParts.connect(Cluster(address, application), split)
        indexes[f"{given.shards} shards on Ray"] = Index.open(split, parts)
        compare(indexes, queries, k=given.k)
        withdraw(application)


def compare(indexes: dict[str, Index], queries: np.ndarray, *, k: int) -> None:
    """Ask all of them the same in turns, one question at a time and in batches, and compare what they say."""
    for batch in (1, 64):
        seconds = {name: list[float]() for name in indexes}
        same = dict.fromkeys(indexes, 0)
        for start in range(-batch, len(queries), batch):  # the first turn warms up
            some = queries[max(start, 0) : start + batch] if start >= 0 else queries[:batch]
            expected = None
            for name, index in indexes.items():
                begin = time.perf_counter()
                near = index.neighbours(some, want="sequence", k=k)
                took = time.perf_counter() - begin
                found = np.column_stack([near.cosines, near.found, near.exact])
                expected = found if expected is None else expected
                if start >= 0:
                    seconds[name].append(took)
                    same[name] += int((expected == found).all(axis=1).sum())
        for name, own in seconds.items():
            line = {**told(name, batch, np.array(own)), "same": same[name], "questions": len(queries)}
            print(json.dumps(line), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
