"""③ Who differs in work: from look-alikes to triplets, split without leaks.

The flow (`run`): proteins with texts (`corpus`) → look-alikes (room `homology`) → the gate's verdict on each
pair with reason codes (`gate`, `evidence`) → triplets (`triplets`) → sides (`split`) → easy pairs (`easy`) →
files (`output`). Beside it: `leaks` re-checks any split, `audit` shows a sample of verdicts, `compat` mines
as the reference does. Each public name below has one home and is imported when it is first used.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "MineConfig": "protrek_hm.mine.config",
    "MiningReport": "protrek_hm.mine.report",
    "MiningResult": "protrek_hm.mine.run",
    "mine_hard_negatives": "protrek_hm.mine.run",
    "write_mining": "protrek_hm.mine.output",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'protrek_hm.mine' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
