"""Put a trained model among those that come with the package.

    python recipes/mini/ship.py MODEL NAME

Weights are rounded to what bf16 holds and kept in float32: anything loads them, and they pack to half their size.
"""

import argparse
from pathlib import Path

import torch

import protrek_hm.model
from protrek_hm.files import new_folder
from protrek_hm.model import ProTrek
from protrek_hm.model.locate import SHIPPED

SHELF = Path(protrek_hm.model.__file__).parent / "shipped_weights"
CARD = Path(__file__).parent / "card.md"


def main() -> None:
    """Round, save, add what there is to say."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("name", choices=SHIPPED)
    given = parser.parse_args()
    model = ProTrek.from_pretrained(given.model, device="cpu")
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(weight.bfloat16().float())
    model.record("round", to="bf16")
    with new_folder(SHELF / given.name, force=True) as folder:
        model.save_pretrained(str(folder))
        with (folder / "README.md").open("a", encoding="utf-8") as card:
            card.write("\n" + CARD.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
