"""Attention inside of each segment of a row that holds many inputs one after the other, without padding."""

from collections.abc import Sequence
from importlib.util import find_spec
from itertools import groupby
from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import pad, scaled_dot_product_attention

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
