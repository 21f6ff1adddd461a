"""What moves: which parameters of a model, each at its own rate, low-rank adapters, and the average of all steps."""

import re
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, inject_adapter_in_model
from peft.tuners.lora import LoraLayer
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import Parameter
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from protrek_hm.errors import OptionError
from protrek_hm.model.protrek import ProTrek
from protrek_hm.train.config import Tuning

BLOCK = re.compile(r"\.layers?\.(\d+)\.")
_ENCODER = "0."  # the first module of a tower; the others, after it, are its head


def depth(name: str, layers: int) -> int:
    """Return where a parameter of a tower stands: 0 embeddings, 1 … `layers` blocks, `layers` + 1 projection.

    What follows the last block, such as a final norm, counts with it.

    Examples
    --------
    >>> names = ("0.model.embeddings.LayerNorm.bias", "0.model.encoder.layer.3.output.dense.weight", "2.linear.bias")
    >>> [depth(name, layers=6) for name in names]
    [0, 4, 7]
    >>> depth("0.model.encoder.emb_layer_norm_after.weight", layers=6)
    6
    """
    if not name.startswith(_ENCODER):
        return layers + 1
    block = BLOCK.search(name)
    if block is not None:
        return int(block[1]) + 1
    return 0 if ".embeddings." in name else layers


def count_layers(names: Iterable[str]) -> int:
    """Count the transformer blocks of a tower by the names of its parameters.

    Examples
    --------
    >>> count_layers(["0.model.encoder.layer.0.output.dense.bias", "0.model.encoder.layer.1.output.dense.bias"])
    2
    """
    blocks = (BLOCK.search(name) for name in names)
    return max((int(block[1]) + 1 for block in blocks if block is not None), default=0)


def add_lora(model: ProTrek, *, tasks: Iterable[str], rank: int, alpha: int, seed: int) -> None:
    """Put an adapter beside every matrix in the transformer blocks of the towers of `tasks`, in place.

    Embeddings are what they were: one factor of each adapter starts at 0, the other at random by `seed`.
    """
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        for task in tasks:
            tower = model.routes[task]
            matrices = [
                name for name, module in tower.named_modules() if isinstance(module, nn.Linear) and BLOCK.search(name)
            ]
            inject_adapter_in_model(LoraConfig(r=rank, lora_alpha=alpha, target_modules=matrices), tower)


def merge_lora(model: ProTrek) -> None:
    """Add the adapters to the weights beside which they stand, in place; a plain model remains."""
    for tower in model.routes.values():
        for name, module in list(tower.named_modules()):
            if isinstance(module, LoraLayer):
                module.merge()
                tower.set_submodule(name, module.get_base_layer())
        if hasattr(tower, "peft_config"):  # peft's note of what it put in
            del tower.peft_config


_UNUSED = (".contact_head.", ".pooler.")  # parts of the encoders on which no embedding depends


@contextmanager
def trainable_parameters(
    model: ProTrek, config: Tuning, *, tasks: Collection[str], seed: int, heads: bool = True
) -> Iterator[None]:
    """Let only what `config` names learn, and only in the towers of `tasks`; afterwards everything may again.

    With `tune="lora"` the model has adapters inside of the block, and a plain model with the changed weights
    remains after it, whether it ends by an error or not.

    Parameters
    ----------
    tasks
        The routes that the data need; all other towers stay as they are, to the bit.
    seed
        Fixes the adapters' random start.
    heads
        Whether what follows the encoders may learn; the loss of masked residues does not reach it.

    Raises
    ------
    OptionError
        If nothing is left that could learn.
    """
    learned_before = [parameter for parameter in model.parameters() if parameter.requires_grad]
    learning = [task for task in tasks if config.rate(task) > 0]
    try:
        if config.tune == "lora":
            add_lora(model, tasks=learning, rank=config.lora_rank, alpha=config.lora_alpha, seed=seed)
        for task, tower in model.routes.items():
            layers = count_layers(name for name, _ in tower.named_parameters())
            for name, parameter in tower.named_parameters():
                learns = task in learning and _moves(name, layers, config.tune)
                parameter.requires_grad_(learns and (heads or depth(name, layers) <= layers))
        if not any(parameter.requires_grad for parameter in model.parameters()):
            raise OptionError("learning_rate", 0, f"nothing would learn: the towers {', '.join(tasks)} all stand still")
        yield
    finally:
        merge_lora(model)
        for parameter in learned_before:
            parameter.requires_grad_()


def parameter_groups(model: ProTrek, config: Tuning) -> list[dict[str, Any]]:
    """Sort what may learn into an optimizer's groups, the highest rate first.

    Each group has `params`, `lr`, `weight_decay`, and for readers `name`: the tower, the depth in it (see
    `depth`), and "plain" where weights do not decay. A parameter at depth d of a tower with L blocks learns at
    rate · layer_decay ** (L + 1 - d): Clark et al., "ELECTRA", 2020. Norms and biases, and all else with a single
    axis, do not decay.
    """
    groups: dict[tuple[str, int, bool], list[Parameter]] = {}
    layers = {task: count_layers(name for name, _ in tower.named_parameters()) for task, tower in model.routes.items()}
    for task, tower in model.routes.items():
        for name, parameter in tower.named_parameters():
            if parameter.requires_grad:
                key = (task, depth(name, layers[task]), parameter.ndim > 1)
                groups.setdefault(key, []).append(parameter)
    made = [
        {
            "name": f"{task} {height}" + ("" if decays else " plain"),
            "params": parameters,
            "lr": config.rate(task) * config.layer_decay ** (layers[task] + 1 - height),
            "weight_decay": config.weight_decay if decays else 0.0,
        }
        for (task, height, decays), parameters in groups.items()
    ]
    return sorted(made, key=lambda group: -group["lr"])


def _moves(name: str, layers: int, tune: str) -> bool:
    height = depth(name, layers)
    if any(part in name for part in _UNUSED):
        return False
    if tune == "full" or height > layers:
        return True
    if tune == "lora":
        return ".lora_" in name
    return tune.startswith("last:") and height > max(0, layers - int(tune.removeprefix("last:")))


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
