"""A tower's forward pass over inputs laid one after the other: no padding, the same numbers, gradients.

A tower reads the first token alone, so its last layer is computed for that alone, unless all are asked for.
Weights and modules are the encoder's own, in its own order (and so are adapters in them); only attention, ESM's
activation and its rotation of positions are written out here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from jaxtyping import Float
from sentence_transformers.base.modules import Transformer
from sentence_transformers.sentence_transformer.modules import Pooling
from torch import Tensor, nn
from torch.nn.functional import gelu
from torch.nn.utils.rnn import pad_sequence
from transformers import BertModel, EsmModel

from protrek_hm.model.packed_attention import segment_attention
from protrek_hm.model.towers import reader_of


def can_pack(tower: nn.Module) -> bool:
    """Tell whether `packed_forward` knows the tower: an ESM or BERT encoder whose first token is read."""
    transformer, pooling = (*tower.children(), None, None)[:2]
    if not isinstance(transformer, Transformer) or not isinstance(pooling, Pooling):
        return False
    encoder = cast("Any", transformer).model
    known = type(encoder) in (EsmModel, BertModel) and not encoder.config.is_decoder
    return known and encoder.config._attn_implementation in ("sdpa", "eager") and pooling.pooling_mode == "cls"


def packed_forward(tower: nn.Module, token_ids: Sequence[Tensor]) -> Float[Tensor, "inputs dim"]:
    """Return the tower's vector for each input, as the padded forward pass of its modules would.

    tower: a route of `ProTrek.routes` that `can_pack`. token_ids: the tokens of each input, one-dimensional,
    start and end tokens included. Memory grows with their total; only the tokens' embeddings are padded at
    first. Dropout is applied where the tower is in training mode.
    """
    features = {"sentence_embedding": _read(tower, token_ids, whole=False)}
    for module in list(tower.children())[2:]:
        features = module(features)
    return features["sentence_embedding"]


def packed_tokens(tower: nn.Module, token_ids: Sequence[Tensor]) -> Float[Tensor, "tokens hidden"]:
    """Return the encoder's last hidden state of every token, the inputs one after the other; see `packed_forward`."""
    return _read(tower, token_ids, whole=True)


def padded_forward(tower: nn.Module, token_ids: Sequence[Tensor]) -> Float[Tensor, "inputs dim"]:
    """Return what `packed_forward` does, for any tower, by padding to the longest input."""
    transformer = reader_of(tower)
    padding = transformer.tokenizer.pad_token_id
    padded, real = pad_tokens(token_ids, padding=padding, device=next(tower.parameters()).device)
    features = {"input_ids": padded, "attention_mask": real}
    for module in tower.children():
        features = module(features)
    return features["sentence_embedding"]


def pad_tokens(token_ids: Sequence[Tensor], *, padding: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return the tokens as a table, a row an input, and 1 where they are real.

    >>> tokens = [torch.tensor([5, 6]), torch.tensor([7])]
    >>> [table.tolist() for table in pad_tokens(tokens, padding=9, device=torch.device("cpu"))]
    [[[5, 6], [7, 9]], [[1, 1], [1, 0]]]
    """
    table = pad_sequence(list(token_ids), batch_first=True, padding_value=padding)
    real = pad_sequence([torch.ones_like(each) for each in token_ids], batch_first=True)
    return table.to(device), real.to(device)


@dataclass(frozen=True)
class _Segments:
    """The inputs' lengths in the row. first: the rows of their first tokens, if only these are asked for."""

    lengths: list[int]
    first: Tensor | None = None

    def first_only(self, device: torch.device) -> "_Segments":
        return _Segments(self.lengths, torch.tensor([0, *self.lengths[:-1]], device=device).cumsum(0))

    def asked(self, row: Tensor) -> Tensor:
        return row if self.first is None else row[self.first]


def _read(tower: nn.Module, token_ids: Sequence[Tensor], *, whole: bool) -> Tensor:
    """Return the last hidden state of each token (whole), or of each input's first."""
    encoder = reader_of(tower).model
    padded, real = pad_tokens(token_ids, padding=encoder.config.pad_token_id, device=encoder.device)
    segments = _Segments([len(each) for each in token_ids])
    forward = _esm if isinstance(encoder, EsmModel) else _bert
    return forward(encoder, padded, real, segments, segments if whole else segments.first_only(encoder.device))


def _esm(encoder: Any, padded: Tensor, real: Tensor, segments: _Segments, last: _Segments) -> Tensor:
    inside = real.bool()
    row = encoder.embeddings(input_ids=padded, attention_mask=real)[inside]  # scales by each input's masked share
    turn: list[Tensor] = []
    if encoder.rotary_embeddings is not None:
        positions = (real.cumsum(1) - 1)[inside]
        turn = [each[0, :, None] for each in encoder.rotary_embeddings(row, positions[None])]
    row = _through(_esm_layer, encoder, row, [segments, last], turn)
    return cast("Tensor", encoder.encoder.emb_layer_norm_after(row))


def _bert(encoder: Any, padded: Tensor, real: Tensor, segments: _Segments, last: _Segments) -> Tensor:
    row = encoder.embeddings(input_ids=padded)[real.bool()]
    return _through(_bert_layer, encoder, row, [segments, last], [])


def _through(
    forward: Callable[..., Tensor], encoder: Any, row: Tensor, segments: list[_Segments], turn: list[Tensor]
) -> Tensor:
    all_tokens, last = segments
    *layers, top = encoder.encoder.layer
    for layer in layers:
        row = forward(layer, row, all_tokens, turn)
    return forward(top, row, last, turn)


def _esm_layer(layer: Any, row: Tensor, segments: _Segments, turn: list[Tensor]) -> Tensor:
    attended = _attend(layer.attention.self, layer.attention.LayerNorm(row), segments, turn)
    middle = layer.attention.output(attended, segments.asked(row))
    inner = gelu(layer.intermediate.dense(layer.LayerNorm(middle)))  # one pass; transformers writes it in five
    return cast("Tensor", layer.output(inner, middle))


def _bert_layer(layer: Any, row: Tensor, segments: _Segments, turn: list[Tensor]) -> Tensor:
    middle = layer.attention.output(_attend(layer.attention.self, row, segments, turn), segments.asked(row))
    return cast("Tensor", layer.output(layer.intermediate(middle), middle))


def _attend(attention: Any, row: Tensor, segments: _Segments, turn: list[Tensor]) -> Tensor:
    heads = (-1, attention.attention_head_size)
    query = attention.query(segments.asked(row)).unflatten(-1, heads)
    key, value = attention.key(row).unflatten(-1, heads), attention.value(row).unflatten(-1, heads)
    if turn:
        query, key = _turned(query, *map(segments.asked, turn)), _turned(key, *turn)
    dropout = getattr(attention.dropout, "p", attention.dropout) if attention.training else 0.0
    asked = segments.lengths if segments.first is None else [1] * len(segments.lengths)
    return segment_attention(query, key, value, asked=asked, lengths=segments.lengths, dropout=dropout)


def _turned(vectors: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Turn by rotary positions (Su et al., arXiv:2104.09864), in halves as ESM-2 does; in float32."""
    wide, half = vectors.float(), vectors.shape[-1] // 2
    across = torch.cat((-wide[..., half:], wide[..., :half]), dim=-1)
    return torch.addcmul(wide * cosine, across, sine).to(vectors.dtype)
