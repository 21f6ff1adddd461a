"""Objectives: pure functions of unit vectors, and the thin modules that the trainer calls."""

from collections.abc import Iterable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from protrek_hm.model.protrek import ProTrek
from protrek_hm.train.config import TrainConfig

Features = dict[str, Tensor]


def triplet_loss(
    text: Float[Tensor, "batch dim"],
    positive: Float[Tensor, "batch dim"],
    negative: Float[Tensor, "batch dim"],
    *,
    margin: float = 0.2,
) -> Float[Tensor, ""]:
    """Return the mean of max(0, cos(text, negative) - cos(text, positive) + margin), as the reference.

    All vectors are unit vectors. The loss lies in [0, 2 + margin] and is 0 once every gap reaches the margin.

    >>> text, protein, twin = torch.tensor([[[1.0, 0.0]], [[0.8, 0.6]], [[0.6, 0.8]]])
    >>> round(triplet_loss(text, protein, twin, margin=0.5).item(), 4)
    0.3
    """
    return functional.relu((text * negative).sum(-1) - (text * positive).sum(-1) + margin).mean()


def contrastive_loss(
    text: Float[Tensor, "batch dim"], sequence: Float[Tensor, "batch dim"], *, temperature: float
) -> Float[Tensor, ""]:
    """Return symmetric InfoNCE: each text finds its protein among the batch's, and each protein its text.

    Radford et al., "Learning transferable visual models from natural language supervision", 2021. All vectors
    are unit vectors; without any signal the loss is the logarithm of the batch's size.

    >>> same = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    >>> round(contrastive_loss(same, same, temperature=0.07).item(), 4)
    0.6931
    """
    logits = text @ sequence.T / temperature
    target = torch.arange(len(logits), device=logits.device)
    return (functional.cross_entropy(logits, target) + functional.cross_entropy(logits.T, target)) / 2


class TripletLoss(nn.Module):
    """`triplet_loss` of the columns text, positive, negative."""

    def __init__(self, model: ProTrek, *, margin: float) -> None:
        super().__init__()
        self.model, self.margin = model, margin

    def forward(self, features: Iterable[Features], _labels: Tensor | None = None) -> Tensor:
        """Encode the three columns and compare them."""
        text, positive, negative = _embed(self.model, features)
        return triplet_loss(text, positive, negative, margin=self.margin)

    def get_config_dict(self) -> dict[str, Any]:
        """Return what the trainer records of the loss."""
        return {"margin": self.margin}


class ContrastiveLoss(nn.Module):
    """`contrastive_loss` of the columns text, positive, at the model's temperature."""

    def __init__(self, model: ProTrek) -> None:
        super().__init__()
        self.model = model

    def forward(self, features: Iterable[Features], _labels: Tensor | None = None) -> Tensor:
        """Encode the two columns and compare all with all."""
        text, positive = _embed(self.model, features)
        return contrastive_loss(text, positive, temperature=self.model.temperature)

    def get_config_dict(self) -> dict[str, Any]:
        """Return what the trainer records of the loss."""
        return {"temperature": self.model.temperature}


def make_loss(model: ProTrek, config: TrainConfig) -> nn.Module:
    """Return the module of the objective that `config` names."""
    return TripletLoss(model, margin=config.margin) if config.objective == "triplet" else ContrastiveLoss(model)


def _embed(model: ProTrek, features: Iterable[Features]) -> list[Tensor]:
    return [model(column)["sentence_embedding"] for column in features]
