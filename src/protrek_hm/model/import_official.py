"""From ProTrek's own layout to towers: the same weights, tokens and cuts, so the same vectors."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
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
from protrek_hm.model.checkpoint import Checkpoint, check_tensors, read_checkpoint, read_scalar
from protrek_hm.model.official import (
    EMBEDDINGS,
    ENCODERS,
    LM_HEAD,
    MAX_PROTEIN_TOKENS,
    MAX_TEXT_TOKENS,
    PLACES,
    TEMPERATURE,
    OfficialFolder,
    OfficialParts,
    read_layout,
    require_towers,
)
from protrek_hm.model.towers import NO_POOLER, make_tower
from protrek_hm.model.vocabularies import protein_tokenizer

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
