"""What bf16 does to rankings: the same proteins and texts encoded in float32 and in bf16.

    OMP_NUM_THREADS=1 python benchmarks/encode_precision.py [--model FOLDER] [--shape 4x128] [--epochs 2]

Real proteins with their function texts (../shared/data must be there). Without `--model`: a fresh model of the given
shape, measured untrained and again after `--epochs` of contrastive training on other proteins, which goes through the
packed forward pass. For each text as query over all proteins, and each protein over all others: how many of the ten
nearest in float32 are among the ten nearest in bf16, Spearman's correlation of the scores, the largest change of one.
"""

import argparse
from pathlib import Path

import numpy as np
import polars as pl
import torch
from jaxtyping import Float
from scipy.stats import spearmanr
from torch.nn.functional import cross_entropy, normalize

from protrek_hm.data.proteins import read_proteins
from protrek_hm.model import ModelConfig, ProTrek, TowerConfig
from protrek_hm.model.packed import Packing, encode_packed

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "swissprot_text.tsv.gz"
NEAREST = 10
BATCH = 48


def say(*words: object) -> None:
    """Print at once."""
    print(*words, flush=True)  # noqa: T201


def train(model: ProTrek, pairs: pl.DataFrame, *, epochs: int, seed: int) -> None:
    """Pull each text to its protein and away from the others of its batch."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4)
    for epoch in range(epochs):
        losses = []
        for batch in pairs.sample(fraction=1, shuffle=True, seed=seed + epoch).iter_slices(BATCH):
            sides = [
                normalize(
                    encode_packed(model.routes[task], batch[task].to_list(), Packing(8192), finish=lambda each: each)
                )
                for task in ("text", "sequence")
            ]
            scores = sides[0] @ sides[1].T / model.temperature
            right = torch.arange(len(batch))
            loss = (cross_entropy(scores, right) + cross_entropy(scores.T, right)) / 2
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        say(f"  epoch {epoch + 1}: loss {np.mean(losses[:10]):.2f} at first, {np.mean(losses[-10:]):.2f} at last")


def compare(name: str, full: Float[np.ndarray, "queries n"], reduced: Float[np.ndarray, "queries n"]) -> None:
    """Print how far the rankings of two tables of scores agree."""
    nearest = [np.argsort(-scores, axis=1)[:, :NEAREST] for scores in (full, reduced)]
    kept = np.mean([len(set(one) & set(other)) / NEAREST for one, other in zip(*nearest, strict=True)])
    first = np.mean(nearest[0][:, 0] == nearest[1][:, 0])
    rank = np.mean([spearmanr(one, other).statistic for one, other in zip(full, reduced, strict=True)])
    say(
        f"  {name:18} of the top {NEAREST} kept {kept:.1%}, first the same {first:.1%}, Spearman {rank:.4f}, largest"
        f" change of a cosine {np.abs(full - reduced).max():.1e} (cosines: standard deviation {full.std():.3f})"
    )


def measure(model: ProTrek, pairs: pl.DataFrame) -> None:
    """Encode in both precisions and compare."""
    vectors = {
        precision: [model.encode(pairs[task], task=task, precision=precision) for task in ("text", "sequence")]
        for precision in ("float32", "bf16")
    }
    (text, sequence), (text_16, sequence_16) = vectors["float32"], vectors["bf16"]
    scores = text @ sequence.T
    rank = (scores > np.diag(scores)[:, None]).sum(1)
    say(f"  float32: the right protein among the top {NEAREST} of {len(pairs)} for {(rank < NEAREST).mean():.1%}")
    compare("text to protein", scores, text_16 @ sequence_16.T)
    others = ~np.eye(len(pairs), dtype=bool)
    among = [(each @ each.T)[others].reshape(len(pairs), -1) for each in (sequence, sequence_16)]
    compare("protein to protein", *among)


def main() -> None:
    """Measure a saved model, or a fresh one before and after training."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="a saved model; by default a fresh one")
    parser.add_argument("--shape", default="4x128", help="of both towers: layers x width")
    parser.add_argument("--window", type=int, default=256, help="tokens that the towers read")
    parser.add_argument("--proteins", type=int, default=300)
    parser.add_argument("--train-on", type=int, default=2400)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    table = read_proteins(DATA, columns={"id": "accession", "text": "function"}, on_bad_record="skip")
    table = table.drop_nulls("text").unique("sequence", maintain_order=True).unique("text", maintain_order=True)
    table = table.sample(args.proteins + args.train_on, seed=args.seed)
    measured, rest = table[: args.proteins], table[args.proteins :]
    if args.model:
        say(f"{args.model}, {len(measured)} proteins, seed {args.seed}")
        measure(ProTrek.from_pretrained(args.model, device="cpu"), measured)
        return
    layers, hidden = map(int, args.shape.split("x"))
    tower = TowerConfig(layers=layers, hidden=hidden, heads=hidden // 16, max_tokens=args.window)
    model = ProTrek.build(
        ModelConfig(sequence=tower, text=tower, dimension=128, seed=args.seed), texts=rest["text"], device="cpu"
    )
    say(f"{args.shape}, window {args.window}, {len(measured)} proteins, seed {args.seed}: untrained")
    measure(model, measured)
    if args.epochs:
        say(f"after {args.epochs} epochs on {len(rest)} others")
        train(model, rest, epochs=args.epochs, seed=args.seed)
        measure(model, measured)


if __name__ == "__main__":
    main()
