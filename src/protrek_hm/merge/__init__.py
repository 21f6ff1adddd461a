"""Between a base and what was tuned from it: models whose weights lie on the line from one to the other.

The flow: settings (`config`) → a model at each α (`weights`), scored on validation cases (`sweeping`), of which one
is chosen; the frontier is drawn (`frontier`) and the choice saved as an ordinary model (`output`).
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "SweepConfig": "protrek_hm.merge.config",
    "SweepResult": "protrek_hm.merge.sweeping",
    "average_models": "protrek_hm.merge.weights",
    "merge_models": "protrek_hm.merge.weights",
    "sweep": "protrek_hm.merge.sweeping",
    "write_merge": "protrek_hm.merge.output",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'protrek_hm.merge' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
