"""One tower: Transformer → Pooling(cls) → Dense(identity), around random weights or an encoder that is there."""

import copy
import inspect
from tempfile import TemporaryDirectory
from typing import Any

import torch
from sentence_transformers.base.modules import Dense, Module, Transformer
from sentence_transformers.sentence_transformer.modules import Pooling
from torch import nn
from transformers import (
    AutoModel,
    BertConfig,
    BertModel,
    EsmConfig,
    EsmModel,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from protrek_hm.model.config import TowerConfig

# ProTrek reads the first token of the last layer; the encoders' own pooling layers are never used
NO_POOLER = {"add_pooling_layer": False}


def reader_of(tower: nn.Module) -> Any:
    """Return a tower's first module: the encoder with its tokenizer."""
    return next(tower.children())


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
