"""Strings to vectors: what is read alike once, the longest first, as many tokens at a time as the budget allows."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from transformers.utils import logging

from protrek_hm.config import Modality, require
from protrek_hm.deadline import checkpoint
from protrek_hm.model.inputs import cut_input
from protrek_hm.model.packed import can_pack, packed_forward, padded_forward
from protrek_hm.model.towers import reader_of

# A CPU is fastest while a layer's numbers stay in its cache; a GPU wants to be filled (`docs/LOG.md`)
CPU_TOKENS, GPU_TOKENS = 2048, 32_768
_TOKENIZED_AT_ONCE = 1024


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
    than the tower's window is cut, as `window.describe_cut` tells. A tower that `can_pack` pads nothing; another one
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
    bar = logging.tqdm(total=len(distinct), desc="Encoding", disable=not progress)
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
