"""Public names that are imported when they are first used, and that type checkers know all the same.

A package lists its public names once, as imports that only type checkers run; `lazily` reads that list.
"""

import ast
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any


def lazily(package: str) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Return `__getattr__`, `__dir__` and `__all__` of a package whose `__init__.py` imports under `if TYPE_CHECKING:`.

    Examples
    --------
    >>> find, names, _ = lazily("protrek_hm.homology")
    >>> find("align").__module__, "find_homologs" in names()
    ('protrek_hm.homology.identity', True)
    >>> find("no_such_name")
    Traceback (most recent call last):
        ...
    AttributeError: module 'protrek_hm.homology' has no attribute 'no_such_name'
    """
    homes = _imports(package)
    names = sorted(homes)

    def find(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(homes[name]), name)

    return find, lambda: names, names


def _imports(package: str) -> dict[str, str]:
    """Return the module of each name that a package imports for type checkers alone."""
    spec = sys.modules[package].__spec__
    assert spec is not None
    source: str = spec.loader.get_source(package)  # type: ignore[union-attr]
    [block] = [
        each
        for each in ast.parse(source).body
        if isinstance(each, ast.If) and isinstance(each.test, ast.Name) and each.test.id == "TYPE_CHECKING"
    ]
    return {
        name.name: str(each.module) for each in block.body if isinstance(each, ast.ImportFrom) for name in each.names
    }
