"""The reference's recipe and ours on one base, data, split and order of rows; each with several seeds.

    python recipes/mini/tune.py CORPUS BASE -o OUTPUT --seeds 42 1 2

CORPUS is what `prepare.py` wrote. Every recipe reads the same hard rows in the same order, chooses its epoch on the
same validation rows, and never sees a test row; all but the reference's read easy rows, too, and half of all rows in
other words. What is finished is left as it is, what was interrupted goes on. `merged` lies between the base and
`balanced`, at the α that validates best.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import polars as pl
from captions import in_other_words

from protrek_hm.config import read_toml, resolve
from protrek_hm.data import read_triplets
from protrek_hm.files import new_folder, write_json
from protrek_hm.merge import SweepConfig, merge_models, sweep
from protrek_hm.model import ProTrek
from protrek_hm.train import TrainConfig, fine_tune
from protrek_hm.train.batches import family_blocks

HARD, MUTANTS, EASY = 6_400, 640, 1_280  # rows an epoch
COLUMNS = ["anchor_id", "anchor_text", "anchor_seq", "hard_neg_id", "hard_neg_text", "hard_neg_seq", "type"]
RECIPES = {
    "reference": ("triplet", ["hard"]),
    "twin": ("twin", ["hard", "easy"]),
    "balanced": ("balanced", ["hard", "easy"]),
}
CONFIG = Path(__file__).parents[2] / "configs" / "mini-tune.toml"


def main() -> None:
    """Train whatever is not yet there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("base", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[42, 1, 2])
    parser.add_argument("--recipes", nargs="+", choices=RECIPES, default=["reference", "balanced"])
    given = parser.parse_args()
    settings = resolve(TrainConfig, read_toml(CONFIG, "train"), {})
    valid = {kind: read_triplets(given.corpus / f"{kind}_valid.csv") for kind in ("hard", "easy")}
    known = read_triplets(given.corpus / "easy_valid_proteins.csv")  # random pairs of alleles of known families
    valid["easy"] = pl.concat([valid["easy"], known], how="diagonal_relaxed")
    both = pl.concat([table.select(COLUMNS) for table in valid.values()])
    pool = pl.read_csv(given.corpus / "pool.tsv", separator="\t", infer_schema_length=0)
    for seed in given.seeds:
        rows = training_rows(given.corpus, block=settings.block, seed=seed)
        worded = reworded(rows, pool, block=settings.block)
        for recipe in given.recipes:
            objective, kinds = RECIPES[recipe]
            model = ProTrek.from_pretrained(given.base, device="cpu")
            config = replace(settings, objective=objective, seed=seed)
            folder = given.output / f"{recipe}-{seed}"
            table = (rows if recipe == "reference" else worded).filter(pl.col("type").is_in(kinds))
            tuned = fine_tune(model, table, config, folder, valid=both, if_exists="resume").model
            if recipe == "balanced":
                merge(given.base, tuned, valid, given.output / f"merged-{seed}")


def training_rows(corpus: Path, *, block: int, seed: int) -> pl.DataFrame:
    """Return hard rows in blocks of one family, and behind them easy pairs, both directions side by side."""
    hard, mutants, easy = (
        read_triplets(corpus / f"{kind}_train.csv").select(COLUMNS) for kind in ("hard", "mutants", "easy")
    )
    pairs = pl.Series(range(easy.height // 2)).sample(EASY // 2, seed=seed)  # the other direction: half a table below
    both = [row for pair in pairs for row in (pair, pair + easy.height // 2)]
    twins = ((hard, HARD), (mutants, MUTANTS))
    return pl.concat([*(family_blocks(table, rows=rows, most=block, seed=seed) for table, rows in twins), easy[both]])


def reworded(rows: pl.DataFrame, pool: pl.DataFrame, *, block: int) -> pl.DataFrame:
    """Say every second block of rows in other words.

    All rows of a block speak in one way, so that no text meets a protein that it fits in other words.
    """
    blocks = (number // block for number in range(rows.height))
    ways = (block // 2 if block % 2 else None for block in blocks)
    return in_other_words(rows, pool, ways)


def merge(base: Path, tuned: ProTrek, valid: dict[str, pl.DataFrame], folder: Path) -> None:
    """Save the model between base and tuned that the sweep over the validation rows chooses."""
    if folder.exists():
        return
    start = ProTrek.from_pretrained(base, device="cpu")
    found = sweep(start, tuned, valid["hard"], valid["easy"], SweepConfig(points=6))
    with new_folder(folder) as temporary:
        merge_models(start, tuned, alpha=found.chosen.alpha).save_pretrained(str(temporary / "model"))
        frontier = [{"alpha": p.alpha, "hard": p.hard.as_dict(), "easy": p.easy.as_dict()} for p in found.points]
        write_json(
            temporary / "sweep.json", {"rule": found.config.rule, "alpha": found.chosen.alpha, "points": frontier}
        )


if __name__ == "__main__":
    main()
