"""Structures in: PDB, mmCIF and BinaryCIF files become protein sequences with their 3Di letters.

The flow: files are found (`files`) or fetched from the AlphaFold Protein Structure Database (`alphafold`), read
(`reading`, `binarycif`), taken apart into the backbones of their protein chains (`backbone`), residue by residue
(`residues`), written in 3Di letters (`letters`) and hidden where a prediction is unsure of itself (`confidence`).
`records` does this to one file, `table` to thousands at once; `texts` puts texts beside them.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "read_structures": "protrek_hm.data.structures.table",
    "StructureTable": "protrek_hm.data.structures.table",
    "read_structure": "protrek_hm.data.structures.records",
    "StructureConfig": "protrek_hm.data.structures.config",
    "find_structure_files": "protrek_hm.data.structures.files",
    "fetch_predictions": "protrek_hm.data.structures.alphafold",
    "read_texts": "protrek_hm.data.structures.texts",
    "join_texts": "protrek_hm.data.structures.texts",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'protrek_hm.data.structures' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
