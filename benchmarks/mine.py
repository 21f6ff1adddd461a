"""How complete and how fast the search for homologous pairs is, against what one would do without it.

    python benchmarks/mine.py [-o FOLDER] [--full]

All measured in this run on this machine: the whole search against every pair screened by rapidfuzz and the
survivors aligned by parasail (real proteins if ../shared/data is there), and against MMseqs2's; pairs verified a
second against the reference's loop made correct (`difflib`, `autojunk=False`) and against parasail on every
candidate; time and memory over the number of proteins, with lengths and family sizes as in Swiss-Prot, up to
570,000 with `--full`.
"""

import argparse
import difflib
import multiprocessing
import os
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np
import parasail
import polars as pl
from rapidfuzz import process
from rapidfuzz.distance import Levenshtein

from protrek_hm.figures.style import AFTER, new_figure, save_figure
from protrek_hm.homology import mmseqs
from protrek_hm.homology.candidates import last_partners, near_enough, shards
from protrek_hm.homology.config import HomologyConfig
from protrek_hm.homology.homologs import SCHEMA, find_homologs
from protrek_hm.homology.identity import Proteins, matches_and_columns
from protrek_hm.homology.verify import verify

REAL = Path(__file__).resolve().parents[2] / "shared" / "data" / "amr_proteins.tsv.gz"
CORES = os.cpu_count() or 1
RESIDUES = np.frombuffer(b"ARNDCQEGHILKMFPSTWYV", dtype=np.uint8)
# Per cent of each residue in UniProtKB/Swiss-Prot, rounded
BACKGROUND = np.array(
    [8.3, 5.5, 4.1, 5.5, 1.4, 3.9, 6.7, 7.1, 2.3, 5.9, 9.7, 5.8, 2.4, 3.9, 4.7, 6.6, 5.4, 1.1, 2.9, 6.9]
)
LARGEST_FAMILY = 2_000  # or a fiftieth of all proteins
Result = TypeVar("Result")


def say(*words: object) -> None:
    """Print at once."""
    print(*words, flush=True)  # noqa: T201


