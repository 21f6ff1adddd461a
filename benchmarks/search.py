"""An index against exact FAISS search and the reference's way, on the same vectors, in one run.

    python benchmarks/search.py [--vectors 100000] [--dimension 1024] [--queries 1000] [--work DIR]

Vectors are drawn like embeddings of proteins: families in folds, in a cone, of a spectrum that decays. There are two
kinds of queries: *near* ones lie among the proteins, as proteins do; *far* ones lie beside them, as texts do, and are
drawn to their family weakly. The index holds 5,000 such texts, too, other ones than are asked.

- ours: `Index.nearest`, built by `write_index`;
- flat: FAISS, every vector compared, all in memory: it also says what is right;
- reference: FAISS's inverted lists, one of them looked into, one query a call. ProTrek's script makes n ÷ 39 lists on a
  GPU, here there are about 2 √n, so that it finds more.

Each way runs in a process of its own, on one thread, and seconds are its processor time, which other programs on the
machine disturb little; --threads 2 uses two, and the clock instead. Memory: `private` is what only this process has,
`all` counts pages of mapped files, too, which the system takes back when others need room. Recall: share of the exact
ten nearest.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import polars as pl

from protrek_hm.index.build import Made, write_index
from protrek_hm.index.segments import NewVectors, open_array, write_array
from protrek_hm.index.store import Index

BLOCK = 50_000
TEXTS = 5_000
SINGLE = 200
K = 10
KINDS = ("near", "far")
WAYS = ("flat", "reference", "ours")


def say(*words: object) -> None:
    """Print at once."""
    print(*words, flush=True)  # noqa: T201


def seconds() -> float:
    """Return the processor time of this process, or the clock's where there are several threads."""
    return time.process_time() if os.environ["OMP_NUM_THREADS"] == "1" else time.perf_counter()


