"""ProTrek-HM: search proteins by words and tell twins apart.

The flow: read proteins with texts (`data`), find who looks alike (`homology`), mine who differs in function (`mine`),
fine-tune a model on those twins (`model`, `train`), measure it (`evaluate`), serve it (`index`, `search`).
Each public name below has one home and is imported when it is first used.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "read_proteins": "protrek_hm.data",
    "mine_hard_negatives": "protrek_hm.mine",
    "MineConfig": "protrek_hm.mine",
    "ProTrek": "protrek_hm.model",
    "ModelConfig": "protrek_hm.model",
    "fine_tune": "protrek_hm.train",
    "TrainConfig": "protrek_hm.train",
    "build_index": "protrek_hm.index",
    "Searcher": "protrek_hm.search",
    "Hit": "protrek_hm.search",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'protrek_hm' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
