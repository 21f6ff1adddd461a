"""One step: a batch encoded, its loss, and the gradients of the weights."""

from typing import Any

import torch
from torch import Tensor

from protrek_hm.model.protrek import ProTrek
from protrek_hm.train.batches import Features
from protrek_hm.train.config import TrainConfig
from protrek_hm.train.distributed import average_gradients, gather_rows, process_count, sum_over_processes
from protrek_hm.train.encoding import Encoder, rows_of
from protrek_hm.train.examples import ABSENT, ROLES
from protrek_hm.train.masking import IGNORED
from protrek_hm.train.objectives import Objective


class Step:
    """Adds the gradients of a batch to the weights; see `encoding` for the way they take."""

    def __init__(self, model: ProTrek, objective: Objective, config: TrainConfig) -> None:
        self.model, self.objective, self.config = model, objective, config
        self.encoder = Encoder(model, config)

    def __call__(self, batch: dict[str, Any]) -> dict[str, Tensor]:
        """Return the parts of the loss of the batch of all processes, without their graphs.

        batch: what `Collator` makes. No gradient is computed from a loss that is no number.
        """
        own = self.encoder.encode(batch["inputs"])
        gathered = {task: gather_rows(vectors) for task, vectors in own.items()}
        vectors = {task: whole.requires_grad_() for task, (whole, _) in gathered.items()}
        rows, _ = gather_rows(batch["rows"])
        by_role = {}
        for role, places in batch["index"].items():
            task = ROLES[role][0]
            everywhere, _ = gather_rows(torch.where(places == ABSENT, ABSENT, places + gathered[task][1]))
            if len(vectors[task]):
                by_role[role] = vectors[task][everywhere]
        parts = self.objective(by_role, rows)
        gradients = {}
        if parts:
            loss = torch.stack(list(parts.values())).sum()
            if not loss.isfinite():
                return {name: part.detach() for name, part in parts.items()}
            torch.autograd.backward([loss])
            for task, (whole, first) in gathered.items():
                if whole.grad is not None:  # times the number of processes, for their mean is taken below
                    gradients[task] = whole.grad[first : first + len(own[task])] * process_count()
        parts = {name: part.detach() for name, part in parts.items()} | self._backward(batch, gradients)
        average_gradients([*self.model.parameters(), *self.objective.parameters()])
        return parts

    def _backward(self, batch: dict[str, Any], gradients: dict[Any, Tensor]) -> dict[str, Tensor]:
        """Bring the vectors' gradients to the weights; guess masked residues on the way, and return their loss."""
        masked = self._not_elsewhere(batch)
        here = 0 if masked is None else int((masked["labels"] != IGNORED).sum())
        device = self.model.device
        asked = sum_over_processes(here, device) if self.config.masking else 0
        weight = self.config.masking * process_count() / max(asked, 1)
        total = self.encoder.backward(batch["inputs"], gradients, masked, weight)
        if not asked:
            return {}
        return {"masked": torch.tensor(self.config.masking * sum_over_processes(total, device) / asked, device=device)}

    def _not_elsewhere(self, batch: dict[str, Any]) -> Features | None:
        """Return the masked proteins without those that an earlier process guesses: each counts once, as alone."""
        if "guessed" not in batch:
            return None
        everywhere, first = gather_rows(batch["guessed"])
        new = ~torch.isin(batch["guessed"], everywhere[:first])
        return rows_of(batch["masked"], new.nonzero()[:, 0]) if new.any() else None
