"""Residues hidden at random, and the loss of the model's guesses of them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from protrek_hm.data.schema import AMINO_ACIDS
from protrek_hm.model.packed import packed_tokens
from protrek_hm.model.protrek import ProTrek
from protrek_hm.model.towers import reader_of
from protrek_hm.train.losses import masked_language_loss

SHARE, HIDDEN, CHANGED = 0.15, 0.8, 0.1
"""Share of the residues that are asked for; of those, shares shown as <mask>, and as another residue (ESM, BERT)."""
IGNORED = -100


def mask_tokens(
    features: dict[str, Tensor], tokenizer: Any, *, rngs: Sequence[np.random.Generator]
) -> dict[str, Tensor]:
    """Hide residues of padded sequences, and add `labels`: what stood there, `IGNORED` where nothing is asked.

    features: input_ids and attention_mask. rngs: of each sequence, so that its masks depend on no other. Start and end
    tokens are never asked for; every sequence is asked for one residue at least.

    >>> from protrek_hm.model.tokenizers import residue_tokenizer
    >>> tokens = residue_tokenizer(9)("MK", return_tensors="pt")
    >>> masked = mask_tokens(tokens, residue_tokenizer(9), rngs=[np.random.default_rng(0)])
    >>> masked["input_ids"].tolist(), masked["labels"].tolist()
    ([[0, 20, 32, 2]], [[-100, -100, 15, -100]])
    """
    tokens = features["input_ids"]
    lots = np.zeros((3, *tokens.shape))  # for each token: whether it is asked for, its fate, another residue
    for row, (rng, length) in enumerate(zip(rngs, features["attention_mask"].sum(1).tolist(), strict=True)):
        lots[:, row, :length] = rng.random((3, length))
    draw, fate, other = torch.from_numpy(lots)
    special = torch.isin(tokens, torch.tensor(tokenizer.all_special_ids))
    draw = draw.masked_fill(special, 2.0)
    asked = (draw < SHARE) | (draw == draw.min(dim=1, keepdim=True).values)
    asked &= ~special
    letters = torch.tensor(tokenizer.convert_tokens_to_ids(list(AMINO_ACIDS)))
    shown = torch.where(asked & (fate < HIDDEN), tokenizer.mask_token_id, tokens)
    shown = torch.where(asked & (fate >= 1 - CHANGED), letters[(other * len(letters)).long()], shown)
    return {**features, "input_ids": shown, "labels": tokens.masked_fill(~asked, IGNORED)}


def guessing_loss(model: ProTrek, masked: dict[str, Tensor], *, packed: bool, bf16: bool = False) -> Float[Tensor, ""]:
    """Return the sum of -log P(residue) over the residues that are asked for; gradients flow.

    masked: what `mask_tokens` makes. packed: whether the sequence tower can be read without padding (`can_pack`).
    bf16: multiply the encoder's matrices in bfloat16; the loss is computed in float32 all the same.
    """
    tower = model.routes["sequence"]
    real = masked["attention_mask"].bool()
    labels = masked["labels"][real]
    asked = labels != IGNORED
    with torch.autocast(model.device.type, dtype=torch.bfloat16, enabled=bf16):
        if packed:
            hidden = packed_tokens(tower, [ids[inside] for ids, inside in zip(masked["input_ids"], real, strict=True)])
        else:
            features = {name: masked[name] for name in ("input_ids", "attention_mask")}
            hidden = reader_of(tower)(features)["token_embeddings"][real]
    table = reader_of(tower).model.get_input_embeddings().weight
    return masked_language_loss(hidden[asked].float(), table, labels[asked]) * asked.sum()
