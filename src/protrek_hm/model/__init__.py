"""ProTrek as a SentenceTransformer: three towers, one space.

`config`: the shape of a model to be built. Its parts are fresh (`tokenizers`, `towers`) or pretrained (`encoders`,
`vocabularies`). `protrek`: the model itself, found by `locate` (and fetched by `hub`), loaded whole (`source`).
ProTrek's own layout (`official`, `checkpoint`) comes in by `import_official` and goes out by `export_official`;
`convert` does both. A saved model is described by `settings`, `info` and `card`.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "EncoderConfig": "protrek_hm.model.config",
    "ModelConfig": "protrek_hm.model.config",
    "TowerConfig": "protrek_hm.model.config",
    "ProTrek": "protrek_hm.model.protrek",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'protrek_hm.model' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
