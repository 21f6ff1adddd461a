"""ProTrek's own layout, read: the same weights, tokens and cuts, so the same vectors.

A checkpoint, and beside it a folder for each tower with its settings and vocabulary:

    ProTrek_650M/
    ├── esm2_t33_650M_UR50D/            the sequence tower: config.json, vocab.txt
    ├── BiomedNLP-PubMedBERT-…/         the text tower: config.json, vocab.txt
    ├── foldseek_t30_150M/              the structure tower: config.json, vocab.txt
    └── ProTrek_650M.pt                 {"model": tensors by name}

The names of the tensors begin with the place of their part: `0` is the temperature, `1.…` the sequence tower,
`2.…` the text tower, `3.…` the structure tower. In a tower, `out` is the projection, `model` the encoder. Checkpoints
are read without running any code that a file may carry.
"""

import pickle
import re
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from sentence_transformers.base.modules import Dense, Module
from torch import Tensor
from transformers import (
    BertConfig,
    BertModel,
    BertTokenizer,
    EsmConfig,
    EsmForMaskedLM,
    EsmModel,
    EsmTokenizer,
    PreTrainedTokenizerBase,
)

from protrek_hm.errors import FileFormatError
from protrek_hm.files import read_json
from protrek_hm.model.locate import CHECKPOINT
from protrek_hm.model.tokenizers import MAX_PROTEIN_TOKENS, MAX_TEXT_TOKENS, protein_tokenizer
from protrek_hm.model.towers import NO_POOLER, make_tower

PARTS = "official.safetensors"
TEMPERATURE = "0"
PLACES = {"sequence": "1", "text": "2", "structure": "3"}
# What stands between the place and the name that the tensor has in the bare encoder
ENCODERS = {"sequence": "model.esm.", "text": "model.", "structure": "model.esm."}
EMBEDDINGS = "embeddings.word_embeddings.weight"
LM_HEAD = "model.lm_head."  # predicts masked letters; no embedding needs it
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


_PROGRESS = ("epoch", "global_step", "best_value")
_SHOWN = 12
_AGAIN = "copy or download it again"


@dataclass(frozen=True)
class Checkpoint:
    """The tensors of a checkpoint by name, and how far its training had come: epoch, global_step, best_value."""

    path: Path
    tensors: Mapping[str, Tensor]
    progress: Mapping[str, float]


