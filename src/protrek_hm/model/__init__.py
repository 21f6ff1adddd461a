"""ProTrek as a SentenceTransformer: three towers, one space.

`config`: the shape of a fresh model. `tokenizers`, `towers`: its parts. `protrek`: the model itself.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "ModelConfig": "protrek_hm.model.config",
    "TowerConfig": "protrek_hm.model.config",
    "ProTrek": "protrek_hm.model.protrek",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'protrek_hm.model' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
