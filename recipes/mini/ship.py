"""Put a trained model among those that come with the package.

    python recipes/mini/ship.py MODEL NAME

Weights are stored in bf16; whatever loads them makes float32 of them, as the settings beside them ask.
"""

import argparse
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from safetensors.torch import load_file, save_file

import protrek_hm.model
from protrek_hm.model import ProTrek
from protrek_hm.model.locate import SHIPPED

SHELF = Path(protrek_hm.model.__file__).parent / "shipped_weights"
CARDS = {"mini-words": "card_words.md"}


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
    with TemporaryDirectory() as temporary:
        folder = Path(temporary) / given.name
        model.save_pretrained(str(folder))
        for weights in folder.rglob("*.safetensors"):
            tensors = {name: halved(tensor) for name, tensor in load_file(weights).items()}
            save_file(tensors, weights, metadata={"format": "pt"})
            weights.chmod(0o644)
        with (folder / "README.md").open("a", encoding="utf-8") as card:
            card.write("\n" + (Path(__file__).parent / CARDS.get(given.name, "card.md")).read_text(encoding="utf-8"))
        shutil.rmtree(SHELF / given.name, ignore_errors=True)
        shutil.copytree(folder, SHELF / given.name)


def halved(tensor: torch.Tensor) -> torch.Tensor:
    """Return a tensor in bf16, or as it is where that would change it, as with the frequencies of rotary positions."""
    half = tensor.bfloat16()
    return half if torch.equal(half.float(), tensor) else tensor


if __name__ == "__main__":
    main()
