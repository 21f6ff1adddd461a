"""Residues hidden at random, for the model to guess."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

SHARE, HIDDEN, CHANGED = 0.15, 0.8, 0.1
"""Share of the residues that are asked for; of those, shares shown as <mask>, and as another residue (ESM, BERT)."""
IGNORED = -100
_LETTERS = "ACDEFGHIKLMNPQRSTVWY"


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
    letters = torch.tensor(tokenizer.convert_tokens_to_ids(list(_LETTERS)))
    shown = torch.where(asked & (fate < HIDDEN), tokenizer.mask_token_id, tokens)
    shown = torch.where(asked & (fate >= 1 - CHANGED), letters[(other * len(letters)).long()], shown)
    return {**features, "input_ids": shown, "labels": tokens.masked_fill(~asked, IGNORED)}
