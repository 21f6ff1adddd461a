"""For the site: examples in docstrings that stand without a heading get one, so that they are shown as code."""

import re
from typing import Any

from griffe import Extension, Object

_HEADING = re.compile(r"^Examples\n-+$", flags=re.MULTILINE)
_BARE = re.compile(r"^>>>", flags=re.MULTILINE)


class BareDoctests(Extension):
    """What griffe calls for each object that it has read."""

    def on_instance(self, *, obj: Object, **_: Any) -> None:
        """Put the heading before the first example."""
        if obj.docstring is not None and not _HEADING.search(obj.docstring.value):
            obj.docstring.value = _BARE.sub("Examples\n--------\n>>>", obj.docstring.value, count=1)
