"""What the trainer asks the validation set after every epoch, where guessing residues is all that is learned."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from sentence_transformers.base.evaluation import BaseEvaluator

from protrek_hm.model.packed import can_pack
from protrek_hm.model.protrek import ProTrek
from protrek_hm.model.towers import reader_of
from protrek_hm.train.batches import Features
from protrek_hm.train.encoding import rows_of, split
from protrek_hm.train.guessing import guessing_loss
from protrek_hm.train.masking import IGNORED, mask_tokens

_AT_ONCE = 1_000  # sequences that are held as tokens


class Perplexity(BaseEvaluator):
    """exp of the mean loss of guessing masked residues, the same ones whenever it is asked; lower is better.

    1 is certainty, 20 a guess among all residues alike, and about 18 what their frequencies alone give.

    sequences: each distinct one counts once, as far as the model reads it. tokens: encoded at once. seed: of the masks.
    """

    def __init__(self, sequences: Sequence[str], *, tokens: int, seed: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.sequences = sorted({*sequences}, key=lambda each: (len(each), each))
        self.tokens, self.seed = tokens, seed
        self.primary_metric = "score"

    def measure_base(self, model: ProTrek) -> dict[str, float]:
        """Measure the model before training."""
        return self(model)

    @torch.no_grad()
    def __call__(  # type: ignore[override]
        self, model: ProTrek, output_path: str | None = None, epoch: int = -1, steps: int = -1
    ) -> dict[str, float]:
        """Return `loss`, in nats a residue, `perplexity`, and the epoch's `score`: the highest is kept."""
        training = model.training
        model.eval()
        packed = can_pack(model.routes["sequence"])
        total, asked = 0.0, 0
        for first in range(0, len(self.sequences), _AT_ONCE):
            masked = self._masked(model, range(first, min(first + _AT_ONCE, len(self.sequences))))
            asked += int((masked["labels"] != IGNORED).sum())
            for rows in split(masked["attention_mask"].sum(1), self.tokens):
                part = {name: value.to(model.device) for name, value in rows_of(masked, rows).items()}
                total += guessing_loss(model, part, packed=packed).item()
        model.train(training)
        loss = total / asked
        return {"loss": loss, "perplexity": math.exp(loss), "score": -loss}

    def _masked(self, model: ProTrek, numbers: range) -> Features:
        given = model.preprocess([self.sequences[number] for number in numbers], task="sequence")
        tokens = {name: given[name] for name in ("input_ids", "attention_mask")}
        rngs = [np.random.default_rng([self.seed, number]) for number in numbers]
        return mask_tokens(tokens, reader_of(model.routes["sequence"]).tokenizer, rngs=rngs)
