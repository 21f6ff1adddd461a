"""From the settings and the vectors of a batch to the parts of its loss."""

import math
from collections.abc import Mapping
from functools import partial
from typing import cast

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from protrek_hm.model.protrek import ProTrek, Task
from protrek_hm.train.config import TrainConfig
from protrek_hm.train.examples import ABSENT, ROLES, Examples
from protrek_hm.train.losses import contrastive_loss, distillation_loss, soft_triplet_loss, triplet_loss

Vectors = Mapping[Task, Float[np.ndarray, "inputs dim"]]
NEAR = 0.95
"""What a guide scores at least this share as high as a true pair may be one, too (arXiv:2407.15831)."""
_KINDS = (("text", "positive"), ("text", "structure"), ("positive", "structure"))


class Objective(nn.Module):
    """The loss of a batch, by its parts; holds the contrastive temperature, and learns it if it shall.

    Parameters
    ----------
    examples
        The whole table: whatever stands in it as a pair is nowhere taken for a negative.
    config
        The objective and its weights.
    temperature
        The model's; above 0.
    base, guide
        The vectors that the frozen base, and the model that judges negatives, have for the table's inputs.
    """

    def __init__(
        self,
        examples: Examples,
        config: TrainConfig,
        *,
        temperature: float,
        base: Vectors | None = None,
        guide: Vectors | None = None,
    ) -> None:
        super().__init__()
        self.examples, self.config = examples, config
        self.base, self.guide = base, guide
        self.log_temperature = nn.Parameter(torch.tensor(math.log(temperature)), requires_grad=config.learn_temperature)
        self.fixed = None if config.learn_temperature else temperature
        self.wordings = _same_wordings(examples)
        self.known = np.unique(self._codes("positive", np.arange(len(examples))))
        self.twins = np.unique(self._codes("negative", np.arange(len(examples))))

    @property
    def temperature(self) -> float:
        """The contrastive temperature as it is now."""
        return self.fixed if self.fixed is not None else math.exp(self.log_temperature.item())

    def forward(
        self, vectors: Mapping[str, Float[Tensor, "batch dim"]], rows: Int[Tensor, " batch"]
    ) -> dict[str, Float[Tensor, ""]]:
        """Return the weighted parts of the loss; those that these rows say nothing about are left out.

        vectors: of each role, a row for each of the table's `rows`.
        """
        aim, config = self.config.objective, self.config
        if aim == "triplet":
            named = (vectors[role] for role in ("text", "positive", "negative"))
            return {"triplet": triplet_loss(*named, margin=config.margin)}
        if aim == "contrastive":
            return self._contrastive(vectors, rows)
        if aim == "twin":
            return {"twin": self._twin(vectors)}
        parts = {}
        if config.contrastive_weight:
            parts |= self._contrastive(vectors, rows)
        if config.twin_weight:
            parts["twin"] = config.twin_weight * self._twin(vectors)
        if config.distillation_weight:
            parts["distillation"] = config.distillation_weight * self._distillation(vectors, rows)
        return parts

    def _contrastive(self, vectors: Mapping[str, Tensor], rows: Tensor) -> dict[str, Tensor]:
        parts = {}
        for kind in _KINDS:
            if not set(kind) <= vectors.keys():
                continue
            numbers = rows.cpu().numpy()
            held = [self.examples.roles[role][numbers] != ABSENT for role in kind]
            chosen = torch.from_numpy((held[0] & held[1]).nonzero()[0]).to(rows.device)
            if len(chosen) < 2:
                continue
            masks = self.config.false_negatives == "mask"
            ignored = self._may_be_pairs(rows[chosen].cpu().numpy()).to(rows.device) if masks else None
            left, right = (vectors[role][chosen] for role in kind)
            temperature = self.fixed if self.fixed is not None else self.log_temperature.exp()
            loss = contrastive_loss(left, right, temperature=temperature, ignored=ignored)
            name = "contrastive" if kind == _KINDS[0] else f"contrastive {ROLES[kind[0]][0]}-{ROLES[kind[1]][0]}"
            parts[name] = loss if self.config.objective == "contrastive" else self.config.contrastive_weight * loss
        return parts

    def _twin(self, vectors: Mapping[str, Tensor]) -> Tensor:
        text, protein, twin, twin_text = (vectors[role] for role in ("text", "positive", "negative", "negative_text"))
        if self.config.twin_shape == "margin":
            cost = partial(triplet_loss, margin=self.config.margin)
        else:
            cost = partial(soft_triplet_loss, temperature=self.temperature)
        return (cost(text, protein, twin) + cost(protein, text, twin_text)) / 2

    def _distillation(self, vectors: Mapping[str, Tensor], rows: Tensor) -> Tensor:
        """Compare the model's and the base's choice among the batch, twins left out: these shall move."""
        numbers = rows.cpu().numpy()
        twins = torch.from_numpy(np.isin(self._codes("positive", numbers, crossed=True), self.twins)).to(rows.device)
        own = torch.eye(len(rows), dtype=torch.bool, device=rows.device)
        return distillation_loss(
            vectors["text"] @ vectors["positive"].T,
            _scores(cast("Vectors", self.base), self.examples, numbers).to(rows.device),
            temperature=self.temperature,
            ignored=twins & ~own,
        )

    def _may_be_pairs(self, rows: Int[np.ndarray, " batch"]) -> Bool[Tensor, "batch batch"]:
        """Tell which text of the rows may belong to which of their proteins, though nothing proves it."""
        ignored = np.isin(self._codes("positive", rows, crossed=True), self.known)
        groups = self.examples.groups[rows]
        ignored |= (groups[:, None] == groups) & (groups != ABSENT)
        result = torch.from_numpy(ignored)
        if self.guide is not None:
            scores = _scores(self.guide, self.examples, rows)
            own = scores.diagonal()
            enough = own - (1 - NEAR) * own.abs()
            result |= (scores >= enough[:, None]) | (scores >= enough)
        return result

    def _codes(self, role: str, rows: Int[np.ndarray, " batch"], *, crossed: bool = False) -> Int[np.ndarray, "..."]:
        """Give each pair of a text and a protein its number; crossed: each text of the rows with each protein."""
        if role not in self.examples.roles:
            return np.zeros((len(rows), len(rows)) if crossed else len(rows), dtype=np.int64) + ABSENT
        texts, proteins = self.wordings[rows], self.examples.roles[role][rows]
        codes = (texts[:, None] if crossed else texts) * len(self.examples.inputs["sequence"]) + proteins
        return np.where((texts[:, None] if crossed else texts) == ABSENT, ABSENT, codes)


def _same_wordings(examples: Examples) -> Int[np.ndarray, " rows"]:
    """Return a number for each row's text; texts that differ in case and blanks alone have the same."""
    if "text" not in examples.roles:
        return np.full(len(examples), ABSENT)
    folded = [" ".join(text.casefold().split()) for text in examples.inputs["text"]]
    _, numbers = np.unique(folded, return_inverse=True)
    texts = examples.roles["text"]
    return np.where(texts == ABSENT, ABSENT, np.append(numbers, ABSENT)[texts])


def _scores(vectors: Vectors, examples: Examples, rows: Int[np.ndarray, " batch"]) -> Float[Tensor, "batch batch"]:
    texts = vectors["text"][examples.roles["text"][rows]]
    return torch.from_numpy(texts @ vectors["sequence"][examples.roles["positive"][rows]].T)


def encode_inputs(model: ProTrek, examples: Examples, *, batch_size: int) -> dict[Task, np.ndarray]:
    """Return a model's vectors of the texts and sequences of a table."""
    return {
        task: np.asarray(model.encode(inputs, task=task, batch_size=batch_size, show_progress_bar=False))
        for task, inputs in examples.inputs.items()
        if task != "structure"
    }
