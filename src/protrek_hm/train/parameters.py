"""What moves: which parameters of a model, each at its own rate."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

from torch.nn import Parameter

from protrek_hm.errors import OptionError
from protrek_hm.model.protrek import ProTrek
from protrek_hm.train.depth import count_layers, depth
from protrek_hm.train.lora import add_lora, merge_lora
from protrek_hm.train.tuning import Tuning

_UNUSED = (".contact_head.", ".pooler.")  # parts of the encoders on which no embedding depends


@contextmanager
def moving(model: ProTrek, config: Tuning, *, tasks: Collection[str], seed: int, heads: bool = True) -> Iterator[None]:
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
