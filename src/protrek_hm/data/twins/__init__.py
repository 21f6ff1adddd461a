"""Real twins in many families: public sets, in the files that their authors published, as tables of proteins.

The flow: `reading` picks the set's reader: `mutants` (curated mutants of NCBI and UniProt), `dms` (deep mutational
scans), `natural` (homologs with labels, and tables of users). Each checks what it reads, substitutions against their
reference (`substitutions`), makes texts of labels (`texts`, by the wordings in `templates.toml`), and hands back a
`table` with a report that counts and names what was left out. Pairs of them are kept in a `case_table`.
"""

from typing import TYPE_CHECKING

from protrek_hm.lazy import lazily

if TYPE_CHECKING:
    from protrek_hm.data.twins.case_table import read_cases as read_cases
    from protrek_hm.data.twins.case_table import write_cases as write_cases
    from protrek_hm.data.twins.config import SETS as SETS
    from protrek_hm.data.twins.config import TwinsConfig as TwinsConfig
    from protrek_hm.data.twins.reading import read_twins as read_twins
    from protrek_hm.data.twins.table import SCHEMA as SCHEMA
    from protrek_hm.data.twins.table import TwinReport as TwinReport
    from protrek_hm.data.twins.table import TwinTable as TwinTable
    from protrek_hm.data.twins.texts import wordings as wordings
else:
    __getattr__, __dir__, __all__ = lazily(__name__)