def read_checkpoint(path: Path) -> Checkpoint:
    """Read the `model` of a checkpoint; optimizers and settings beside it are passed over.

    Tensors of files in today's format are read from the disk when they are used.

    Raises
    ------
    FileFormatError
        If the file is cut off or damaged, holds other things than tensors and plain values, or no model.
    """
    with path.open("rb") as file:
        if file.read(40).startswith(b"version https://git-lfs"):
            problem = "a pointer of Git LFS, not the weights"
            raise FileFormatError(path, problem, "fetch them with `git lfs pull`, or give the hub's name of the model")
    try:
        zipped = zipfile.is_zipfile(path)
        if zipped:
            _check_sums(path)
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=zipped)
    except pickle.UnpicklingError as error:
        first = str(error).split(". ")[0].splitlines()[0]
        raise FileFormatError(path, f"not a checkpoint of tensors alone ({first})", _AGAIN) from error
    except (RuntimeError, EOFError, OSError, ValueError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise FileFormatError(path, f"cut off or damaged ({reason})", _AGAIN) from error
    tensors = content.get("model") if isinstance(content, dict) else None
    if not (isinstance(tensors, dict) and all(isinstance(each, Tensor) for each in tensors.values())):
        raise FileFormatError(path, 'no checkpoint of ProTrek: it has no tensors under "model"', "give another one")
    progress = {name: content[name] for name in _PROGRESS if isinstance(content.get(name), int | float)}
    # Training on several devices puts a word before each name
    return Checkpoint(path, {name.removeprefix("module."): each for name, each in tensors.items()}, progress)


def _check_sums(path: Path) -> None:
    """Compare each part of a file with its checksum, which torch does not do: a flipped bit would be a weight."""
    with zipfile.ZipFile(path) as archive:
        # Who writes without checksums leaves 0 for each
        if any(each.CRC for each in archive.infolist()) and (part := archive.testzip()) is not None:
            raise zipfile.BadZipFile(f"{part} does not agree with its checksum")


def check_tensors(
    checkpoint: Checkpoint, expected: Mapping[str, tuple[int, ...] | None], *, optional: Iterable[str] = ()
) -> None:
    """Make sure that a checkpoint has the tensors `expected`, by name and shape, and no others but the `optional`.

    A shape of None is any shape.

    Raises
    ------
    FileFormatError
        If it has not: the message lists the names.
    """
    found = checkpoint.tensors
    missing = [name for name in expected if name not in found]
    surplus = sorted(found.keys() - expected.keys() - set(optional))
    wrong = [
        f"{name} {list(found[name].shape)} instead of {list(shape)}"
        for name, shape in expected.items()
        if shape is not None and name in found and tuple(found[name].shape) != shape
    ]
    problems = [
        f"{len(names)} {what}: {_enumerate(names)}"
        for what, names in (("missing", missing), ("unexpected", surplus), ("of another size", wrong))
        if names
    ]
    if problems:
        problem = f"tensors do not fit the folders beside it: {'; '.join(problems)}"
        raise FileFormatError(checkpoint.path, problem, "give the folders that belong to this checkpoint")


def read_scalar(checkpoint: Checkpoint, name: str) -> float:
    """Return a number that is kept as a tensor.

    Raises
    ------
    FileFormatError
        If it is not one number above 0.
    """
    tensor: Any = checkpoint.tensors[name]
    value = tensor.item() if tensor.numel() == 1 else None
    if not (value is not None and value > 0):
        raise FileFormatError(checkpoint.path, f"the temperature (tensor {name!r}) is not a number above 0", _AGAIN)
    return float(value)


def _enumerate(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


# Buffers that some versions of transformers save, and a head of ESM's that ProTrek removes: no weights of ProTrek
_BUFFERS = re.compile(r".*\.(position_ids|inv_freq|contact_head\.regression\.(weight|bias))")
_FREQUENCIES = "rotary_embeddings.inv_freq"


@dataclass(frozen=True)
class OfficialModel:
    """A model read from ProTrek's own layout; license and history as in `ModelSettings`."""

    routes: dict[str, list[Module]]
    temperature: float
    license: str | None
    history: list[dict[str, Any]]
    parts: OfficialParts


def read_official(place: Path) -> OfficialModel:
    """Read a folder of ProTrek's layout, or a checkpoint that lies in one; weights become float32.

    Raises
    ------
    FileFormatError
        If a file is missing or damaged, or the tensors do not fit the towers' settings: the message lists them.
    """
    layout = read_layout(place)
    checkpoint = read_checkpoint(layout.checkpoint)
    routes = ["text", "sequence"]  # the order of fresh models
    if any(name.startswith(f"{PLACES['structure']}.") for name in checkpoint.tensors):
        routes.append("structure")
    require_towers(layout, routes)
    configs = {route: _read_config(layout.towers[route], route) for route in routes}
    kept = _check(checkpoint, configs)
    return OfficialModel(
        routes={route: _tower(checkpoint, layout, route, config) for route, config in configs.items()},
        temperature=read_scalar(checkpoint, TEMPERATURE),
        license=_read_license(layout.folder / "README.md"),
        history=[{"step": "import", "checkpoint": layout.checkpoint.name, **checkpoint.progress}],
        parts=OfficialParts({route: layout.towers[route].name for route in routes}, kept),
    )


def _read_config(folder: Path, route: str) -> Any:
    kind, known = (BertConfig, ("absolute",)) if route == "text" else (EsmConfig, ("absolute", "rotary"))
    config = kind.from_pretrained(folder)
    found = getattr(config, "position_embedding_type", "absolute")
    if found not in known:
        problem = f"position_embedding_type {found!r}, which transformers computes no longer"
        raise FileFormatError(folder / "config.json", problem, f"give a model with {' or '.join(known)}")
    return config


def _check(checkpoint: Checkpoint, configs: Mapping[str, Any]) -> dict[str, Tensor]:
    """Make sure that the checkpoint fits the towers; return copies of the tensors that no embedding needs."""
    projection = checkpoint.tensors.get(f"{PLACES['sequence']}.out.bias")
    dimension = 0 if projection is None else projection.numel()
    buffers = {name for name in checkpoint.tensors if _BUFFERS.fullmatch(name)}
    expected: dict[str, tuple[int, ...] | None] = {TEMPERATURE: None}
    for route, config in configs.items():
        place = f"{PLACES[route]}."
        with torch.device("meta"):  # names and sizes alone
            encoder = BertModel(config, **NO_POOLER) if route == "text" else EsmForMaskedLM(config)
        sizes = {f"{place}model.{name}": tuple(tensor.shape) for name, tensor in encoder.state_dict().items()}
        headless = not any(name.startswith(place + LM_HEAD) for name in checkpoint.tensors)
        expected |= {
            name: size
            for name, size in sizes.items()
            if not (_BUFFERS.fullmatch(name) or (headless and name.startswith(place + LM_HEAD)))
        }
        expected |= {f"{place}out.weight": (dimension, config.hidden_size), f"{place}out.bias": (dimension,)}
    check_tensors(checkpoint, expected, optional=buffers)
    return {
        name: tensor.clone()
        for name, tensor in checkpoint.tensors.items()
        if name in buffers or LM_HEAD in name and not _is_tied(checkpoint, configs, name)
    }


def _is_tied(checkpoint: Checkpoint, configs: Mapping[str, Any], name: str) -> bool:
    """Tell whether a tensor of a head is that of the embeddings, and so follows them when they are trained."""
    route = next(route for route in configs if name.startswith(f"{PLACES[route]}."))
    if not (name.endswith("decoder.weight") and configs[route].tie_word_embeddings):
        return False
    embeddings = f"{PLACES[route]}.{ENCODERS[route]}{EMBEDDINGS}"
    if not torch.equal(checkpoint.tensors[name], checkpoint.tensors[embeddings]):
        problem = f"{name} differs from {embeddings}, to which config.json ties it"
        raise FileFormatError(checkpoint.path, problem, "give the folders that belong to this checkpoint")
    return True


def _tower(checkpoint: Checkpoint, layout: OfficialFolder, route: str, config: Any) -> list[Module]:
    prefix = f"{PLACES[route]}.{ENCODERS[route]}"
    weights = {
        name.removeprefix(prefix): tensor.to(torch.float32, copy=True)
        for name, tensor in checkpoint.tensors.items()
        if name.startswith(prefix) and not _BUFFERS.fullmatch(name)
    }
    if route == "text":
        kind: Any = BertModel
    else:
        kind = EsmModel
        weights |= _rotary_frequencies(checkpoint, prefix, config) | _no_contacts(config)
    encoder = kind.from_pretrained(None, config=config, state_dict=weights, **NO_POOLER)
    tokenizer = _tokenizer(layout.towers[route], route, config)
    if len(tokenizer) > config.vocab_size:
        problem = f"{len(tokenizer)} entries, but {config.vocab_size} embeddings"
        raise FileFormatError(layout.towers[route] / "vocab.txt", problem, "copy or download the folder again")
    projection = {name: checkpoint.tensors[f"{PLACES[route]}.out.{name}"].float() for name in ("weight", "bias")}
    tower = make_tower(encoder, tokenizer, dimension=len(projection["bias"]))
    [dense] = [module for module in tower if isinstance(module, Dense)]
    dense.linear.load_state_dict(projection)
    return tower


def _rotary_frequencies(checkpoint: Checkpoint, prefix: str, config: Any) -> dict[str, Tensor]:
    """Return the rotary frequencies as they were in training, where half precision may have rounded them."""
    if config.position_embedding_type != "rotary":
        return {}
    found = [
        each.float()
        for name, each in checkpoint.tensors.items()
        if name.startswith(prefix) and name.endswith(_FREQUENCIES)
    ]
    if not found:
        size = config.hidden_size // config.num_attention_heads
        return {_FREQUENCIES: 1.0 / config.rope_theta ** (torch.arange(0, size, 2, dtype=torch.float) / size)}
    if not all(torch.equal(each, found[0]) for each in found):
        problem = f"{prefix}…{_FREQUENCIES} differ from layer to layer"
        raise FileFormatError(checkpoint.path, problem, "give a checkpoint that ProTrek wrote")
    return {_FREQUENCIES: found[0].clone()}


def _no_contacts(config: Any) -> dict[str, Tensor]:
    """Return the head that ESM brings for contacts, which ProTrek has not and nothing uses, as zeros."""
    size = config.num_hidden_layers * config.num_attention_heads
    return {"contact_head.regression.weight": torch.zeros(1, size), "contact_head.regression.bias": torch.zeros(1)}


def _tokenizer(folder: Path, route: str, config: Any) -> PreTrainedTokenizerBase:
    if route == "text":
        length = min(MAX_TEXT_TOKENS, config.max_position_embeddings)
        words: PreTrainedTokenizerBase = BertTokenizer.from_pretrained(folder, model_max_length=length)
        return words
    rotary = config.position_embedding_type == "rotary"
    # Absolute positions begin after the number of the padding token
    length = MAX_PROTEIN_TOKENS if rotary else config.max_position_embeddings - config.pad_token_id - 1
    tokenizer = EsmTokenizer.from_pretrained(folder)
    return protein_tokenizer(tokenizer, max_tokens=length, structure=route == "structure")


def _read_license(card: Path) -> str | None:
    """Return the licence that a hub's model card states in its head."""
    text = card.read_text(encoding="utf-8", errors="replace") if card.is_file() else ""
    head = re.match(r"---\n(.*?)\n---", text, flags=re.DOTALL)
    stated = re.search(r"^license:\s*[\"']?([\w.-]+)", head[1], flags=re.MULTILINE) if head else None
    return stated[1] if stated else None
