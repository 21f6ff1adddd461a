"""How much sooner two nodes of one core each are done than one process, and what the executor itself costs.

    python benchmarks/cluster.py [--proteins 2000] [--homologs 6000] [--repeats 3]

All in one run on this machine, in turn, so that what else runs meanwhile slows both: `index build` with the packaged
model `mini`, and the search for homologous pairs, which is what `mine` spends most of its time on; lengths and family
sizes as in Swiss-Prot. The results are compared byte by byte. Last, the executor of this machine against a plain loop
over the same shards.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl

from mine import say, swissprot_like
from protrek_hm.homology import HomologyConfig, find_homologs
from protrek_hm.index import IndexConfig, build_index
from protrek_hm.index.encoder import encode_unit
from protrek_hm.model import load_encoder
from protrek_hm.model.encoder import FingerprintedEncoder
from protrek_hm.model.sharing import map_encoding
from protrek_hm.workers import using

MEGABYTES = 2**20


def seconds(work: Callable[[], object]) -> float:
    """Return how long `work` takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def both(name: str, work: Callable[[], bytes], repeats: int) -> None:
    """Print the seconds of one process and of two nodes, in turn, and the median of their ratios."""
    ratios, found = [], {work()}  # workers load what they need
    for _ in range(repeats):
        with using():
            one = seconds(lambda: found.add(work()))
        two = seconds(lambda: found.add(work()))
        ratios.append(one / two)
        say(f"  {name}: one process {one:.1f} s, two nodes {two:.1f} s, × {one / two:.2f}")
    same = "the same bytes" if len(found) == 1 else "OTHER BYTES"
    say(f"{name}: × {statistics.median(ratios):.2f} (median of {repeats}), {same}")


def index_of(table: pl.DataFrame, model: FingerprintedEncoder) -> bytes:
    """Build an index without texts' meaning and return its vectors."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "index"
        build_index(table, model, output, IndexConfig(), model_name="mini")
        return b"".join(file.read_bytes() for file in sorted(output.rglob("*.npy")))


def pairs_of(sequences: list[str]) -> bytes:
    """Find all pairs, by one thread where no cluster does."""
    return find_homologs(sequences, HomologyConfig(threads=1)).write_ipc(None).getvalue()


def encode_shard(model: FingerprintedEncoder, shard: list[str]) -> int:
    """Encode one shard."""
    return len(encode_unit(model, shard, task="sequence"))


def overhead(sequences: list[str], model: FingerprintedEncoder, repeats: int) -> None:
    """Print how much longer the executor takes, with one worker, than a loop."""
    shards = [sequences[start : start + 64] for start in range(0, len(sequences), 64)]

    def mapped() -> None:
        with map_encoding(encode_shard, shards, model) as results:
            list(results)

    more = []
    for _ in range(repeats):
        plain = seconds(lambda: [encode_shard(model, shard) for shard in shards])
        more.append(seconds(mapped) / plain - 1)
        say(f"  executor of this machine against a loop: {more[-1]:+.1%}")
    say(f"executor of this machine against a loop: {statistics.median(more):+.1%} (median of {repeats})")


def main() -> None:
    """Start two nodes and run the measurements."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--proteins", type=int, default=2_000, help="Proteins to encode.")
    parser.add_argument("--homologs", type=int, default=6_000, help="Proteins to search.")
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()

    import torch
    from ray.cluster_utils import Cluster

    torch.set_num_threads(1)
    node = {"num_cpus": 1, "object_store_memory": 200 * MEGABYTES}
    cluster = Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
    try:
        cluster.add_node(**node)
        model = load_encoder("mini", device="cpu")
        sequences = swissprot_like(max(given.proteins, given.homologs), seed=1)
        names = [f"P{number}" for number in range(given.proteins)]
        table = pl.DataFrame({"id": names, "sequence": sequences[: given.proteins]}).with_columns(
            text=pl.format("protein {}", "id")
        )
        with using(cluster.address):
            both("index build", lambda: index_of(table, model), given.repeats)
            both("search of mine", lambda: pairs_of(sequences[: given.homologs]), given.repeats)
        overhead(sequences[:1_000], model, given.repeats)
    finally:
        cluster.shutdown()


if __name__ == "__main__":
    main()
