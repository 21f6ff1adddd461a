"""Questions to an index: a text, a sequence or a structure in, ranked proteins or texts out.

The flow: queries are checked, also in files (`query`) and by the thousand (`query_table`), encoded by the model that
made the index and compared with its vectors; each of the nearest becomes a `Hit` (`searcher`) that says how surprising
(`significance`) and how likely right (`probability`) it is. Near-identical hits become families (`families`); answers
are written (`rows`, `render`), many of them in blocks that survive an interruption (`batch`). What two proteins differ
in gets names (`differences`) and its share of the scores (`explain`); `pairs` scores without an index, and `describe`
says what a protein does.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "Answer": "protrek_hm.search.searcher",
    "BatchConfig": "protrek_hm.search.batch",
    "Family": "protrek_hm.search.families",
    "Hit": "protrek_hm.search.searcher",
    "Searcher": "protrek_hm.search.searcher",
    "group_hits": "protrek_hm.search.families",
    "run_batch": "protrek_hm.search.batch",
    "search_families": "protrek_hm.search.families",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'protrek_hm.search' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
