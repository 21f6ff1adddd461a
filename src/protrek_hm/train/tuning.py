"""What moves of a model during training, and how fast: settings."""

import re
from dataclasses import dataclass
from typing import Literal, get_args

from protrek_hm.config import require

Schedule = Literal["linear", "cosine", "constant"]


@dataclass(frozen=True)
class Tuning:
    """What moves, and how fast.

    Attributes
    ----------
    tune
        "full": all weights; "last:N": the last N transformer blocks of each tower and the projections; "heads":
        the projections into the joint space; "lora": the projections, and a low-rank change of every matrix in the
        transformer blocks (Hu et al., 2021), which becomes part of the matrix when the run ends.
    learning_rate
        Its peak, after `warmup`; above 0.
    lr_text, lr_sequence, lr_structure
        The peak for one tower, at least 0; `learning_rate` where None. 0 keeps the tower as it is.
    layer_decay
        In (0, 1]: each block moves slower than the one above it by this factor, the embeddings the slowest; the
        projections move at the full rate.
    warmup
        Share of all steps during which the rates rise from 0, in [0, 1).
    schedule
        How they fall afterwards: "linear" or "cosine" to 0, or not at all ("constant").
    weight_decay
        Pull of the matrices towards 0, at least 0; norms and biases have none.
    max_gradient
        Gradients of a larger norm are scaled down to it; above 0.
    ema
        In [0, 1): above 0 the run's result is an exponential moving average of the weights, of which each step
        keeps this share; 0 takes the last step's weights.
    lora_rank, lora_alpha
        The rank of the change, and its scale: it is multiplied by lora_alpha ÷ lora_rank; at least 1 each.

    Examples
    --------
    >>> Tuning(tune="last:2", lr_text=0).rate("text"), Tuning().rate("sequence")
    (0, 1e-05)
    """

    tune: str = "full"
    learning_rate: float = 1e-5
    lr_text: float | None = None
    lr_sequence: float | None = None
    lr_structure: float | None = None
    layer_decay: float = 1.0
    warmup: float = 0.1
    schedule: Schedule = "linear"
    weight_decay: float = 0.01
    max_gradient: float = 1.0
    ema: float = 0.0
    lora_rank: int = 8
    lora_alpha: int = 16

    def __post_init__(self) -> None:
        known = re.fullmatch(r"full|heads|lora|last:[1-9]\d*", self.tune) is not None
        require("tune", self.tune, "must be full, lora, last:N (N blocks of each tower) or heads", holds=known)
        wanted = f"must be one of {', '.join(get_args(Schedule))}"
        require("schedule", self.schedule, wanted, holds=self.schedule in get_args(Schedule))
        for name in ("learning_rate", "max_gradient"):
            value = getattr(self, name)
            require(name, value, "must be above 0", holds=value > 0)
        for name in ("lr_text", "lr_sequence", "lr_structure"):
            value = getattr(self, name)
            require(name, value, "must not be negative", holds=value is None or value >= 0)
        require("layer_decay", self.layer_decay, "must lie in (0, 1]", holds=0 < self.layer_decay <= 1)
        for name in ("warmup", "ema"):
            value = getattr(self, name)
            require(name, value, "must lie in [0, 1)", holds=0 <= value < 1)
        require("weight_decay", self.weight_decay, "must not be negative", holds=self.weight_decay >= 0)
        for name in ("lora_rank", "lora_alpha"):
            value = getattr(self, name)
            require(name, value, "must be at least 1", holds=value >= 1)

    def rate(self, task: str) -> float:
        """Return the peak rate of a tower's projection, which no part of the tower exceeds."""
        own: float | None = getattr(self, f"lr_{task}")
        return self.learning_rate if own is None else own
