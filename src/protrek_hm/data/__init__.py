"""Proteins and triplets in and out.

The flow: a file's bytes, decompressed (`compression`), become rows (`delimited`, `tables`, `fasta`), one
protein each (`wide`); columns are recognised (`schema`), cells cleaned (`texts`), bad records found with
their lines (`validation`, `records`); `proteins` and `triplets` put it together and `check` counts. `effects`
reads what texts say of variants. `synthetic` and `showcase` (whose variants `numbering` makes) need no file.
`uniprot` and `structures`, folders of their own, make such tables from UniProt and from structure files.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "read_proteins": "protrek_hm.data.proteins",
    "write_proteins": "protrek_hm.data.proteins",
    "read_fasta": "protrek_hm.data.fasta",
    "FastaRecord": "protrek_hm.data.fasta",
    "read_triplets": "protrek_hm.data.triplets",
    "write_triplets": "protrek_hm.data.triplets",
    "check_proteins": "protrek_hm.data.check",
    "ProteinReport": "protrek_hm.data.check",
    "load_showcase": "protrek_hm.data.showcase",
    "synthetic_families": "protrek_hm.data.synthetic",
    "SyntheticConfig": "protrek_hm.data.synthetic",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'protrek_hm.data' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
