"""Questions to an index: a text, a sequence or a structure in, ranked proteins or texts out.

The flow: a query is checked (`query`), encoded by the model that made the index and compared with its
vectors; each of the nearest becomes a `Hit` with its record (`searcher`); hits are written (`render`).
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "Hit": "protrek_hm.search.searcher",
    "Searcher": "protrek_hm.search.searcher",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'protrek_hm.search' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
