"""An exponential moving average of the weights, kept beside them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

_FILE = "average.safetensors"


class WeightAverage(TrainerCallback):
    """The average of what learns in `model`, in single precision: mean ← d · mean + (1 - d) · weights a step.

    d is `decay`, at first less: min(decay, (1 + step) / (10 + step)), so that the weights before the first step
    are soon forgotten.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.weights = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
        self.mean = {name: weight.detach().float().clone() for name, weight in self.weights.items()}

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the weights after `step`, the first being 1."""
        new = 1 - min(self.decay, (1 + step) / (10 + step))
        for name, mean in self.mean.items():
            mean.lerp_(self.weights[name].detach().float(), new)

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Update after every step of the optimizer."""
        self.update(state.global_step)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Give the model the average, and its own weights again when the block ends."""
        own = {name: weight.detach().clone() for name, weight in self.weights.items()}
        self.apply()
        try:
            yield
        finally:
            self._copy(own)

    def apply(self) -> None:
        """Give the model the average for good."""
        self._copy(self.mean)

    def save(self, folder: Path) -> None:
        """Write the average into `folder`."""
        save_file(self.mean, folder / _FILE)

    def load(self, folder: Path) -> None:
        """Go on from what `save` wrote."""
        for name, mean in load_file(folder / _FILE).items():
            self.mean[name].copy_(mean)

    @torch.no_grad()
    def _copy(self, values: dict[str, Tensor]) -> None:
        for name, weight in self.weights.items():
            weight.copy_(values[name])
