"""How fast an evaluation encodes, and how much memory ranks over a large pool need: `python benchmarks/evaluate.py`.

Side by side, with one model and one thread, in processor time: the reference's loop, which encodes text, protein and
twin of each row one at a time, and ours, which encodes each distinct input once, packed, in float32 and in bf16. The
scores are compared row by row. The model has random weights: speed does not depend on what they say. `--model` chooses
its shape: "small" (ESM-2 8M, four layers of text) or "protrek" (that of ProTrek 35M: ESM-2 35M, BERT base). With
`--every 20` each side does a twentieth of its work, every 20th row and every 20th distinct input, and its time is
multiplied. Without `--triplets` simulated families are drawn.

The pool: 10,000 texts × 10,000 proteins of 1,024 numbers, all retrieval measures in both directions, in a process of
its own whose largest memory is read at the end.
"""

import argparse
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import polars as pl
import torch
from torch.nn.functional import normalize

from protrek_hm.config import Modality
from protrek_hm.data import read_triplets
from protrek_hm.data.synthetic import SyntheticConfig, synthetic_families
from protrek_hm.evaluate.cases import Pool, make_cases, make_pool
from protrek_hm.evaluate.ranking import rank_pool, ranking_values
from protrek_hm.evaluate.scores import Embeddings, case_scores, cosine_scorer
from protrek_hm.mine import MineConfig, mine_hard_negatives
from protrek_hm.model import ModelConfig, ProTrek, TowerConfig

SHAPES = {
    "small": ModelConfig(
        sequence=TowerConfig(layers=6, hidden=320, heads=20, max_tokens=1024),
        text=TowerConfig(layers=4, hidden=256, heads=4, max_tokens=512),
        dimension=320,
    ),
    "protrek": ModelConfig(
        sequence=TowerConfig(layers=12, hidden=480, heads=20, max_tokens=1024),
        text=TowerConfig(layers=12, hidden=768, heads=12, max_tokens=512),
        dimension=1024,
    ),
}
POOL = 10_000
Result = TypeVar("Result")


def say(line: str) -> None:
    """Print at once: the loop takes its time."""
    print(line, flush=True)  # noqa: T201


def main() -> None:
    """Print times, ratios, differences of scores, and the memory of the pool."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--triplets", type=Path, help="a table as `protrek-hm mine` writes it")
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--model", choices=SHAPES, default="small")
    parser.add_argument("--every", type=int, default=1, help="do this fraction of the work, and multiply its time")
    parser.add_argument(
        "--attention", choices=("sdpa", "eager"), default="sdpa", help="of the loop; eager is ProTrek's"
    )
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--pool-only", action="store_true", help="rank the pool and print the memory of this process")
    given = parser.parse_args()
    if given.pool_only:
        rank_large_pool()
        return
    torch.set_num_threads(1)
    table = simulated(given.seed) if given.triplets is None else read_triplets(given.triplets)
    table = table.sample(min(given.rows, len(table)), seed=given.seed)
    pool = make_pool([table.drop("hard_neg_text")])  # the reference looks at one direction
    lengths = [len(each) for each in pool.sequences]
    distinct = f"{len(pool.texts)} distinct texts, {len(pool.sequences)} distinct proteins"
    say(f"{len(table)} triplets, {distinct} of {np.mean(lengths):.0f} residues on average; one thread, processor time")
    model = ProTrek.build(SHAPES[given.model], texts=pool.texts, device="cpu")
    some = table.gather_every(given.every)
    use_attention(model, given.attention)
    slow, reference = timed(lambda: row_by_row(model, some))
    use_attention(model, "sdpa")
    say(f"the reference's loop        {slow * given.every:8.1f} s   ({given.attention} attention)")
    part = Pool(pool.texts[:: given.every], pool.sequences[:: given.every])
    for precision in ("float32", "bf16"):
        fast, _ = timed(lambda precision=precision: encode(model, part, precision))
        own = make_pool([some.drop("hard_neg_text")])
        cases = make_cases(some.drop("hard_neg_text"), own)
        gap = np.abs(case_scores(cases, cosine_scorer(encode(model, own, precision)))[:, 0] - reference).max()
        seconds, ratio = fast * given.every, slow / fast
        say(f"each once, packed, {precision:8} {seconds:8.1f} s   {ratio:5.1f} ×   largest difference {gap:.1e}")
    subprocess.run([sys.executable, __file__, "--pool-only"], check=True)


def use_attention(model: ProTrek, kind: str) -> None:
    """Let all towers compute attention so; transformers 4.28, which wrote ProTrek's checkpoints, has eager alone."""
    for tower in model.routes.values():
        next(tower.children()).model.set_attn_implementation(kind)


def row_by_row(model: ProTrek, table: pl.DataFrame) -> np.ndarray:
    """Score each row as the reference does: three inputs, one at a time."""

    @torch.inference_mode()
    def encode(text: str, task: Modality) -> torch.Tensor:
        tower = model.routes[task]
        features = next(tower.children()).preprocess([text])
        for module in tower.children():
            features = module(features)
        return normalize(features["sentence_embedding"])[0]

    model.eval()
    scores = []
    for row in table.iter_rows(named=True):
        own, text = encode(row["anchor_seq"], "sequence"), encode(row["anchor_text"], "text")
        scores.append([float(own @ text), float(encode(row["hard_neg_seq"], "sequence") @ text)])
    return np.array(scores)


def encode(model: ProTrek, pool: Pool, precision: str) -> Embeddings:
    """Encode a pool as our evaluation does."""
    vectors = [
        np.asarray(model.encode(list(items), task=task, precision=precision), dtype=np.float64)
        for items, task in ((pool.texts, "text"), (pool.sequences, "sequence"))
    ]
    return Embeddings(*vectors)


def timed(run: Callable[[], Result]) -> tuple[float, Result]:
    """Return seconds of processor time and the result."""
    start = time.process_time()
    result = run()
    return time.process_time() - start, result


def simulated(seed: int) -> pl.DataFrame:
    """Mine the twins of simulated families."""
    proteins = synthetic_families(SyntheticConfig(families=150, members=8, seed=seed)).proteins
    return mine_hard_negatives(proteins.filter(pl.col("ec").is_not_null()), MineConfig(easy=0, seed=seed)).triplets


def rank_large_pool() -> None:
    """Rank 10,000 proteins for 10,000 texts and back; print the time and the memory at its highest."""
    rng = np.random.default_rng(0)
    texts, proteins = (rng.standard_normal((POOL, 1024), dtype=np.float32) for _ in range(2))
    pairs = np.repeat(np.arange(POOL), 2).reshape(-1, 2)
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    for asking, answers in ((texts, proteins), (proteins, texts)):
        ranking_values(rank_pool(asking, answers, pairs))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds = time.process_time() - start
    say(f"pool of {POOL} × {POOL}, both directions: {seconds:.1f} s")
    say(f"memory at most {peak / 2**20:.2f} GiB, of which {before / 2**20:.2f} before ranking")


if __name__ == "__main__":
    main()