def draw(work: Path, n: int, dimension: int, queries: int, seed: int) -> None:
    """Write vectors, texts and both kinds of queries."""
    rng = np.random.default_rng(seed)
    scale = np.arange(1, dimension + 1, dtype=np.float32) ** -0.35
    scale /= np.linalg.norm(scale)

    def noise(rows: int) -> np.ndarray:
        return rng.standard_normal((rows, dimension), dtype=np.float32) * scale

    folds, families = noise(2_000), max(n // 20, 1)
    centres = 0.8 * folds[rng.integers(0, len(folds), families)] + 0.6 * noise(families)
    sizes = rng.lognormal(0, 1.2, families)
    spread = rng.uniform(0.15, 0.6, families).astype(np.float32)[:, None]
    cone, cone_of_texts = 0.5 * noise(1), 0.8 * noise(1)

    def proteins(rows: int, weights: np.ndarray | None) -> np.ndarray:
        family = rng.choice(families, rows, p=weights)
        return unit(cone + centres[family] + noise(rows) * spread[family])

    def texts(rows: int) -> np.ndarray:
        return unit(cone_of_texts + 0.5 * centres[rng.choice(families, rows)] + 0.7 * noise(rows))

    blocks = (proteins(min(BLOCK, n - start), sizes / sizes.sum()) for start in range(0, n, BLOCK))
    write_array(work / "vectors.npy", (n, dimension), "float32", blocks)
    for name, drawn in (("texts", texts(TEXTS)), ("near", proteins(queries, None)), ("far", texts(queries))):
        np.save(work / f"{name}.npy", drawn)


def unit(vectors: np.ndarray) -> np.ndarray:
    """Bring vectors to length 1."""
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def blocks_of(path: Path) -> Iterator[np.ndarray]:
    """Yield a file of vectors in blocks."""
    vectors = open_array(path, None, "float32")
    for start in range(0, len(vectors), BLOCK):
        yield np.ascontiguousarray(vectors[start : start + BLOCK])


def build_ours(work: Path) -> None:
    """Write an index of proteins and texts that have vectors already."""
    n, dimension = open_array(work / "vectors.npy", None, "float32").shape
    number = pl.int_range(n, eager=True)
    records = pl.DataFrame({"id": "P" + number.cast(pl.String), "length_class": number % 100}).with_columns(
        sequence=pl.lit("MKV"), text=pl.lit(None, pl.String)
    )
    of_text = np.where(np.arange(n) < TEXTS, np.arange(n), -1)
    new = {
        "sequence": NewVectors(n, dimension, blocks_of(work / "vectors.npy"), np.arange(n)),
        "text": NewVectors(TEXTS, dimension, blocks_of(work / "texts.npy"), of_text),
    }
    write_index(work / "index", records, new, Made("none", None, "none", "float32"), sources=[])  # type: ignore[arg-type]


def build_flat(work: Path) -> Any:
    """Put all vectors into memory."""
    index = faiss.IndexFlatIP(open_array(work / "vectors.npy", None, "float32").shape[1])
    for block in blocks_of(work / "vectors.npy"):
        index.add(block)
    return index


def build_reference(work: Path) -> Any:
    """Make the reference's inverted lists."""
    vectors = open_array(work / "vectors.npy", None, "float32")
    lists = 1 << round(float(np.log2(2 * np.sqrt(len(vectors)))))
    dimension = vectors.shape[1]
    index = faiss.IndexIVFFlat(faiss.IndexFlatIP(dimension), dimension, lists, faiss.METRIC_INNER_PRODUCT)
    index.cp.max_points_per_centroid = 64
    sample = np.sort(np.random.default_rng(0).choice(len(vectors), min(len(vectors), 64 * lists), replace=False))
    index.train(vectors[sample])
    for block in blocks_of(work / "vectors.npy"):
        index.add(block)
    faiss.write_index(index, str(work / "reference.index"))
    return index


def build(way: str, work: Path) -> None:
    """Build in one way, leave the time it took, and ask: where the result is in memory, at once."""
    start = seconds()
    built = {"ours": build_ours, "flat": build_flat, "reference": build_reference}[way](work)
    (work / f"{way}.seconds").write_text(str(seconds() - start))
    if way == "flat":
        ask(way, work, built)


def ask(way: str, work: Path, built: Any = None) -> None:
    """Open what was built, ask one by one and all at once, and leave the measures and the answers."""
    queries = {kind: np.load(work / f"{kind}.npy") for kind in KINDS}
    start = seconds()
    search: Callable[[np.ndarray], np.ndarray]
    if way == "ours":
        index = Index.open(work / "index")

        def search(block: np.ndarray) -> np.ndarray:
            return index.nearest(block, want="sequence", k=K)[1]
    else:
        lists = built or faiss.read_index(str(work / "reference.index"), faiss.IO_FLAG_MMAP)

        def search(block: np.ndarray) -> np.ndarray:
            return np.asarray(lists.search(block, K)[1])

    search(queries["near"][:1])
    measured: dict[str, Any] = {"open": seconds() - start}
    for kind, asked in queries.items():
        times = []
        for query in asked[:SINGLE]:
            start = seconds()
            search(query[None])
            times.append(seconds() - start)
        start = seconds()
        # The reference's demo takes one query a request
        answers = np.concatenate([search(query[None]) for query in asked]) if way == "reference" else search(asked)
        measured[kind] = {
            "p50": float(np.median(times)),
            "p95": float(np.quantile(times, 0.95)),
            "rate": len(asked) / (seconds() - start),
        }
        np.save(work / f"{way}-{kind}.npy", answers)
    status = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    sizes = {line.split()[0]: int(line.split()[1]) / 1e6 for line in status if line.startswith(("VmHWM", "RssAnon"))}
    measured |= {"private": sizes["RssAnon:"], "all": sizes["VmHWM:"]}
    (work / f"{way}.json").write_text(json.dumps(measured))


def main() -> None:
    """Measure all ways, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vectors", type=int, default=100_000)
    parser.add_argument("--dimension", type=int, default=1024)
    parser.add_argument("--queries", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--work", type=Path, help="folder for some gigabytes; a temporary one by default")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--step", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.step:
        {"build": build, "ask": ask}[args.step[0]](args.step[1], args.work)
        return
    work = args.work or Path(tempfile.mkdtemp(prefix="search-"))
    work.mkdir(exist_ok=True)
    draw(work, args.vectors, args.dimension, args.queries, args.seed)
    size = f"{args.vectors:,} x {args.dimension}, {args.queries} queries of each kind"
    say(f"{size}, k = {K}, seed {args.seed}, {args.threads} threads")
    results = {}
    for way in WAYS:
        for step in ("build", "ask") if way != "flat" else ("build",):
            command = [sys.executable, __file__, "--step", step, way, "--work", str(work)]
            subprocess.run(command, check=True, env={**os.environ, "OMP_NUM_THREADS": str(args.threads)})
        results[way] = json.loads((work / f"{way}.json").read_text())
        show(way, results[way], work, args.vectors)
    for kind in KINDS:
        for other in ("flat", "reference"):
            one, two = (results[way][kind] for way in ("ours", other))
            say(
                f"{kind}, ours against {other}: {two['p50'] / one['p50']:.2f} x as fast alone, "
                f"{one['rate'] / two['rate']:.2f} x as many in batches"
            )
    memory = results["ours"]["private"] / results["flat"]["private"]
    say(f"private memory, ours against flat: {memory:.2f} x")
    if args.work is None:
        shutil.rmtree(work)


def show(way: str, result: dict[str, Any], work: Path, vectors: int) -> None:
    """Print a way's measures."""
    took = float((work / f"{way}.seconds").read_text())
    say(
        f"{way}: built in {took:.1f} s ({vectors / took:,.0f} vectors/s), opened in "
        f"{result['open']:.2f} s, memory {result['private']:.2f} GB private, {result['all']:.2f} GB in all"
    )
    for kind in KINDS:
        found, pairs = result[kind], zip(*(np.load(work / f"{each}-{kind}.npy") for each in ("flat", way)), strict=True)
        recall = np.mean([np.isin(*pair).mean() for pair in pairs])
        say(
            f"  {kind}: recall {recall:.4f}, alone p50 {found['p50'] * 1e3:.2f} ms, p95 {found['p95'] * 1e3:.2f} ms, "
            f"in batches {found['rate']:,.0f}/s"
        )


if __name__ == "__main__":
    main()
