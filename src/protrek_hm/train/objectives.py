"""From the settings and the vectors of a batch to the parts of its loss."""

import math
from collections.abc import Mapping
from functools import partial
from typing import cast

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from protrek_hm.config import Modality
from protrek_hm.errors import OptionError
from protrek_hm.model.protrek import ProTrek
from protrek_hm.train.config import TrainConfig
from protrek_hm.train.examples import ABSENT, ROLES, Examples
from protrek_hm.train.losses import contrastive_loss, distillation_loss, soft_triplet_loss, triplet_loss

Vectors = Mapping[Modality, Float[np.ndarray, "inputs dim"]]
NEAR = 0.95
"""What a guide scores at least this share as high as a true pair may be one, too (arXiv:2407.15831)."""
_BOUNDS = (0.01, 1.0)  # of a temperature that is learned, the lower one as CLIP's
_KINDS = (("text", "positive"), ("text", "structure"), ("positive", "structure"))
_ROUTES = {"": ("positive", "negative"), " structure": ("structure", "negative_structure")}


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
        texts = examples.roles.get("text", np.full(len(examples), ABSENT))
        self.wordings = np.where(texts == ABSENT, ABSENT, np.append(examples.wordings, ABSENT)[texts])
        self.known = examples.known @ [len(examples.inputs.get("sequence", [])), 1]
        self.twins = np.setdiff1d(self._codes("negative", np.arange(len(examples))), [ABSENT])

    @property
    def temperature(self) -> float:
        """The contrastive temperature as it is now."""
        return self.fixed if self.fixed is not None else self.log_temperature.exp().clamp(*_BOUNDS).item()

    def forward(
        self, vectors: Mapping[str, Float[Tensor, "batch dim"]], rows: Int[Tensor, " batch"]
    ) -> dict[str, Float[Tensor, ""]]:
        """Return the weighted parts of the loss; those that these rows say nothing about are left out.

        vectors: of each role, a row for each of the table's `rows`.
        """
        aim, config = self.config.objective, self.config
        if aim == "masked":  # its loss needs no vectors
            return {}
        if aim == "contrastive":
            return self._contrastive(vectors, rows)
        balanced = aim == "balanced"
        parts = self._contrastive(vectors, rows) if balanced and config.contrastive_weight else {}
        twin_weight = config.twin_weight if balanced else 1.0
        for name, (own, other) in _ROUTES.items():
            if not {own, other} <= vectors.keys():
                continue
            unlike = self._held((own, other), rows, differ=True)
            if aim == "triplet" and len(unlike):
                named = (vectors[role][unlike] for role in ("text", own, other))
                parts[f"triplet{name}"] = triplet_loss(*named, margin=config.margin)
            elif twin_weight and len(unlike):
                named = (vectors[role][unlike] for role in ("text", own, other, "negative_text"))
                parts[f"twin{name}"] = twin_weight * self._twin(*named)
            if balanced and config.distillation_weight:
                distilled = self._distillation(vectors, rows, own)
                parts[f"distillation{name}"] = config.distillation_weight * distilled
        return parts

    def _held(self, roles: tuple[str, ...], rows: Tensor, *, differ: bool = False) -> Int[Tensor, " held"]:
        """Return the places among `rows` of those that hold all roles, and if told so different things in them."""
        numbers = np.stack([self.examples.roles[role][rows.cpu().numpy()] for role in roles])
        held = (numbers != ABSENT).all(axis=0)
        if differ:
            held &= numbers[0] != numbers[1]
        return torch.from_numpy(held.nonzero()[0]).to(rows.device)

    def _contrastive(self, vectors: Mapping[str, Tensor], rows: Tensor) -> dict[str, Tensor]:
        parts = {}
        for kind in _KINDS:
            if not set(kind) <= vectors.keys():
                continue
            chosen = self._held(kind, rows)
            if len(chosen) < 2:
                continue
            ignored = None
            if self.config.false_negatives == "mask":
                ignored = self._may_be_pairs(rows[chosen].cpu().numpy(), kind).to(rows.device)
            left, right = (vectors[role][chosen] for role in kind)
            temperature = self.fixed if self.fixed is not None else self.log_temperature.exp().clamp(*_BOUNDS)
            loss = contrastive_loss(left, right, temperature=temperature, ignored=ignored)
            name = "contrastive" if kind == _KINDS[0] else f"contrastive {ROLES[kind[0]][0]}-{ROLES[kind[1]][0]}"
            parts[name] = loss if self.config.objective == "contrastive" else self.config.contrastive_weight * loss
        return parts

    def _twin(self, text: Tensor, protein: Tensor, twin: Tensor, twin_text: Tensor) -> Tensor:
        if self.config.twin_shape == "margin":
            cost = partial(triplet_loss, margin=self.config.margin)
        else:
            cost = partial(soft_triplet_loss, temperature=self.temperature)
        return (cost(text, protein, twin) + cost(protein, text, twin_text)) / 2

    def _distillation(self, vectors: Mapping[str, Tensor], rows: Tensor, role: str) -> Tensor:
        """Compare the model's and the base's choice among the batch, twins left out: these shall move."""
        chosen = self._held((role,), rows)
        rows = rows[chosen]
        numbers = rows.cpu().numpy()
        twins = torch.from_numpy(np.isin(self._codes("positive", numbers, crossed=True), self.twins)).to(rows.device)
        own = torch.eye(len(rows), dtype=torch.bool, device=rows.device)
        return distillation_loss(
            vectors["text"][chosen] @ vectors[role][chosen].T,
            _scores(cast("Vectors", self.base), self.examples, numbers, role).to(rows.device),
            temperature=self.temperature,
            ignored=twins & ~own,
        )

    def _may_be_pairs(
        self, rows: Int[np.ndarray, " batch"], roles: tuple[str, ...] = _KINDS[0]
    ) -> Bool[Tensor, "batch batch"]:
        """Tell what of one role may belong to what of the other of these rows, though nothing proves it."""
        ignored = np.isin(self._codes("positive", rows, crossed=True), self.known)
        groups = self.examples.groups[rows]
        for role in roles:  # the same protein, the same structure
            if role != "text":
                ignored |= self.examples.roles[role][rows][:, None] == self.examples.roles[role][rows]
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


