"""One step: a batch encoded in parts, its loss, and the way back from gradients of vectors to those of weights."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import Any, TypeVar, cast

import torch
from jaxtyping import Float, Int
from torch import Tensor
from transformers import PreTrainedModel

from protrek_hm.config import Modality
from protrek_hm.errors import ModelError
from protrek_hm.model.inputs import reader_of
from protrek_hm.model.packed import can_pack, packed_forward, packed_tokens
from protrek_hm.model.protrek import ProTrek
from protrek_hm.train.batches import IGNORED, Features
from protrek_hm.train.config import TrainConfig
from protrek_hm.train.distributed import average_gradients, gather_rows, process_count, sum_over_processes
from protrek_hm.train.examples import ABSENT, ROLES
from protrek_hm.train.losses import masked_language_loss
from protrek_hm.train.objectives import Objective

Result = TypeVar("Result")
log = logging.getLogger(__name__)
_NO_MEMORY = ("can't allocate memory", "not enough memory", "out of memory")


class Step:
    """Adds the gradients of a batch to the weights; see `BatchEncoder` for the way they take."""

    def __init__(self, model: ProTrek, objective: Objective, config: TrainConfig) -> None:
        self.model, self.objective, self.config = model, objective, config
        self.encoder = BatchEncoder(model, config)

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


@dataclass
class _Part:
    """Inputs that are encoded at once: of which route, which rows of which group, and where their vectors go."""

    task: Modality
    features: Features
    place: Int[Tensor, " inputs"]
    random: list[Tensor]
    vectors: Float[Tensor, "inputs dim"]


class BatchEncoder:
    """Encodes batches for training. When memory runs out it goes on in smaller parts, and stays with these."""

    def __init__(self, model: ProTrek, config: TrainConfig) -> None:
        self.model = model
        self.tokens = config.tokens if config.encoding == "distinct" else None
        self.cache = config.cache
        self.parts: list[_Part] = []
        self.precision = config.precision
        self.packed = {
            task: config.encoding == "distinct" and not config.checkpoint_layers and can_pack(tower)
            for task, tower in model.routes.items()
        }

    def encode(self, inputs: dict[Modality, list[Features]]) -> dict[Modality, Float[Tensor, "inputs dim"]]:
        """Return the unit vectors of each route's inputs, the groups one after the other, free of any graph."""
        return self._in_smaller_parts(lambda: self._encode(inputs), [*chain(*inputs.values())])

    def backward(
        self,
        inputs: dict[Modality, list[Features]],
        gradients: dict[Modality, Float[Tensor, "inputs dim"]],
        masked: Features | None = None,
        masked_weight: float = 0.0,
    ) -> float:
        """Add to the weights' gradients what the vectors' gradients ask for, after `encode` of the same inputs.

        masked: residues to guess, as `mask_tokens` makes them; the gradient of `masked_weight` times the sum of
        their losses is added, and that sum returned.
        """

        def attempt() -> float:
            if not self.parts:  # memory ran out half-way
                self.model.zero_grad()
                self._encode(inputs)
            self._backward(gradients)
            return 0.0 if masked is None else self._guess(masked, masked_weight)

        everything = [*chain(*inputs.values()), *([] if masked is None else [masked])]
        total = self._in_smaller_parts(attempt, everything)
        self.parts = []
        return total

    def _encode(self, inputs: dict[Modality, list[Features]]) -> dict[Modality, Tensor]:
        self.parts = []
        vectors = {}
        for task, groups in inputs.items():
            mine = []
            first = 0
            for group in groups:
                for rows in split(group["attention_mask"].sum(1), self.tokens):
                    features = rows_of(group, rows)
                    random = self._random_states()
                    with torch.set_grad_enabled(not self.cache):
                        part = _Part(task, features, first + rows, random, self._forward(task, features))
                    mine.append(part)
                first += len(group["input_ids"])
            vectors[task] = self._empty(first)
            for part in mine:
                vectors[task][part.place] = part.vectors.detach()
            self.parts += mine
        return vectors

    def _backward(self, gradients: dict[Modality, Tensor]) -> None:
        wanted = [part for part in self.parts if part.task in gradients]
        if not self.cache:
            learning = [part for part in wanted if part.vectors.requires_grad]
            if learning:
                into = [gradients[part.task][part.place] for part in learning]
                torch.autograd.backward([part.vectors for part in learning], into)
            return
        for part in wanted:
            vectors = self._forward_again(part)
            if vectors.requires_grad:
                torch.autograd.backward([vectors], [gradients[part.task][part.place]])

    def _forward_again(self, part: _Part) -> Float[Tensor, "inputs dim"]:
        """Return the vectors of a part with their graph, and with the dropout of the first time."""
        cpu, *gpu = part.random
        with torch.random.fork_rng(devices=[self.model.device] if gpu else []):
            torch.set_rng_state(cpu)
            for state in gpu:
                torch.cuda.set_rng_state(state, self.model.device)
            return self._forward(part.task, part.features)

    def _random_states(self) -> list[Tensor]:
        device = self.model.device
        return [torch.get_rng_state(), *([torch.cuda.get_rng_state(device)] if device.type == "cuda" else [])]

    def _forward(self, task: Modality, features: Features) -> Float[Tensor, "inputs dim"]:
        with self._autocast():
            if not self.packed[task]:
                return cast("Tensor", self.model({**features, "task": task})["sentence_embedding"]).float()
            pairs = zip(features["input_ids"], features["attention_mask"].bool(), strict=True)
            output = {"sentence_embedding": packed_forward(self.model.routes[task], [ids[real] for ids, real in pairs])}
            for module in list(self.model.children())[1:]:  # what follows the routes, for all of them
                output = module(output)
            return output["sentence_embedding"].float()

    def _guess(self, masked: Features, weight: float) -> float:
        """Return the summed loss of the masked residues; their gradient, times `weight`, is added."""
        total = 0.0
        for rows in split(masked["attention_mask"].sum(1), self.tokens):
            part = rows_of(masked, rows)
            loss = guessing_loss(self.model, part, packed=self.packed["sequence"], bf16=self.precision == "bf16")
            torch.autograd.backward([loss * weight])
            total += loss.item()
        return total

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.model.device.type, dtype=torch.bfloat16, enabled=self.precision == "bf16")

    def _empty(self, rows: int) -> Tensor:
        return torch.empty(rows, self.model.get_embedding_dimension() or 0, device=self.model.device)

    def _in_smaller_parts(self, attempt: Callable[[], Result], groups: list[Features]) -> Result:
        """Do `attempt`, which reads `groups`; while memory runs out, do it again with parts of half the size.

        Raises
        ------
        ModelError
            If one input alone is too large.
        """
        longest = max((int(group["attention_mask"].sum(1).max()) for group in groups), default=0)
        while True:
            try:
                return attempt()
            except (RuntimeError, MemoryError) as error:
                if not lacks_memory(error):
                    raise
                reason = (str(error).splitlines() or ["out of memory"])[0]
            if self.cache and self.tokens is not None and self.tokens <= longest:
                problem = f"memory does not hold a single input of {longest} tokens ({reason})"
                raise ModelError(problem, "use --checkpoint-layers, a shorter window or a larger machine")
            everything = sum(group["input_ids"].numel() for group in groups)
            self.tokens = max(longest, min(everything, self.tokens or everything) // 2)
            self.cache = True
            self.parts = []
            log.warning("out of memory: going on with %d tokens at once", self.tokens)


@contextmanager
def layers_computed_again(model: ProTrek, *, enabled: bool) -> Iterator[None]:
    """Let the towers keep no more than the input of each layer for the backward pass, which computes the rest again."""
    encoders = [reader_of(tower).model for tower in model.routes.values()] if enabled else []
    name = "activation" if hasattr(PreTrainedModel, "activation_checkpointing_enable") else "gradient"  # its older name
    for encoder in encoders:
        getattr(encoder, f"{name}_checkpointing_enable")({"use_reentrant": False})
    try:
        yield
    finally:
        for encoder in encoders:
            getattr(encoder, f"{name}_checkpointing_disable")()


def split(lengths: Int[Tensor, " inputs"], tokens: int | None) -> list[Int[Tensor, " part"]]:
    """Sort inputs by length and cut them into parts of at most `tokens`, padding counted; None gives one part.

    >>> [part.tolist() for part in split(torch.tensor([4, 2, 3, 2]), 6)]
    [[1, 3], [2], [0]]
    """
    if tokens is None:
        return [torch.arange(len(lengths), device=lengths.device)]
    order = lengths.argsort(stable=True)
    parts: list[list[int]] = [[]]
    for row, length in zip(order.tolist(), lengths[order].tolist(), strict=True):
        if parts[-1] and (len(parts[-1]) + 1) * length > tokens:
            parts.append([])
        parts[-1].append(row)
    return [torch.tensor(part, device=lengths.device) for part in parts if part]


def lacks_memory(error: BaseException) -> bool:
    """Tell whether an error says that memory has run out, of the GPU or of the machine.

    >>> lacks_memory(RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."))
    True
    >>> lacks_memory(RuntimeError("size mismatch"))
    False
    """
    told = any(each in str(error) for each in _NO_MEMORY)
    return told or isinstance(error, torch.OutOfMemoryError | MemoryError)


def rows_of(features: Features, rows: Int[Tensor, " part"]) -> Features:
    """Return some rows, without the padding that none of them needs."""
    width = int(features["attention_mask"][rows].sum(1).max())
    return {name: value[rows, :width] for name, value in features.items()}


def guessing_loss(model: ProTrek, masked: dict[str, Tensor], *, packed: bool, bf16: bool = False) -> Float[Tensor, ""]:
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
