"""Embeddings on disk, and the nearest of them.

The flow: files are read as one table (`tables`); every distinct sequence, text and structure is encoded once, in
shards that survive an interruption (`shards`, `encoder`, `config`). Records (`records`) and vectors (`arrays`,
`embeddings`) are written as a segment (`segments`), an engine is made where there are many (`engines`, `approximate`),
and one rename of `index.json` (`layout`) makes them count (`changes`): so an index is built (`build`), added to and
pruned (`update`), and taken elsewhere (`exchange`, `faiss_folder`). Opened (`store`), it finds the nearest exactly
(`nearest`) or by its engine (`hybrid`): lists that promise neighbours (`promise`) propose candidates, which are
compared exactly (`proposed`).
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "Index": "protrek_hm.index.store",
    "IndexConfig": "protrek_hm.index.config",
    "IndexInfo": "protrek_hm.index.layout",
    "add_to_index": "protrek_hm.index.update",
    "build_index": "protrek_hm.index.build",
    "export_faiss": "protrek_hm.index.faiss_folder",
    "export_parquet": "protrek_hm.index.exchange",
    "check_index": "protrek_hm.index.store",
    "compact_index": "protrek_hm.index.update",
    "import_faiss": "protrek_hm.index.faiss_folder",
    "import_parquet": "protrek_hm.index.exchange",
    "read_files": "protrek_hm.index.tables",
    "read_info": "protrek_hm.index.layout",
    "remove_from_index": "protrek_hm.index.update",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'protrek_hm.index' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
