"""Inputs encoded one after the other in a row, without padding: the same numbers, gradients, and each input once.

A tower that reads the first token alone has its last layer computed for that alone, unless all are asked for; one that
takes the mean needs all. Weights and modules are the encoder's own, in its own order (and so are adapters in them);
only attention, ESM's activation and its rotation of positions are written out here.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import groupby
from typing import Any, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import gelu, pad, scaled_dot_product_attention
from torch.nn.utils.rnn import pad_sequence
from tqdm.auto import tqdm

from protrek_hm.config import Modality, require
from protrek_hm.deadline import checkpoint
from protrek_hm.errors import OptionError
from protrek_hm.model.inputs import cut_input, reader_of

_HALF = (torch.float16, torch.bfloat16)
_VARLEN = find_spec("torch.nn.attention.varlen")  # torch has it from 2.10 on
_FLASH_FROM = (8, 0)  # Ampere


def segment_attention(
    query: Float[Tensor, "queries heads size"],
    key: Float[Tensor, "tokens heads size"],
    value: Float[Tensor, "tokens heads size"],
    *,
    asked: Sequence[int],
    lengths: Sequence[int],
    dropout: float = 0.0,
) -> Float[Tensor, "queries heads*size"]:
    """Return softmax(q kᵀ / √size) v, each segment for itself; gradients flow.

    asked: how many queries each segment has. lengths: how many keys it has. dropout: of the attention
    weights, in [0, 1).

    On a GPU in half precision this is one call of flash attention for lengths that vary. Elsewhere it is one
    call for each run of segments of equal length. On a CPU half precision is computed in float32: the kernels
    for it are slower there, and less exact (`docs/LOG.md`).

    Examples
    --------
    >>> one, keys = torch.ones(2, 1, 1), torch.zeros(3, 1, 1)
    >>> segment_attention(one, keys, torch.tensor([1.0, 3.0, 7.0])[:, None, None], asked=[1, 1], lengths=[2, 1])
    tensor([[2.], [7.]])
    """
    if not dropout and _has_flash(query):
        return _flash(query, key, value, asked=asked, lengths=lengths)
    given = query.dtype
    if query.device.type == "cpu" and given in _HALF:
        query, key, value = query.float(), key.float(), value.float()
    parts, first_query, first_key = [], 0, 0
    with torch.autocast(query.device.type, enabled=False):
        for (queries, keys), run in groupby(zip(asked, lengths, strict=True)):
            count = len(list(run))
            part = scaled_dot_product_attention(
                _segments(query, first_query, count, queries),
                _segments(key, first_key, count, keys),
                _segments(value, first_key, count, keys),
                dropout_p=dropout,
            )
            parts.append(part.transpose(1, 2).flatten(2).flatten(0, 1))
            first_query, first_key = first_query + count * queries, first_key + count * keys
    return torch.cat(parts).to(given)


def _segments(rows: Tensor, first: int, count: int, length: int) -> Float[Tensor, "count heads length size"]:
    return rows[first : first + count * length].reshape(count, length, *rows.shape[1:]).transpose(1, 2)


def _has_flash(query: Tensor) -> bool:
    fits = query.is_cuda and query.dtype in _HALF and query.shape[-1] % 8 == 0
    return fits and torch.cuda.get_device_capability(query.device) >= _FLASH_FROM and _VARLEN is not None


def _flash(
    query: Tensor, key: Tensor, value: Tensor, *, asked: Sequence[int], lengths: Sequence[int]
) -> Float[Tensor, "queries heads*size"]:
    from torch.nn.attention.varlen import varlen_attn

    def ends(counts: Sequence[int]) -> Tensor:
        return pad(torch.tensor(counts, device=query.device).cumsum(0, dtype=torch.int32), (1, 0))

    attended = varlen_attn(query, key, value, ends(asked), ends(lengths), max(asked), max(lengths))
    return cast("Tensor", attended).flatten(1)


def can_pack(tower: nn.Module) -> bool:
    """Tell whether `packed_forward` knows the tower: an ESM or BERT encoder, read at its first token or their mean."""
    transformer, pooling = (*tower.children(), None, None)[:2]
    if (type(transformer).__name__, type(pooling).__name__) != ("Transformer", "Pooling"):
        return False
    encoder = cast("Any", transformer).model
    known = type(encoder).__name__ in _FORWARD and not encoder.config.is_decoder
    pooled = cast("Any", pooling).pooling_mode in ("cls", "mean")
    return known and pooled and encoder.config._attn_implementation in ("sdpa", "eager")


def packed_forward(tower: nn.Module, token_ids: Sequence[Tensor]) -> Float[Tensor, "inputs dim"]:
    """Return the tower's vector for each input, as the padded forward pass of its modules would.

    tower: a route of `ProTrek.routes` that `can_pack`. token_ids: the tokens of each input, one-dimensional,
    start and end tokens included. Memory grows with their total; only the tokens' embeddings are padded at
    first. Dropout is applied where the tower is in training mode.
    """
    _, pooling, *rest = tower.children()
    mean = cast("Any", pooling).pooling_mode == "mean"
    states = _read(tower, token_ids, whole=mean)
    if mean:
        states = torch.stack([segment.mean(0) for segment in states.split([len(each) for each in token_ids])])  # type: ignore[no-untyped-call]
    features = {"sentence_embedding": states}
    for module in rest:
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
    last = segments if whole else segments.first_only(encoder.device)
    return _FORWARD[type(encoder).__name__](encoder, padded, real, segments, last)


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


# By the names that transformers' classes and the light ones have in common
_FORWARD = {"EsmModel": _esm, "BertModel": _bert}


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


# A CPU is fastest while a layer's numbers stay in its cache; a GPU wants to be filled (`docs/LOG.md`)
CPU_TOKENS, GPU_TOKENS = 2048, 32_768
_TOKENIZED_AT_ONCE = 1024


_ALIGNMENT = 64


def align_weights(model: nn.Module) -> None:
    """Move weights that lie at odd places of a file in memory: matrix products would differ in their last bits."""
    for each in (*model.parameters(), *model.buffers()):
        if each.data_ptr() % _ALIGNMENT:
            each.data = each.data.clone()


def check_device(device: str | None) -> None:
    """Make sure that this machine has the device.

    Raises
    ------
    OptionError
        If it has not.
    """
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise OptionError("device", device, f"not on this machine ({reason}); leave it out, or give cpu") from error


@dataclass(frozen=True)
class Packing:
    """How inputs are put together.

    token_budget: the most tokens at a time, padding included; a longer input goes alone. Memory grows with
    it, not with the number of inputs. None: 2,048 on a CPU, 32,768 elsewhere. most_inputs: the most inputs at
    a time; None: no limit. bfloat16: multiply matrices in bfloat16 (autocast).
    """

    token_budget: int | None = None
    most_inputs: int | None = None
    bfloat16: bool = False

    def __post_init__(self) -> None:
        holds = self.token_budget is None or self.token_budget >= 1
        require("token_budget", self.token_budget, "must be at least 1", holds=holds)


def encode_packed(
    tower: nn.Module,
    inputs: Sequence[str],
    packing: Packing,
    *,
    task: Modality,
    finish: Callable[[Float[Tensor, "batch dim"]], Float[Tensor, "batch out"]],
    progress: bool = False,
) -> Float[Tensor, "inputs out"]:
    """Return `finish` of the tower's vector of each of the inputs, of which there must be one.

    Inputs with the same tokens are computed once, so that their vectors are equal to the last bit. An input longer
    than the tower's window is cut, as `inputs.describe_cut` tells. A tower that `can_pack` pads nothing; another one
    pads inputs of like length.

    tower: the route of `task` in `ProTrek.routes`. finish: what is done with some vectors, in float32; the result lies
    where `finish` puts it.
    """
    transformer = reader_of(tower)
    device = next(tower.parameters()).device
    packs = can_pack(tower)
    forward = packed_forward if packs else padded_forward
    budget = packing.token_budget or (CPU_TOKENS if device.type == "cpu" else GPU_TOKENS)
    distinct = sorted(set(inputs), key=lambda each: (-len(each), each))  # so that their order changes no batch
    parts: list[Tensor] = []
    reading_of: dict[str, bytes] = {}
    row: dict[bytes, int] = {}
    bar = tqdm(total=len(distinct), desc="Encoding", disable=not progress)
    # One context for all: it casts each weight once
    with torch.autocast(device.type, torch.bfloat16, enabled=packing.bfloat16), bar:
        for start in range(0, len(distinct), _TOKENIZED_AT_ONCE):
            some = distinct[start : start + _TOKENIZED_AT_ONCE]
            tokens = _tokenize(transformer, some, task)
            readings = [_digest(ids) for ids in tokens]
            reading_of |= zip(some, readings, strict=True)
            fresh = {reading: ids for reading, ids in zip(readings, tokens, strict=True) if reading not in row}
            order = sorted(fresh, key=lambda each: len(fresh[each]), reverse=True)
            lengths = [len(fresh[each]) for each in order]
            for batch in token_batches(lengths, budget=budget, most=packing.most_inputs, padded=not packs):
                checkpoint()
                chosen = order[batch.start : batch.stop]
                vectors = forward(tower, [fresh[each] for each in chosen])
                with torch.autocast(device.type, enabled=False):
                    parts.append(finish(vectors.float()))
                row |= {each: len(row) + place for place, each in enumerate(chosen)}
            bar.update(len(some))
    return torch.cat(parts)[[row[reading_of[each]] for each in inputs]]


def token_batches(
    lengths: Sequence[int], *, budget: int, most: int | None = None, padded: bool = False
) -> Iterator[range]:
    """Cut a list of lengths, longest first, into batches of at most `budget` tokens and `most` inputs.

    padded: each input counts as much as its batch's first, the longest.

    >>> list(token_batches([9, 4, 3, 2], budget=8))
    [range(0, 1), range(1, 3), range(3, 4)]
    >>> list(token_batches([4, 3, 2, 1], budget=8, padded=True))
    [range(0, 2), range(2, 4)]
    """
    first = tokens = 0
    for at, length in enumerate(lengths):
        tokens += lengths[first] if padded else length
        if at > first and (tokens > budget or at - first == most):
            yield range(first, at)
            first, tokens = at, length
    if lengths:
        yield range(first, len(lengths))


def read_once(tower: nn.Module, inputs: Sequence[str], task: Modality) -> tuple[list[str], list[int]]:
    """Return the first input of each reading (its tokens), and the place of each input's reading among these."""
    readings = [
        _digest(ids)
        for start in range(0, len(inputs), _TOKENIZED_AT_ONCE)
        for ids in _tokenize(reader_of(tower), inputs[start : start + _TOKENIZED_AT_ONCE], task)
    ]
    place = {reading: number for number, reading in enumerate(dict.fromkeys(readings))}
    first = {place[reading]: each for reading, each in zip(reversed(readings), reversed(inputs), strict=True)}
    return [first[number] for number in range(len(place))], [place[reading] for reading in readings]


def _digest(ids: Tensor) -> bytes:
    return hashlib.blake2b(ids.numpy().tobytes(), digest_size=16).digest()


def _tokenize(transformer: Any, inputs: Sequence[str], task: Modality) -> list[Tensor]:
    """Return the tokens of each input as the tower's own preprocessing gives them, cut to its window."""
    features = transformer.preprocess([cut_input(each, task, transformer) for each in inputs])
    return [ids[real.bool()] for ids, real in zip(features["input_ids"], features["attention_mask"], strict=True)]
