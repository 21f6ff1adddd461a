"""One tower: Transformer → Pooling(cls) → Dense(identity), with random weights, made without any download."""

from pathlib import Path
from tempfile import TemporaryDirectory

from sentence_transformers.base.modules import Dense, Module, Transformer
from sentence_transformers.sentence_transformer.modules import Pooling
from torch import nn
from transformers import BertConfig, BertModel, EsmConfig, EsmModel, PreTrainedModel, PreTrainedTokenizerBase

from protrek_hm.model.config import TowerConfig

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
    return _tower(encoder, tokenizer, dimension)


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
    return _tower(encoder, tokenizer, dimension)


def _tower(encoder: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, dimension: int) -> list[Module]:
    with TemporaryDirectory() as folder:  # Transformer takes its parts from a folder only
        encoder.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        transformer = Transformer(str(Path(folder)), model_kwargs=dict(NO_POOLER))
    hidden = encoder.config.hidden_size
    return [
        transformer,
        Pooling(hidden, pooling_mode="cls"),
        Dense(hidden, dimension, activation_function=nn.Identity()),
    ]
