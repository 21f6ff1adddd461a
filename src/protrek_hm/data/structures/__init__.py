"""Structures in: PDB, mmCIF and BinaryCIF files become protein sequences with their 3Di letters.

The flow: files are found and read (`reading`, `binarycif`) or fetched from the AlphaFold Protein Structure Database
(`alphafold`), and taken apart into the backbones of their protein chains, residue by residue (`backbone`). `records`
makes of one file a record for each chain, in 3Di letters that are masked where a prediction is unreliable; `table`
does so for thousands of files at once, and puts texts beside them.
"""

from typing import TYPE_CHECKING

from protrek_hm.lazy import lazily

if TYPE_CHECKING:
    from protrek_hm.data.structures.alphafold import AlphaFold as AlphaFold
    from protrek_hm.data.structures.alphafold import fetch_predictions as fetch_predictions
    from protrek_hm.data.structures.config import StructureConfig as StructureConfig
    from protrek_hm.data.structures.reading import find_structure_files as find_structure_files
    from protrek_hm.data.structures.records import read_structure as read_structure
    from protrek_hm.data.structures.table import StructureTable as StructureTable
    from protrek_hm.data.structures.table import join_texts as join_texts
    from protrek_hm.data.structures.table import read_structures as read_structures
    from protrek_hm.data.structures.table import read_texts as read_texts
else:
    __getattr__, __dir__, __all__ = lazily(__name__)
