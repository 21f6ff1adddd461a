"""The second step of the reference, by its name and flags; `protrek-hm train` does more."""

import sys
from argparse import ArgumentParser
from pathlib import Path

from protrek_hm.cli.console import guard
from protrek_hm.cli.train import train

BASE = "checkpoints/base"


def main() -> None:
    """Fine-tune `--base_model` and write the run to `--save_dir`, over a run that is there."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--train_data", type=Path, default=Path("dataset/hard_negatives_train.csv"))
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--lr", type=float, default=1e-5, dest="learning_rate", help="peak learning rate")
    parser.add_argument("--margin", type=float, default=0.2, help="wanted gap of the two cosines")
    parser.add_argument("--batch_size", type=int, default=16, help="triplets a step")
    parser.add_argument("--base_model", default=BASE, help="folder or hub name of a ProTrek")
    parser.add_argument("--save_dir", type=Path, default=Path("checkpoints/tuned"))
    given = vars(parser.parse_args())
    triplets, base, output = (given.pop(name) for name in ("train_data", "base_model", "save_dir"))
    if base == BASE and not Path(BASE).exists():
        make_base(triplets)
    train([triplets], model=base, output=output, objective="triplet", force=True, **given)


def make_base(triplets: Path) -> None:
    """Make a small model with random weights, whose words are those of the training texts."""
    from protrek_hm.data import read_triplets
    from protrek_hm.files import new_folder
    from protrek_hm.model import ModelConfig, ProTrek, TowerConfig

    texts = read_triplets(triplets)["anchor_text"].unique()
    tower = TowerConfig(layers=1, hidden=64, heads=4, max_tokens=512)
    model = ProTrek.build(ModelConfig(sequence=tower, text=tower, dimension=64), texts=texts)
    with new_folder(Path(BASE)) as folder:
        model.save_pretrained(str(folder))
    made = f"{BASE}: not there, so a small untrained model was made; give a trained ProTrek by --base_model"
    print(made, file=sys.stderr)  # noqa: T201


if __name__ == "__main__":
    guard(main)
