"""UniProt in: downloads and files become a table of proteins, with gold twins beside it.

The flow: `downloads` asks UniProt's server (through `data.web`, which tries again) and keeps pages. A file or page is
recognised by its content and cut into records (`formats`); each is parsed (`flat`, `xml_entry`, `json_entry`, `tsv`,
with `texts` for the wording that they share) into an `entry`. `twins` makes mutants with their curated effects of its
features; `conversion` makes rows of entries, in bounded memory.
"""

from typing import TYPE_CHECKING

from protrek_hm.lazy import lazily

if TYPE_CHECKING:
    from protrek_hm.data.uniprot.conversion import ConvertReport as ConvertReport
    from protrek_hm.data.uniprot.conversion import convert as convert
    from protrek_hm.data.uniprot.downloads import download as download
    from protrek_hm.data.uniprot.entry import ConvertConfig as ConvertConfig
    from protrek_hm.data.uniprot.entry import Entry as Entry
    from protrek_hm.data.uniprot.formats import read_entries as read_entries
    from protrek_hm.data.uniprot.twins import gold_twins as gold_twins
else:
    __getattr__, __dir__, __all__ = lazily(__name__)
