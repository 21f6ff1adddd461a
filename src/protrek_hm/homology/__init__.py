"""② Who looks alike: every pair of proteins above an identity, exactly.

The flow: distinct sequences → candidate pairs (`candidates`, `seeds`) → exact identities (`verify`,
`identity`) → pairs (`homologs`) → connected components (`components`). Each public name below has one home
and is imported when it is first used.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "Alignment": "protrek_hm.homology.identity",
    "HomologyConfig": "protrek_hm.homology.config",
    "align": "protrek_hm.homology.identity",
    "connected_components": "protrek_hm.homology.components",
    "find_families": "protrek_hm.homology.families",
    "find_homologs": "protrek_hm.homology.homologs",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'protrek_hm.homology' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
