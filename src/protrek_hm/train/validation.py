"""What the trainer asks the validation set after every epoch."""

import numpy as np
import polars as pl
from sentence_transformers.base.evaluation import BaseEvaluator

from protrek_hm.model.protrek import ProTrek


class TwinAccuracy(BaseEvaluator):
    """Share of the triplets whose text prefers its protein to the twin, ties half; and the mean triplet loss.

    Every distinct text and sequence is encoded once.
    """

    def __init__(self, triplets: pl.DataFrame, *, margin: float, batch_size: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.texts, self.text = np.unique(triplets["anchor_text"].to_list(), return_inverse=True)
        both = triplets["anchor_seq"].to_list() + triplets["hard_neg_seq"].to_list()
        self.sequences, index = np.unique(both, return_inverse=True)
        self.positive, self.negative = index.reshape(2, -1)
        self.margin, self.batch_size = margin, batch_size
        self.primary_metric = "accuracy"

    def __call__(  # type: ignore[override]
        self, model: ProTrek, output_path: str | None = None, epoch: int = -1, steps: int = -1
    ) -> dict[str, float]:
        """Return `accuracy` and `loss`."""
        options = {"batch_size": self.batch_size, "show_progress_bar": False}
        texts = model.encode(self.texts.tolist(), task="text", **options)
        sequences = model.encode(self.sequences.tolist(), task="sequence", **options)
        gaps = (texts[self.text] * (sequences[self.positive] - sequences[self.negative])).sum(axis=1, dtype=np.float64)
        # Beyond six decimals the same protein in another batch scores differently
        preferred = (1 + np.sign(gaps.round(6))) / 2
        return {"accuracy": float(preferred.mean()), "loss": float(np.maximum(0, self.margin - gaps).mean())}
