"""What the vectors of a model depend on, as a hash: `v2-<weights>-<reading>`.

<weights> are the first 32 hexadecimal digits of the SHA-256 of all tensors: name, shape, type, values. <reading> are
those of everything else that decides tokens and arithmetic: tokenizers, windows, the encoders' settings, pooling,
projections, prompts. The temperature is in neither, since no vector depends on it; nor are device and kind of
attention, which change the last bits alone. An older fingerprint is the SHA-256 of the tensors: 64 digits.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from protrek_hm.model.encoder import FINGERPRINT_DIGITS, FINGERPRINT_VERSION
from protrek_hm.model.inputs import reader_of

# Settings that the arithmetic of ESM and BERT depends on, besides the shapes of their weights. Named, since later
# versions of transformers know others, and equal models shall stay equal
_ENCODER = {
    *("model_type", "hidden_act", "layer_norm_eps", "num_attention_heads", "position_embedding_type", "is_decoder"),
    *("pad_token_id", "mask_token_id", "token_dropout", "emb_layer_norm_before"),
}
# Of any other encoder, all settings but these
_IDLE = re.compile(
    r"_.*|.*version|.*dtype|architectures|.*(dropout|initializer).*|use_cache|tie_.*|output_.*|return_.*|"
    r"id2label|label2id|problem_type|classifier_.*|task_specific_params"
)
_IDLE_IN_TOKENIZERS = ("version", "truncation", "padding", "decoder")


def fingerprint(model: Any, routes: Mapping[str, nn.Module], *, dtype: torch.dtype | None = None) -> str:
    """Return the fingerprint of a `ProTrek`, or of a light one; with `dtype`, as if its weights were of this type."""
    reading = {
        "routes": {route: _read_tower(tower) for route, tower in routes.items()},
        "closing": [_read_module(module) for module in list(model)[1:]],
        "prompt": model.prompts.get(model.default_prompt_name) if model.default_prompt_name else None,
        "dimension": model.truncate_dim,
    }
    hashed = hashlib.sha256(json.dumps(reading, sort_keys=True, default=str).encode()).hexdigest()
    both = (_hash_tensors(model.state_dict(), dtype), hashed)
    return "-".join([FINGERPRINT_VERSION, *(each[:FINGERPRINT_DIGITS] for each in both)])


def _hash_tensors(tensors: Mapping[str, Tensor], dtype: torch.dtype | None) -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        values = tensor.to(dtype) if dtype is not None and tensor.is_floating_point() else tensor
        digest.update(f"{name}{tuple(values.shape)}{values.dtype}".encode())
        digest.update(values.detach().cpu().contiguous().view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _read_tower(tower: nn.Module) -> dict[str, Any]:
    transformer = reader_of(tower)
    config = transformer.config
    if config.model_type in ("bert", "esm"):
        settings = {name: getattr(config, name, None) for name in _ENCODER}
    else:
        settings = {name: value for name, value in config.to_diff_dict().items() if not _IDLE.fullmatch(name)}
    return {
        "encoder": {"kind": type(transformer.auto_model).__name__, **settings},
        "tokenizer": _read_tokenizer(transformer.tokenizer),
        "window": transformer.max_seq_length,
        "lower case": bool(transformer.do_lower_case),
        "processing": transformer.processing_kwargs or None,
        "modules": [_read_module(module) for module in list(tower.children())[1:]],
    }


def _read_tokenizer(tokenizer: Any) -> dict[str, Any]:
    sides = {name: getattr(tokenizer, name) for name in ("truncation_side", "padding_side", "pad_token_id")}
    if not tokenizer.is_fast:
        settings = {name: str(value) for name, value in tokenizer.init_kwargs.items() if "path" not in name}
        return {**sides, "kind": type(tokenizer).__name__, "vocabulary": tokenizer.get_vocab(), "settings": settings}
    parts = json.loads(tokenizer.backend_tokenizer.to_str())
    return {**sides, **{name: part for name, part in parts.items() if name not in _IDLE_IN_TOKENIZERS}}


def _read_module(module: Any) -> list[Any]:
    kind = type(module).__name__  # which the light modules have in common with sentence-transformers'
    if kind == "Pooling":
        return [kind, module.pooling_mode]
    if kind == "Dense":
        return [kind, type(module.activation_function).__name__, *_renamed(module)]
    if kind == "Normalize":
        return [kind, *_renamed(module)]
    return [kind, module.get_config_dict() if hasattr(module, "get_config_dict") else str(module)]


def _renamed(module: Any) -> list[str]:
    """Return what a module reads and what it writes, where that is not the vector, as it always is in our models."""
    names = [module.module_input_name, module.module_output_name]
    return [] if names == ["sentence_embedding"] * 2 else names
