"""The search over HTTP: REST, a page and metrics from one process, on this machine unless told otherwise.

The flow: a request is let in or refused, and counted (`guard`), parsed and held against the limits (`app`, `schemas`,
`conditions`, `config`), queued with others of its kind (`batching`), and answered by the searcher (`service`,
`answers`). What goes wrong is told as field, message and remedy (`problems`). Uploads are parsed by a process of their
own (`uploads`). `app` puts all together with the pages (`pages`) and the tools for assistants (`mcp`); `run` listens,
and keeps the worker processes alive.
"""

from typing import TYPE_CHECKING

from protrek_hm.lazy import lazily

if TYPE_CHECKING:
    from protrek_hm.serve.app import create_app as create_app
    from protrek_hm.serve.config import ServeConfig as ServeConfig
    from protrek_hm.serve.run import Opening as Opening
    from protrek_hm.serve.run import serve_index as serve_index
    from protrek_hm.serve.service import Service as Service
else:
    __getattr__, __dir__, __all__ = lazily(__name__)
