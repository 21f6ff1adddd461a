"""② Homologs: every pair of proteins above an identity, exactly.

The flow: distinct sequences → candidate pairs (`candidates`) → exact identities (`verify`, `identity`) → pairs
(`homologs`) → connected components (`families`). `lookup` finds the nearest of many for a few, `mmseqs` is a second
opinion. Each public name below has one home and is imported when it is first used.
"""

from typing import TYPE_CHECKING

from protrek_hm.lazy import lazily

if TYPE_CHECKING:
    from protrek_hm.deadline import Progress as Progress
    from protrek_hm.homology.config import HomologyConfig as HomologyConfig
    from protrek_hm.homology.families import connected_components as connected_components
    from protrek_hm.homology.families import find_families as find_families
    from protrek_hm.homology.homologs import find_homologs as find_homologs
    from protrek_hm.homology.identity import Alignment as Alignment
    from protrek_hm.homology.identity import align as align
else:
    __getattr__, __dir__, __all__ = lazily(__name__)
