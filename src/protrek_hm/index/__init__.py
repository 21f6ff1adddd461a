"""Embeddings on disk, and the nearest of them.

The flow: every distinct sequence, text and structure of a table is encoded once (`config`, `encoder`), the unit vectors
and the rows they belong to are kept together (`embeddings`), written with the table as one folder (`build`,
`layout`), read back whole or refused (`store`), and compared with queries exactly (`nearest`).
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "IndexConfig": "protrek_hm.index.config",
    "Index": "protrek_hm.index.store",
    "IndexInfo": "protrek_hm.index.layout",
    "build_index": "protrek_hm.index.build",
    "nearest": "protrek_hm.index.nearest",
    "read_info": "protrek_hm.index.layout",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'protrek_hm.index' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
