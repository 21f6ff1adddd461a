"""Towers: Transformer → Pooling(cls) → Dense(identity), around random weights or a pretrained encoder.

Pretrained are ESM-2, ESM C, SaProt, BERT and their like, from a folder or from the hub.
"""

import copy
import inspect
import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
import transformers
from sentence_transformers.base.modules import Dense, Module, Transformer
from sentence_transformers.sentence_transformer.modules import Pooling
from torch import nn
from transformers import (
    AutoModel,
    AutoTokenizer,
    BertConfig,
    BertModel,
    EsmConfig,
    EsmModel,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.models.auto.configuration_auto import CONFIG_MAPPING
from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING, MODEL_MAPPING

from protrek_hm.config import require
from protrek_hm.errors import FileFormatError, MissingFileError
from protrek_hm.files import read_json
from protrek_hm.model.config import EncoderConfig, TowerConfig
from protrek_hm.model.locate import download, is_hub_name
from protrek_hm.model.source import require_weights, whole_model
from protrek_hm.model.tokenizers import MAX_PROTEIN_TOKENS, MAX_TEXT_TOKENS, protein_tokenizer

# ProTrek reads the first token of the last layer; the encoders' own pooling layers are never used
NO_POOLER = {"add_pooling_layer": False}


def esm_tower(tokenizer: PreTrainedTokenizerBase, config: TowerConfig, *, dimension: int) -> list[Module]:
    """Build a tower of ESM-2's architecture (rotary positions, pre-norm) for residues or 3Di letters."""
    encoder = EsmModel(
        EsmConfig(
            vocab_size=len(tokenizer),
            hidden_size=config.hidden,
            num_hidden_layers=config.layers,
            num_attention_heads=config.heads,
            intermediate_size=4 * config.hidden,
            max_position_embeddings=config.max_tokens + 2,
            initializer_range=config.hidden**-0.5,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
            position_embedding_type="rotary",
            emb_layer_norm_before=False,
            token_dropout=True,
            pad_token_id=tokenizer.pad_token_id,
            mask_token_id=tokenizer.mask_token_id,
        ),
        **NO_POOLER,
    )
    return make_tower(encoder, tokenizer, dimension=dimension)


def bert_tower(tokenizer: PreTrainedTokenizerBase, config: TowerConfig, *, dimension: int) -> list[Module]:
    """Build a tower of BERT's architecture for texts."""
    encoder = BertModel(
        BertConfig(
            vocab_size=len(tokenizer),
            hidden_size=config.hidden,
            num_hidden_layers=config.layers,
            num_attention_heads=config.heads,
            intermediate_size=4 * config.hidden,
            max_position_embeddings=config.max_tokens,
            initializer_range=config.hidden**-0.5,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
            pad_token_id=tokenizer.pad_token_id,
        ),
        **NO_POOLER,
    )
    return make_tower(encoder, tokenizer, dimension=dimension)


def make_tower(encoder: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, *, dimension: int) -> list[Module]:
    """Build the tower of an encoder in memory; the projection to `dimension` gets random weights."""
    shell = copy.deepcopy(encoder.config)
    shell.num_hidden_layers = 1
    if getattr(shell, "layer_types", None):
        shell.layer_types = shell.layer_types[:1]
    options, length = pooler_options(type(encoder)), {"model_max_length": tokenizer.model_max_length}
    # Transformer takes its parts from a folder only: here one block of them, without drawing from the caller's seed
    with TemporaryDirectory() as folder, torch.random.fork_rng(devices=[]):
        AutoModel.from_config(shell, **options).save_pretrained(folder)  # type: ignore[no-untyped-call]
        tokenizer.save_pretrained(folder)
        transformer = Transformer(folder, model_kwargs=options, processor_kwargs=length)
    transformer.model = encoder
    hidden = encoder.config.hidden_size
    return [
        transformer,
        Pooling(hidden, pooling_mode="cls"),
        Dense(hidden, dimension, activation_function=nn.Identity()),
    ]


def pooler_options(kind: type[PreTrainedModel]) -> dict[str, Any]:
    """Return the options that make an encoder without its own pooling layer, where it has one.

    >>> pooler_options(BertModel)
    {'add_pooling_layer': False}
    """
    return dict(NO_POOLER) if "add_pooling_layer" in inspect.signature(kind.__init__).parameters else {}


def loading_options(transformer: Transformer) -> dict[str, Any]:
    """Return what must stand beside a saved encoder for it to be loaded as it is: no pooler, float32, the same cuts.

    Encoders saved in half precision would be loaded so, and their projections in float32: the two do not go together.
    Without the length, sentence-transformers would cut inputs at the number of positions that the settings name, which
    encoders with rotary positions do not need.
    """
    options = {**pooler_options(type(transformer.auto_model)), "dtype": "float32"}
    length = {"model_max_length": transformer.max_seq_length}
    return {"model_kwargs": options, "processor_kwargs": length}


_POSITIONS = ("absolute", "rotary")  # transformers computes the relative ones of old BERTs no longer
# Their positions begin after the number of the padding token
_OFFSET = {"camembert", "esm", "ibert", "longformer", "mpnet", "roberta", "xlm-roberta"}
# Not in every checkpoint: ESM's head for contacts, which no embedding needs, and frequencies that settings decide
_CONTACTS = "contact_head."
_OPTIONAL = rf"{re.escape(_CONTACTS)}.*|.*\binv_freq"
_KINDS = "give ESM-2, ESM C, SaProt, BERT or the like, as transformers saves them"


def read_encoder(encoder: EncoderConfig, route: str, *, dimension: int) -> list[Module]:
    """Build the tower of a pretrained encoder; its projection to `dimension` gets random weights.

    route: "text", "sequence" or "structure". Weights are loaded as float32; code that comes with a model is
    never run.

    Raises
    ------
    MissingFileError, FileFormatError
        If it is not there, or damaged; or if it is no encoder whose first token can stand for an input of this
        route.
    OptionError
        If it cannot read inputs of `max_tokens`.
    """
    path = encoder.path
    folder = _find(path)
    with whole_model(path, folder):
        config = _read_config(path, folder)
        kind: Any = MODEL_MAPPING[type(config)]
        model, report = kind.from_pretrained(
            folder, config=config, dtype=torch.float32, output_loading_info=True, **pooler_options(kind)
        )
        lacking = [*report["missing_keys"], *(name for name, *_ in report["mismatched_keys"])]
        require_weights(path, [name for name in lacking if not re.fullmatch(_OPTIONAL, name)])
        for name in report["missing_keys"]:
            if name.startswith(_CONTACTS):
                model.get_parameter(name).data.zero_()  # not by chance: equal models have equal fingerprints
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
        longest = _longest(config, tokenizer, route)
        length = longest if encoder.max_tokens is None else encoder.max_tokens
        require("max_tokens", length, f"{path} reads {longest} at most", holds=length <= longest)
        if route == "text":
            tokenizer.model_max_length = length
        else:
            tokenizer = protein_tokenizer(tokenizer, max_tokens=length, structure=route == "structure")
        _check_tokens(path, tokenizer, model.get_input_embeddings().num_embeddings)
        return make_tower(model, tokenizer, dimension=dimension)


def _find(path: str) -> Path:
    folder = Path(path)
    if folder.is_dir():
        return folder
    if folder.exists() or folder.parent.is_dir() or not is_hub_name(path):
        raise MissingFileError(path, "give the folder of an encoder, or a hub name such as user/model")
    snapshot = download(path, weights=lambda _: ["*.safetensors"])
    if not any(snapshot.glob("*.safetensors")):
        download(path.partition("@")[0], revision=snapshot.name, weights=lambda _: ["pytorch_model*.bin"])
    return snapshot


def _read_config(path: str, folder: Path) -> Any:
    """Read an encoder's settings, if transformers has its architecture and it reads in both directions."""
    if not (folder / "config.json").is_file():
        raise FileFormatError(path, "holds no encoder (config.json is missing)", _KINDS)
    kind = str(read_json(folder / "config.json").get("model_type"))
    if kind not in CONFIG_MAPPING:
        raise FileFormatError(path, f"transformers {transformers.__version__} has no architecture {kind!r}", _KINDS)
    config: Any = CONFIG_MAPPING[kind].from_pretrained(folder)
    if type(config) not in MODEL_FOR_MASKED_LM_MAPPING or not _reads_both_ways(config):
        raise FileFormatError(path, f"the architecture {kind!r} is no encoder of whole inputs", _KINDS)
    positions = getattr(config, "position_embedding_type", "absolute")
    if positions not in _POSITIONS:
        raise FileFormatError(path, f"position_embedding_type {positions!r}, which transformers has no longer", _KINDS)
    return config


def _reads_both_ways(config: Any) -> bool:
    return not (getattr(config, "is_encoder_decoder", False) or getattr(config, "is_decoder", False))


def _longest(config: Any, tokenizer: PreTrainedTokenizerBase, route: str) -> int:
    """Return how many tokens an encoder can read, start and end tokens included."""
    if config.model_type == "esm" and config.position_embedding_type == "rotary":
        return MAX_PROTEIN_TOKENS
    positions = getattr(config, "max_position_embeddings", None) or MAX_TEXT_TOKENS
    if config.model_type in _OFFSET:
        positions -= config.pad_token_id + 1
    return min(positions, tokenizer.model_max_length) if route == "text" else positions


def _check_tokens(path: str, tokenizer: PreTrainedTokenizerBase, embeddings: int) -> None:
    first = tokenizer("A")["input_ids"][0]
    if first not in (tokenizer.cls_token_id, tokenizer.bos_token_id):
        raise FileFormatError(path, "its inputs begin with no start token, whose vector a tower reads", _KINDS)
    if len(tokenizer) > embeddings:
        problem = f"{len(tokenizer)} tokens, but {embeddings} embeddings"
        raise FileFormatError(path, problem, "give weights and tokenizer of one model")