def check_negatives(examples: Examples, config: TrainConfig) -> None:
    """Raise OptionError if no row has a negative: there is one row, one text, one protein or one group."""
    wanted = "needs two rows or more, of different texts and proteins: they are each other's negatives"
    if len(examples) < config.least_rows:
        raise OptionError("objective", config.objective, wanted)
    if config.objective != "contrastive" or config.structures:
        return
    texts = examples.roles.get("text", np.full(len(examples), ABSENT))
    rows = np.flatnonzero(texts != ABSENT)
    sides = [examples.wordings[texts[rows]], examples.roles["positive"][rows]]
    groups = examples.groups[rows]
    if config.false_negatives == "mask" and ABSENT not in groups:
        sides.append(groups)
    if any(len(np.unique(side)) < 2 for side in sides):
        raise OptionError("objective", config.objective, wanted)


def _scores(
    vectors: Vectors, examples: Examples, rows: Int[np.ndarray, " batch"], role: str = "positive"
) -> Float[Tensor, "batch batch"]:
    texts = vectors["text"][examples.roles["text"][rows]]
    return torch.from_numpy(texts @ vectors[ROLES[role][0]][examples.roles[role][rows]].T)


def encode_inputs(model: ProTrek, examples: Examples, *, batch_size: int) -> dict[Modality, np.ndarray]:
    """Return a model's vectors of a table's inputs, those that it has no route for left out."""
    return {
        task: np.asarray(model.encode(inputs, task=task, batch_size=batch_size, show_progress_bar=False))
        for task, inputs in examples.inputs.items()
        if task in model.tasks
    }
