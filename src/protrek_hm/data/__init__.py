"""Proteins and triplets in and out.

The flow: a file's bytes, decompressed (`compression`), become rows (`tables`, `fasta`) of one protein each; columns
are recognised, cells cleaned, and bad records found with their lines (`schema`, `texts`); `proteins` and `triplets`
put it together and `check` counts. `effects` reads what texts say of variants. `synthetic` and `showcase` need no
file. `uniprot`, `structures` and `twins`, folders of their own, make such tables from UniProt, from structure files and
from public sets of near-identical proteins.
"""

from typing import TYPE_CHECKING

from protrek_hm.lazy import lazily

if TYPE_CHECKING:
    from protrek_hm.data.check import ProteinReport as ProteinReport
    from protrek_hm.data.check import check_proteins as check_proteins
    from protrek_hm.data.fasta import FastaRecord as FastaRecord
    from protrek_hm.data.fasta import read_fasta as read_fasta
    from protrek_hm.data.proteins import read_proteins as read_proteins
    from protrek_hm.data.proteins import write_proteins as write_proteins
    from protrek_hm.data.showcase import load_showcase as load_showcase
    from protrek_hm.data.synthetic import SyntheticConfig as SyntheticConfig
    from protrek_hm.data.synthetic import synthetic_families as synthetic_families
    from protrek_hm.data.triplets import read_triplets as read_triplets
    from protrek_hm.data.triplets import write_triplets as write_triplets
else:
    __getattr__, __dir__, __all__ = lazily(__name__)
