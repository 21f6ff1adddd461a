"""How fast `encode` is, against the reference's two ways and SentenceTransformer's own, on one and the same model.

    OMP_NUM_THREADS=1 python benchmarks/encode.py [--shape 8M] [--task sequence] [--inputs 64] [--repeats 3]

Prints, measured in this run: seconds (median), tokens a second, the ratios (median over interleaved repeats) and how
far the vectors lie from those of inputs encoded alone. On a CPU seconds are the process's own, which other programs on
the machine disturb little, if it uses one thread; elsewhere they are the clock's. Weights are random. Inputs
are real ones (../shared/data) if they are there, else of log-normal length; all are cut to the window.

The reference computes attention as "eager", with the transformers that it pins (4.28); with a later one it is "sdpa".
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from jaxtyping import Float
from torch.nn.functional import normalize

from protrek_hm.data.proteins import read_proteins
from protrek_hm.model import ModelConfig, ProTrek, TowerConfig

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
SHAPES = {
    "8M": (6, 320, 20),
    "35M": (12, 480, 20),
    "150M": (30, 640, 20),
    "650M": (33, 1280, 20),
    "BERT": (12, 768, 12),
}
WINDOW = {"sequence": 1024, "text": 512}
BATCH = 64


def say(*words: object) -> None:
    """Print at once."""
    print(*words, flush=True)  # noqa: T201


def draw_inputs(task: str, n: int, *, seed: int) -> list[str]:
    """Return proteins or texts: real ones, or random ones of log-normal length."""
    rng = np.random.default_rng(seed)
    if DATA.is_dir():
        file = "unlabelled.fasta.gz" if task == "sequence" else "swissprot_text.tsv.gz"
        columns = None if task == "sequence" else {"id": "accession", "text": "function"}
        found = read_proteins(DATA / file, columns=columns, on_bad_record="skip")[task].drop_nulls()
        return pl.Series(found).sample(n, seed=seed).to_list()
    median, letters = (300, list("ACDEFGHIKLMNPQRSTVWY")) if task == "sequence" else (45, ["binds ", "heme ", "and "])
    return ["".join(rng.choice(letters, int(length))) for length in rng.lognormal(np.log(median), 0.7, n) + 20]


def build(shape: str, task: str, inputs: list[str], *, device: str) -> ProTrek:
    """Return a model whose tower for `task` has the given shape; the other one is tiny."""
    layers, hidden, heads = SHAPES[shape]
    tower = TowerConfig(layers=layers, hidden=hidden, heads=heads, max_tokens=WINDOW[task])
    tiny = TowerConfig(layers=1, hidden=16, heads=2, max_tokens=32)
    sequence, text = (tower, tiny) if task == "sequence" else (tiny, tower)
    texts = inputs if task == "text" else ["a protein"]
    return ProTrek.build(
        ModelConfig(sequence=sequence, text=text, dimension=1024, vocabulary=30_000), texts=texts, device=device
    )


def reference(
    model: ProTrek, inputs: list[str], task: str, *, batch: int, attention: str
) -> Float[np.ndarray, "n dim"]:
    """Encode as the reference does: in the given order, padded to the longest of a batch."""
    transformer: Any
    transformer, _, dense = model.routes[task].children()
    encoder = transformer.model
    encoder.set_attn_implementation(attention)
    found = []
    with torch.no_grad():
        for start in range(0, len(inputs), batch):
            tokens = transformer.tokenizer(
                inputs[start : start + batch], return_tensors="pt", padding=True, truncation=True
            ).to(model.device)
            found.append(dense.linear(encoder(**tokens).last_hidden_state[:, 0]))
    encoder.set_attn_implementation("sdpa")
    return normalize(torch.cat(found)).cpu().numpy()


def seconds_of(run: Callable[[], Any], device: str) -> tuple[float, Any]:
    """Return what a run takes, and gives."""
    clock = time.process_time if device == "cpu" else time.perf_counter
    start = clock()
    found = run()
    return clock() - start, found


def main() -> None:
    """Measure all ways in turn, several times."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", choices=SHAPES, default="8M", help="of ESM-2, or BERT base")
    parser.add_argument("--task", choices=WINDOW, default="sequence")
    parser.add_argument("--inputs", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--budgets", type=int, nargs="*", default=[], help="further token budgets to try")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--peak", type=float, help="the device's TFLOP/s: prints the share of it that is used (MFU)")
    args = parser.parse_args()
    task, device = args.task, args.device
    inputs = draw_inputs(task, args.inputs, seed=args.seed)
    model = build(args.shape, task, inputs, device=device)
    layers, hidden, _ = SHAPES[args.shape]
    tokenizer: Any = next(model.routes[task].children())
    lengths = np.array([len(ids) for ids in tokenizer.tokenizer(inputs, truncation=True)["input_ids"]])
    # A layer's matrices hold 12 hidden² numbers; attention multiplies 2 length × hidden a token
    work = 2 * layers * float(12 * hidden**2 * lengths.sum() + 2 * hidden * (lengths.astype(float) ** 2).sum())
    say(
        f"{args.shape} {task}, {len(inputs)} inputs, {lengths.sum():,} tokens (median {np.median(lengths):.0f}, longest"
    )
    say(f"{lengths.max()}), {device}, {torch.get_num_threads()} threads, torch {torch.__version__}, seed {args.seed}")

    ways: dict[str, Callable[[], Any]] = {
        "reference, one by one, sdpa": lambda: reference(model, inputs, task, batch=1, attention="sdpa"),
        "reference, one by one, eager": lambda: reference(model, inputs, task, batch=1, attention="eager"),
        f"reference, batches of {BATCH}, sdpa": lambda: reference(model, inputs, task, batch=BATCH, attention="sdpa"),
        "encode, packed=False": lambda: model.encode(inputs, task=task, packed=False),
        "encode": lambda: model.encode(inputs, task=task),
        "encode, bf16": lambda: model.encode(inputs, task=task, precision="bf16"),
    }
    for budget in args.budgets:
        ways[f"encode, budget {budget}"] = lambda budget=budget: model.encode(inputs, task=task, token_budget=budget)
        ways[f"encode, bf16, budget {budget}"] = lambda budget=budget: model.encode(
            inputs, task=task, token_budget=budget, precision="bf16"
        )
    for run in ways.values():
        if device != "cpu":
            run()  # kernels are chosen at first
    taken: dict[str, list[float]] = {name: [] for name in ways}
    vectors = {}
    for _ in range(args.repeats):
        for name, run in ways.items():
            spent, vectors[name] = seconds_of(run, device)
            taken[name].append(spent)
    alone, eager, batches = (np.array(taken[name]) for name in list(ways)[:3])
    say(
        f"{'':34}{'s':>8}{'tokens/s':>10}{'one/it':>8}{'eager/it':>9}{'batches/it':>11}{'difference':>11}{'1 - cos':>9}"
    )
    for name, spent in taken.items():
        ratios = [np.median(base / np.array(spent)) for base in (alone, eager, batches)]
        apart = np.abs(vectors[name] - vectors["reference, one by one, sdpa"])
        angle = 1 - (vectors[name] * vectors["reference, one by one, sdpa"]).sum(1).min()
        line = f"{name:34}{np.median(spent):8.2f}{lengths.sum() / np.median(spent):10,.0f}{ratios[0]:8.2f}"
        line += f"{ratios[1]:9.2f}{ratios[2]:11.2f}{apart.max():11.1e}{angle:9.1e}"
        share = work / np.median(spent) / 1e12 / args.peak if args.peak else None
        say(line + (f"  MFU {share:.1%}" if share else ""))


if __name__ == "__main__":
    main()
