"""Measure whether a model tells twins apart, and how sure that is.

The flow: triplet tables become numbered cases (`cases`, `groups`), every distinct text and sequence is
encoded once (`embed`), each case gets its 2 × 2 scores (`scores`), these become measures (`metrics`,
`measures`) with intervals over independent groups (`statistics`). Baselines (`baselines`), the leak check
(`leaks`) and what a careful reader would object to (`caveats`) stand beside them. `run` puts it together;
`table`, `report` and `plots` show it.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "evaluate": "protrek_hm.evaluate.run",
    "Evaluation": "protrek_hm.evaluate.run",
    "EvaluateConfig": "protrek_hm.evaluate.config",
    "write_evaluation": "protrek_hm.evaluate.report.write",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'protrek_hm.evaluate' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
