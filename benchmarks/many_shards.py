"""What the driver and the merge cost where the work of each shard is next to nothing: 100,000 shards.

    python benchmarks/many_shards.py [--shards 100000]

So many shards of 1,024 are 10⁸ proteins. Timed, with the highest memory of this process so far: the executor of this
machine and Ray (two nodes of one core each, on this machine) with shards that return their number; the encoding of
an index whose model is a stand-in, with a file for each shard (of which there are never more than 16,384), then again
from the files, as after an interruption, and its vectors read in the order of the inputs, as the index is written;
answers of shards merged, as a search does.
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from mine import say
from protrek_hm.index.config import IndexConfig
from protrek_hm.index.fanout import _merged
from protrek_hm.index.shards import encode_in_shards
from protrek_hm.model import sharing
from protrek_hm.workers import Needs, Shared, map_shards, using

MEGABYTES = 2**20
INPUTS, DIMENSION = 2, 64  # of a shard; of the stand-in's vectors


class Standin:
    """A model whose vectors cost nothing."""

    temperature, tasks = 0.1, ("sequence",)

    def fingerprint(self) -> str:
        """Say that it is always the same."""
        return "stand-in"

    def encode(self, inputs: list[str], /, **options: Any) -> np.ndarray:
        """Return a row of ones for each input."""
        return np.ones((len(inputs), DIMENSION), dtype=np.float32)


@contextmanager
def timed(what: str, shards: int) -> Iterator[None]:
    """Print the seconds of the block, the microseconds a shard, and the highest memory so far."""
    begun, used = time.perf_counter(), time.process_time()
    yield
    took, own = time.perf_counter() - begun, time.process_time() - used
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    say(
        f"{what}: {took:,.1f} s ({own:,.1f} s of this process), {took / shards * 1e6:,.0f} µs a shard; {memory:,.0f} MB"
    )


def drive(shards: int) -> None:
    """Take the results of empty shards."""
    shared = Shared(int, ("0",), here=0)
    with map_shards(max, range(shards), shared=shared, needs=Needs(at_once=2)) as results:
        assert sum(1 for _ in results) == shards


def main() -> None:
    """Run all parts."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--shards", type=int, default=100_000)
    shards = parser.parse_args().shards

    with timed("driver, threads of this machine", shards):
        drive(shards)

    files = min(shards, sharing._MOST_SHARDS)
    sharing.SHARD = sharing._LEAST = INPUTS
    inputs = [f"{number:08}" for number in range(INPUTS * files)]
    with tempfile.TemporaryDirectory() as place:
        for what in ("index: encoded and kept", "index: found again"):
            with timed(what, files):
                encoded = encode_in_shards(
                    Standin(), inputs, task="sequence", config=IndexConfig(), folder=Path(place) / "shards"
                )
        with timed("index: vectors in the order of the inputs", files):
            assert sum(len(block) for block in encoded.blocks()) == len(inputs)

    rng = np.random.default_rng(0)
    for parts in (10, 100, 1_000):
        answers = {
            part: (np.sort(rng.random((64, 10)))[:, ::-1], rng.integers(0, 10**9, (64, 10))) for part in range(parts)
        }
        with timed("search: 64 queries, ten answers of each, merged", parts):
            _merged(answers, 64, 10)

    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "object_store_memory": 200 * MEGABYTES, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=node)
    try:
        cluster.add_node(**node)
        with using(cluster.address), timed("driver, Ray", shards):
            drive(shards)
    finally:
        cluster.shutdown()


if __name__ == "__main__":
    main()
