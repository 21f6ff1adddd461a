"""Low-rank adapters (Hu et al., "LoRA", 2021) in the transformer blocks: put in, and merged into the weights."""

from collections.abc import Iterable

import torch
from peft import LoraConfig, inject_adapter_in_model
from peft.tuners.lora import LoraLayer
from torch import nn

from protrek_hm.model.protrek import ProTrek
from protrek_hm.train.depth import BLOCK


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