def swissprot_like(n: int, *, seed: int) -> list[str]:
    """Return `n` distinct proteins in families: lengths log-normal (mean 370), sizes by a power law (mean 4).

    Members keep each residue of their ancestor with a chance of their own (mean 0.82); two in five have one
    to three insertions or deletions.
    """
    rng = np.random.default_rng(seed)
    chances = BACKGROUND / BACKGROUND.sum()
    largest = min(LARGEST_FAMILY, n // 50)

    def draw(size: int) -> np.ndarray:
        return RESIDUES[rng.choice(20, size=size, p=chances)]

    found: dict[str, None] = {}
    while len(found) < n:
        size = min(int(rng.pareto(1.3) + 1), largest, n - len(found))
        ancestor = draw(int(np.clip(rng.lognormal(5.7, 0.65), 25, 5_000)))
        for kept in rng.beta(9, 2, size=size):
            child = ancestor.copy()
            changed = rng.random(len(child)) > kept
            child[changed] = draw(int(changed.sum()))
            for _ in range(int(rng.integers(1, 4)) if rng.random() < 0.4 else 0):
                at, gap = int(rng.integers(len(child))), int(rng.integers(1, 8))
                if rng.random() < 0.5:
                    child = np.delete(child, slice(at, at + gap))
                else:
                    child = np.insert(child, at, draw(gap))
            found[child.tobytes().decode()] = None
    proteins = list(found)
    return [proteins[index] for index in rng.permutation(n)]


def timed(work: Callable[[], Result]) -> tuple[float, Result]:
    """Return seconds and result."""
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def in_threads(work: Callable[[np.ndarray], Result], pairs: np.ndarray) -> list[Result]:
    """Share pairs out to a thread per core."""
    with ThreadPoolExecutor(CORES) as pool:
        return list(pool.map(work, np.array_split(pairs, 8 * CORES)))


def exhaustive(sequences: list[str], config: HomologyConfig) -> pl.DataFrame:
    """Return the wanted pairs: all screened by rapidfuzz, the survivors aligned by parasail."""
    pieces = []
    for start in range(0, len(sequences), 500):
        likeness = process.cdist(
            sequences[start : start + 500],
            sequences[start:],
            scorer=Levenshtein.normalized_similarity,
            score_cutoff=0.55,
            workers=CORES,
            dtype=np.float32,
        )
        pairs = np.argwhere(likeness >= 0.55)
        pieces.append(pairs[pairs[:, 0] < pairs[:, 1]] + start)
    pairs = np.concatenate(pieces)

    def align(part: np.ndarray) -> list[tuple[int, int]]:
        return [matches_and_columns(sequences[a], sequences[b]) for a, b in part.tolist()]

    aligned = in_threads(align, pairs)
    matches, columns = np.array([row for part in aligned for row in part], dtype=np.int64).T
    lengths = np.array([len(sequence) for sequence in sequences])[pairs]
    table = pl.DataFrame(
        {
            "a": pairs[:, 0],
            "b": pairs[:, 1],
            "identity": matches / columns,
            "coverage": (lengths.sum(axis=1) - columns) / lengths.max(axis=1),
        },
        schema_overrides=SCHEMA,
    )
    wanted = pl.col("identity").is_between(config.min_identity, config.max_identity)
    return table.filter(wanted, pl.col("coverage") >= config.coverage).sort("a", "b")


def verification(sequences: list[str], config: HomologyConfig) -> None:
    """Print pairs verified a second, ours and others', on the same candidates."""
    proteins = Proteins.of(sequences)
    last = last_partners(proteins, config)
    pairs = np.concatenate([shard.pairs(last) for group in shards(proteins, config, last) for shard in group])
    letters = proteins.letters

    def screen(part: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return near_enough(proteins, part, config)

    def plain(part: np.ndarray) -> None:
        for a, b in part.tolist():
            result = parasail.nw_stats_scan_16(letters[a], letters[b], 11, 1, parasail.blosum62)
            _ = result.matches / result.length

    screening, screened = timed(lambda: in_threads(screen, pairs))
    near = np.concatenate([part for part, _ in screened])
    with ThreadPoolExecutor(CORES) as pool:
        aligning, _ = timed(lambda: list(pool.map(lambda part: verify(proteins, *part), screened)))
    rng = np.random.default_rng(0)
    sample, sample_near = (rng.choice(some, size=min(len(some), 20_000), replace=False) for some in (pairs, near))
    per_pair = timed(lambda: in_threads(plain, sample))[0] / len(sample)
    per_near_pair = timed(lambda: in_threads(plain, sample_near))[0] / len(sample_near)
    few = sample[:300]
    start = time.perf_counter()
    for a, b in few.tolist():
        difflib.SequenceMatcher(None, letters[a], letters[b], autojunk=False).ratio()
    per_loop = (time.perf_counter() - start) / len(few)
    ours, ours_near = (screening + aligning) / len(pairs), aligning / len(near)
    say(f"{len(pairs):,} candidates, {len(near):,} of them near enough to be aligned; pairs a second:")
    for which, mine, name, theirs in (
        ("every candidate", ours, "parasail", per_pair),
        ("the near ones", ours_near, "parasail", per_near_pair),
        ("every candidate", ours, "difflib", per_loop),
    ):
        say(f"  {which:15}  ours {1 / mine:9,.0f}  {name:8} {1 / theirs:9,.0f}  ours × {theirs / mine:.1f}")


def completeness(sequences: list[str], config: HomologyConfig) -> None:
    """Print time, recall and precision against the exhaustive search, and the same of MMseqs2's candidates."""
    slow, truth = timed(lambda: exhaustive(sequences, config))
    fast, found = timed(lambda: find_homologs(sequences, config))
    listing, listed = timed(lambda: mmseqs.search(sequences, sequences, sensitivity=4, hits=5_000))
    right = found.join(truth, on=["a", "b", "identity"], how="semi")
    ordered = listed.select(a=pl.min_horizontal("query", "target"), b=pl.max_horizontal("query", "target"))
    candidates = truth.join(ordered.unique(), on=["a", "b"], how="semi")
    say(f"{len(sequences):,} proteins, {len(truth):,} pairs from {config.min_identity:.0%} identity on:")
    say(f"  exhaustive {slow:.1f} s, ours {fast:.1f} s: × {slow / fast:.1f}")
    say(f"  found {len(right) / max(len(truth), 1):.3%} of the pairs; {len(found) - len(right)} wrong")
    say(f"  MMseqs2 -s 4, 5,000 hits a query {listing:.1f} s: × {listing / fast:.1f}")
    say(f"  lists {len(candidates) / max(len(truth), 1):.3%} of the pairs, not aligned globally yet")


def search_alone(n: int) -> tuple[int, int, float, float, float]:
    """Search `n` proteins; return n, pairs, seconds, processor seconds, peak GB of this process."""
    sequences = swissprot_like(n, seed=1)
    begin = time.process_time()
    seconds, found = timed(lambda: find_homologs(sequences, HomologyConfig()))
    processor = time.process_time() - begin
    # Not ru_maxrss, which a process inherits from the one that started it
    peak = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    return n, len(found), seconds, processor, int(peak[1]) / 2**20 if peak else float("nan")


def scaling(sizes: list[int], folder: Path) -> None:
    """Print seconds and memory over the number of proteins, each in a process of its own; draw those of processors."""
    rows = []
    say("  proteins       pairs   seconds   of processors   µs per protein and pair   peak memory (GB)")
    for n in sizes:
        with multiprocessing.get_context("spawn").Pool(1) as alone:
            row = alone.apply(search_alone, (n,))
        rows.append(row)
        _, pairs, seconds, processor, memory = row
        each = 1e6 * seconds / (n + pairs)
        say(f"  {n:8,} {pairs:11,} {seconds:9.1f} {processor:15.1f} {each:25.0f} {memory:18.2f}")
    figure = new_figure(4.5, 3.2)
    axes = figure.subplots()
    work, seconds = np.array([[n + pairs, processor] for n, pairs, _, processor, _ in rows]).T
    axes.loglog(work, seconds, "o-", color=AFTER)
    axes.loglog(work, seconds[0] * work / work[0], ":", color="0.6", label="in proportion")
    axes.set(xlabel="proteins + pairs found", ylabel="processor seconds", title="Finding all pairs")
    axes.legend()
    save_figure(figure, folder / "homology_scaling.png")
    say(f"picture: {folder / 'homology_scaling.png'}")


def main() -> None:
    """Run the measurements."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, default=Path("benchmark_results"), help="folder of the picture")
    parser.add_argument("--full", action="store_true", help="up to 570,000 proteins (half an hour)")
    options = parser.parse_args()
    config = HomologyConfig()
    if REAL.is_file():
        sequences = pl.read_csv(REAL, separator="\t")["protein_sequence"].unique(maintain_order=True).to_list()
        say("Antimicrobial-resistance proteins of ../shared/data")
    else:
        sequences = swissprot_like(5_000, seed=0)
        say("Synthetic proteins (no ../shared/data here)")
    completeness(sequences, config)
    verification(sequences, config)
    say("Synthetic proteins, lengths and family sizes as in Swiss-Prot")
    sizes = [2_500, 5_000, 10_000, 20_000]
    scaling([*sizes, 40_000, 150_000, 570_000] if options.full else sizes, options.output)


if __name__ == "__main__":
    main()
