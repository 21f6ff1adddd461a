"""UniProt in: downloads and files become a table of proteins, with gold twins beside it.

The flow: `downloads` asks UniProt's server (through `data.web`, which tries again) and keeps pages; a file or page is
known by its content and cut into records (`formats`, `records`), each is parsed (`flat`, `xml_entry`,
`json_entry`, `tsv`, with `names`, `comments` and `features` for what they share) into an `entry`, whose texts
lose evidence tags (`plain`); `rows` makes it a row, `mutations` and `twins` its mutants with their curated effects
(`effects`); `conversion` does all of it in bounded memory and writes through `sink`.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "convert": "protrek_hm.data.uniprot.conversion",
    "ConvertConfig": "protrek_hm.data.uniprot.config",
    "ConvertReport": "protrek_hm.data.uniprot.conversion",
    "download": "protrek_hm.data.uniprot.downloads",
    "read_entries": "protrek_hm.data.uniprot.formats",
    "Entry": "protrek_hm.data.uniprot.entry",
    "gold_twins": "protrek_hm.data.uniprot.twins",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'protrek_hm.data.uniprot' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
