"""What a model makes of sequences with masked residues: the loss of its guesses."""

import torch
from jaxtyping import Float
from torch import Tensor

from protrek_hm.model.packed import packed_tokens
from protrek_hm.model.protrek import ProTrek
from protrek_hm.model.towers import reader_of
from protrek_hm.train.batches import Features
from protrek_hm.train.losses import masked_language_loss
from protrek_hm.train.masking import IGNORED


def guessing_loss(model: ProTrek, masked: Features, *, packed: bool, bf16: bool = False) -> Float[Tensor, ""]:
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
