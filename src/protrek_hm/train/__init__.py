"""Fine-tune a ProTrek: pull a text to its protein, push the twin away, and keep what the base knew.

The flow: settings (`config`, `tuning`) → a table's distinct inputs and rows (`examples`) → tokens of a batch
(`batches`, `masking`) → vectors (`encoding`) → loss (`objectives`, of the pure functions in `losses`) → gradients
(`step`) → trainer (`trainer`, `checkpoints`), which asks the validation set after every epoch (`validation`), keeps
the best weights (`run`) and writes down what happened (`logs`, `history`).
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "TrainConfig": "protrek_hm.train.config",
    "Tuning": "protrek_hm.train.tuning",
    "fine_tune": "protrek_hm.train.run",
    "TrainingRun": "protrek_hm.train.run",
    "triplet_loss": "protrek_hm.train.losses",
    "soft_triplet_loss": "protrek_hm.train.losses",
    "contrastive_loss": "protrek_hm.train.losses",
    "distillation_loss": "protrek_hm.train.losses",
    "masked_language_loss": "protrek_hm.train.losses",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'protrek_hm.train' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
