"""ProTrek's own layout: a checkpoint, and beside it a folder for each tower with its settings and vocabulary.

    ProTrek_650M/
    ├── esm2_t33_650M_UR50D/            the sequence tower: config.json, vocab.txt
    ├── BiomedNLP-PubMedBERT-…/         the text tower: config.json, vocab.txt
    ├── foldseek_t30_150M/              the structure tower: config.json, vocab.txt
    └── ProTrek_650M.pt                 {"model": tensors by name}

The names of the tensors begin with the place of their part: `0` is the temperature, `1.…` the sequence tower,
`2.…` the text tower, `3.…` the structure tower. In a tower, `out` is the projection, `model` the encoder.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from protrek_hm.errors import FileFormatError
from protrek_hm.files import read_json
from protrek_hm.model.locate import CHECKPOINT

PARTS = "official.safetensors"
TEMPERATURE = "0"
PLACES = {"sequence": "1", "text": "2", "structure": "3"}
# What stands between the place and the name that the tensor has in the bare encoder
ENCODERS = {"sequence": "model.esm.", "text": "model.", "structure": "model.esm."}
EMBEDDINGS = "embeddings.word_embeddings.weight"
LM_HEAD = "model.lm_head."  # predicts masked letters; no embedding needs it
MAX_TEXT_TOKENS = 512
# ProTrek cuts no protein, and rotary positions have no end. The longest known proteins have some 45,000 residues
MAX_PROTEIN_TOKENS = 100_000
_WANTED = {"sequence": "esm2_*", "text": "BiomedNLP-*", "structure": "foldseek_*"}


@dataclass(frozen=True)
class OfficialFolder:
    """Where the parts of a model in ProTrek's own layout lie; towers: their folders by route."""

    folder: Path
    checkpoint: Path
    towers: Mapping[str, Path]


@dataclass(frozen=True)
class OfficialParts:
    """What ProTrek's own layout has and a SentenceTransformer has not, kept for the way back.

    folders: names of the towers' folders by route. tensors: those that no embedding depends on, by their full
    names: the heads for masked letters, buffers of old versions.
    """

    folders: Mapping[str, str]
    tensors: Mapping[str, Tensor]


def read_layout(place: Path) -> OfficialFolder:
    """Find checkpoint and towers in a folder of ProTrek's layout, or around a checkpoint.

    Raises
    ------
    FileFormatError
        If there is no checkpoint, more than one, or more than one folder for a tower.
    """
    folder = place.parent if place.is_file() else place
    checkpoints = [place] if place.is_file() else sorted(folder.glob(f"*{CHECKPOINT}"))
    if not checkpoints:
        raise FileFormatError(folder, f"holds no checkpoint *{CHECKPOINT}", "copy or download it again")
    if len(checkpoints) > 1:
        names = ", ".join(path.name for path in checkpoints)
        raise FileFormatError(folder, f"holds {len(checkpoints)} checkpoints ({names})", "name the file that you want")
    towers: dict[str, Path] = {}
    for config in sorted(folder.glob("*/config.json")):
        route = _route(config)
        if route in towers:
            problem = f"{towers[route].name} and {config.parent.name} are both folders of a {route} tower"
            raise FileFormatError(folder, problem, "leave the one that belongs to the checkpoint")
        if not (config.parent / "vocab.txt").is_file():
            raise FileFormatError(config.parent, "vocab.txt is missing", "copy or download it again")
        towers[route] = config.parent
    return OfficialFolder(folder, checkpoints[0], towers)


def require_towers(layout: OfficialFolder, wanted: Iterable[str]) -> None:
    """Raise FileFormatError unless the layout has the folders of all towers that are `wanted`."""
    for route in wanted:
        if route not in layout.towers:
            problem = f"no folder of the {route} tower ({_WANTED[route]}/ with config.json and vocab.txt)"
            remedy = "copy or download it: the checkpoint and its folders lie side by side"
            raise FileFormatError(layout.folder, problem, remedy)


def write_parts(folder: Path, parts: OfficialParts) -> None:
    """Write what only ProTrek's own layout has beside a saved model."""
    save_file({name: tensor.contiguous() for name, tensor in parts.tensors.items()}, folder / PARTS)


def read_parts(folder: Path, folders: Mapping[str, str]) -> OfficialParts:
    """Read what `write_parts` wrote; folders: as `protrek.json` has them.

    Raises
    ------
    FileFormatError
        If it is missing or damaged.
    """
    try:
        return OfficialParts(folders, load_file(folder / PARTS))
    except (OSError, SafetensorError) as error:
        raise FileFormatError(folder / PARTS, f"does not load ({error})", "copy the model again") from error


def _route(config: Path) -> str:
    """Tell which tower a folder belongs to: ESM's architecture reads sequences or, by its name, 3Di letters."""
    if read_json(config).get("model_type") != "esm":
        return "text"
    return "structure" if config.parent.name.startswith("foldseek") else "sequence"
