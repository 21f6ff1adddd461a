"""Fine-tune a ProTrek on triplets: pull a text to its protein, push the twin away.

The flow: settings (`config`) → loss (`losses`, pure functions) → trainer (`run`), which asks the validation
set after every epoch (`validation`), keeps the best weights and draws the curve (`history`).
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "TrainConfig": "protrek_hm.train.config",
    "fine_tune": "protrek_hm.train.run",
    "TrainingRun": "protrek_hm.train.run",
    "triplet_loss": "protrek_hm.train.losses",
    "contrastive_loss": "protrek_hm.train.losses",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'protrek_hm.train' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
