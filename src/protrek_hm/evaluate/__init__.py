"""Measure whether a model tells twins apart, and how sure that is.

The flow: triplet tables become an `exam` (numbered `cases`, their `groups`, `strata`, and what belongs together for
`retrieval`), every distinct input is encoded once (`embed`, kept by `cache`), each case gets its 2 × 2 `scores`, and
these become a `model_result`: `measures` by pure functions (`metrics`, `detection`, `calibration`, `ranking`) with
intervals over independent groups (`statistics`, `significance`). `baselines`, the leak check (`leaks`) and what a
careful reader would object to (`caveats`) stand beside them. `run` puts it together; `table`, `report` and `plots`
show it. `compare` sets runs on disk against each other; `scoreboards` are public ones.
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
