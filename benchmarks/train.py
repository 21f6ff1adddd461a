"""How fast training is, against the reference's loop; both in this run, on this machine.

    python benchmarks/train.py [--steps 50] [--layers 2] [--hidden 64] [--mean 370] [--batch 16] [--repeats 3]

Same model, same triplets in the same order, fp32. The reference's loop: `get_text_repr` of the texts,
`get_protein_repr` of the proteins and of their twins, each padded to its longest, AdamW on the triplet loss. Ours:
each distinct text and sequence of a batch once, without padding. The two alternate; triplets are told per second of
processor time, as the median over repeats. Then the losses of `--steps` steps are compared, and peak memory is told.
"""

import argparse
import copy
import resource
import statistics
import time
from collections.abc import Callable, Iterator

import numpy as np
import polars as pl
import torch
from torch.nn import functional

from protrek_hm.model import ModelConfig, ProTrek, TowerConfig
from protrek_hm.train import TrainConfig
from protrek_hm.train.batches import Batches, Collator
from protrek_hm.train.examples import Examples, read_examples
from protrek_hm.train.objectives import Objective
from protrek_hm.train.step import Step

WORDS = "binds cuts folds moves heme zinc iron ATP DNA RNA membrane kinase lyase ligase family of the and in".split()
LETTERS = list("ACDEFGHIKLMNPQRSTVWY")
TripletStep = Callable[[list[int]], float]


def say(*words: object) -> None:
    """Print at once."""
    print(*words, flush=True)  # noqa: T201


def make_triplets(families: int, mean: float, *, seed: int) -> pl.DataFrame:
    """Return both directions of the twins of each family: four proteins, log-normal lengths, texts of 5-60 words.

    Each protein has two twins, so that a protein stands in several triplets, as in mined ones.
    """
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(families):
        length = int(np.clip(rng.lognormal(np.log(mean) - 0.32, 0.8), 40, 1000))
        ancestor = rng.choice(LETTERS, length)
        proteins, texts = [], []
        for _ in range(4):
            member = ancestor.copy()
            member[rng.integers(0, length, max(1, length // 20))] = rng.choice(LETTERS, max(1, length // 20))
            proteins.append("".join(member))
            texts.append(" ".join(rng.choice(WORDS, rng.integers(5, 60))))
        for i in range(4):
            rows += [(texts[i], proteins[i], proteins[j % 4]) for j in (i + 1, i + 2)]
    return pl.DataFrame(rows, schema=["anchor_text", "anchor_seq", "hard_neg_seq"], orient="row")


def reference(model: ProTrek, triplets: pl.DataFrame) -> TripletStep:
    """Return the reference's step."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    columns = [triplets[name].to_list() for name in ("anchor_text", "anchor_seq", "hard_neg_seq")]

    def encode(inputs: list[str], task: str) -> torch.Tensor:
        features = model.preprocess(inputs, task=task)
        return model({**features, "task": task})["sentence_embedding"]

    def step(rows: list[int]) -> float:
        optimizer.zero_grad()
        texts, proteins, twins = ([column[row] for row in rows] for column in columns)
        protein, twin, text = encode(proteins, "sequence"), encode(twins, "sequence"), encode(texts, "text")
        loss = functional.relu((text * twin).sum(-1) - (text * protein).sum(-1) + 0.2).mean()
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def ours(model: ProTrek, examples: Examples, config: TrainConfig) -> TripletStep:
    """Return our step."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    collate = Collator(model, examples, config, Batches(len(examples), config.batch_size, seed=config.seed))
    step_of = Step(model, Objective(examples, config, temperature=model.temperature), config)

    def step(rows: list[int]) -> float:
        optimizer.zero_grad()
        parts = step_of(collate(rows))
        optimizer.step()
        return parts["triplet"].item()

    return step


def batches(rows: int, size: int, *, seed: int) -> Iterator[list[int]]:
    """Yield batches for ever."""
    made = Batches(rows, size, seed=seed)
    while True:
        yield from made
        made.set_epoch(made.epoch + 1)


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sizes = {"steps": 50, "layers": 2, "hidden": 64, "mean": 370, "batch": 16, "repeats": 3, "threads": 1}
    for name, value in sizes.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    triplets = make_triplets(200, given.mean, seed=0)
    tower = {"hidden": given.hidden, "heads": max(1, given.hidden // 32)}
    shape = ModelConfig(
        sequence=TowerConfig(layers=given.layers, max_tokens=1024, **tower),
        text=TowerConfig(layers=2, max_tokens=512, **tower),
    )
    model = ProTrek.build(shape, texts=triplets["anchor_text"], device="cpu").train()
    examples = read_examples(triplets, ["text", "positive", "negative"], name="triplets")
    ways: dict[str, TripletStep] = {"reference": reference(copy.deepcopy(model), triplets)}
    for name, settings in {
        "ours, fp32": {},
        "ours, fp32, columns": {"encoding": "columns"},
        "ours, fp32, cache": {"cache": True},
        "ours, bf16": {"precision": "bf16"},
    }.items():
        config = TrainConfig(objective="triplet", batch_size=given.batch, **settings)
        ways[name] = ours(copy.deepcopy(model), examples, config)

    spent: dict[str, list[float]] = {name: [] for name in ways}
    drawn = batches(triplets.height, given.batch, seed=1)
    for _ in range(given.repeats):
        rows = [next(drawn) for _ in range(4)]
        for name, step in ways.items():
            begun = time.process_time()
            for each in rows:
                step(each)
            spent[name].append(sum(map(len, rows)) / (time.process_time() - begun))
    base = statistics.median(spent["reference"])
    for name, rates in spent.items():
        rate = statistics.median(rates)
        say(f"{name:22} {rate:8.2f} triplets/s   {rate / base:5.2f} x   ({min(rates):.2f}-{max(rates):.2f})")

    plain, distinct = (
        reference(copy.deepcopy(model), triplets),
        ours(copy.deepcopy(model), examples, TrainConfig(objective="triplet", batch_size=given.batch)),
    )
    drawn = batches(triplets.height, given.batch, seed=2)
    gaps = []
    for _ in range(given.steps):
        rows = next(drawn)
        gaps.append(abs(plain(rows) - distinct(rows)))
    say(f"largest difference of the losses over {given.steps} steps: {max(gaps):.1e}")
    say(f"peak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MiB")


if __name__ == "__main__":
    main()
