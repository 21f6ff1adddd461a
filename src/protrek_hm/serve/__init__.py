"""The search over HTTP: REST, a page and metrics from one process, on this machine unless told otherwise.

The flow: a request is let in or refused (`guard`), parsed (`schemas`, `conditions`, `routes`), held against the limits
(`limits`, `config`), queued with others of its kind (`batching`), answered by the searcher (`service`, `answers`), and
counted (`metrics`). What goes wrong is told as field, message and remedy (`problems`). Uploads are parsed by a process
of their own (`uploads`, `parse_upload`). `app` puts all together with the page (`static`), `run` listens, and `workers`
are the processes that answer (`protocol`), and the one that watches over them.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "Service": "protrek_hm.serve.service",
    "ServeConfig": "protrek_hm.serve.config",
    "create_app": "protrek_hm.serve.app",
    "serve_index": "protrek_hm.serve.run",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'protrek_hm.serve' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
