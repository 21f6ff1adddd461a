"""The settings of one training run; the defaults are the reference's recipe."""

from dataclasses import dataclass
from typing import Literal, get_args

from protrek_hm.config import require

Objective = Literal["triplet", "contrastive"]


@dataclass(frozen=True)
class TrainConfig:
    """How to train.

    objective: "triplet" reads text, protein and twin; "contrastive" reads text and protein, with the rest of
    the batch as negatives. epochs: passes over the triplets. learning_rate: its peak, after `warmup` (a share
    of all steps) and before a linear decay to 0. margin: wanted gap between the two cosines, in (0, 2].
    batch_size: triplets a step. max_gradient: gradients of a larger norm are scaled down to it. seed: of the
    order of the triplets.
    """

    objective: Objective = "triplet"
    epochs: int = 30
    learning_rate: float = 1e-5
    margin: float = 0.2
    batch_size: int = 16
    warmup: float = 0.1
    weight_decay: float = 0.01
    max_gradient: float = 1.0
    seed: int = 42

    def __post_init__(self) -> None:
        wanted = f"must be one of {', '.join(get_args(Objective))}"
        require("objective", self.objective, wanted, holds=self.objective in get_args(Objective))
        for name in ("epochs", "batch_size"):
            value = getattr(self, name)
            require(name, value, "must be at least 1", holds=value >= 1)
        for name in ("learning_rate", "max_gradient"):
            value = getattr(self, name)
            require(name, value, "must be above 0", holds=value > 0)
        require("margin", self.margin, "must lie in (0, 2]", holds=0 < self.margin <= 2)
        require("warmup", self.warmup, "must lie in [0, 1)", holds=0 <= self.warmup < 1)
        require("weight_decay", self.weight_decay, "must not be negative", holds=self.weight_decay >= 0)
