"""The reference's recipe against ours, on the same base, data, split and number of epochs.

    protrek-hm demo --simulated --seed 42 -o demo42 && python benchmarks/recipes.py demo42 -o recipes42

The base, the mined triplets and the split are those of the demo in the given folder. Every recipe chooses its epoch on
the validation triplets; the test triplets are read once, at the end. Writes an evaluation of all models into the
output, and prints hard and easy accuracy and retrieval with 95 % intervals.
"""

import argparse
from pathlib import Path

import polars as pl

from protrek_hm.data import read_triplets
from protrek_hm.evaluate import evaluate, write_evaluation
from protrek_hm.evaluate.table import print_results
from protrek_hm.merge import merge_models, sweep
from protrek_hm.model import ProTrek
from protrek_hm.train import TrainConfig, fine_tune

EPOCHS, RATE, BATCH = 7, 1e-3, 32
RECIPES = {
    "reference": (("hard",), TrainConfig(objective="triplet", encoding="columns", crop="start")),
    "triplet, easy too": (("hard", "easy"), TrainConfig(objective="triplet")),
    "twin": (("hard", "easy"), TrainConfig(objective="twin")),
    "balanced": (("hard", "easy"), TrainConfig(objective="balanced")),
}
MERGED = "balanced, merged"


def main() -> None:
    """Train, merge, evaluate."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("demo", type=Path, help="what `protrek-hm demo --simulated` wrote")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=42, help="of the order of rows")
    given = parser.parse_args()
    files = {"hard": "hard_negatives", "easy": "easy_samples"}
    tables = {
        (kind, side): read_triplets(given.demo / "mined" / f"{name}_{side}.csv")
        for kind, name in files.items()
        for side in ("train", "valid", "test")
    }
    base = given.demo / "base"
    models = {"base": ProTrek.from_pretrained(base, device="cpu")}
    for name, (kinds, recipe) in RECIPES.items():
        model = ProTrek.from_pretrained(base, device="cpu")
        config = TrainConfig(
            **{**vars(recipe), "epochs": EPOCHS, "learning_rate": RATE, "batch_size": BATCH, "seed": given.seed}
        )
        rows = pl.concat([tables[kind, "train"] for kind in kinds], how="diagonal_relaxed")
        valid = pl.concat([tables[kind, "valid"] for kind in files], how="diagonal_relaxed")
        folder = given.output / name.replace(", ", "_").replace(" ", "_")
        models[name] = fine_tune(model, rows, config, folder, valid=valid, if_exists="resume").model
    chosen = sweep(models["base"], models["balanced"], tables["hard", "valid"], tables["easy", "valid"]).chosen
    models[f"{MERGED}, α = {chosen.alpha:g}"] = merge_models(models["base"], models["balanced"], alpha=chosen.alpha)
    result = evaluate(models, tables["hard", "test"], tables["easy", "test"], train=tables["hard", "train"])
    write_evaluation(result, given.output / "evaluation", force=True)
    print_results(result)


if __name__ == "__main__":
    main()
