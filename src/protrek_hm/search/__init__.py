"""Questions to an index: a text, a sequence or a structure in, ranked proteins or texts out.

The flow: queries are checked, also in files (`query`) and by the thousand (`query_table`), encoded by the model that
made the index and compared with its vectors; each of the nearest becomes a `Hit` (`searcher`) that says how surprising
(`significance`) and how likely right (`probability`) it is. Near-identical hits become families (`families`); answers
are written (`rows`, `render`), many of them in blocks that survive an interruption (`batch`). What two proteins differ
in gets names (`differences`) and its share of the scores (`explain`); `pairs` scores without an index, and `describe`
says what a protein does.
"""

from typing import TYPE_CHECKING

from protrek_hm.lazy import lazily

if TYPE_CHECKING:
    from protrek_hm.search.batch import BatchConfig as BatchConfig
    from protrek_hm.search.batch import run_batch as run_batch
    from protrek_hm.search.families import Family as Family
    from protrek_hm.search.families import group_hits as group_hits
    from protrek_hm.search.families import search_families as search_families
    from protrek_hm.search.pairs import score_pairs as score_pairs
    from protrek_hm.search.query import Query as Query
    from protrek_hm.search.query import read_queries as read_queries
    from protrek_hm.search.reading import Cut as Cut
    from protrek_hm.search.searcher import Answer as Answer
    from protrek_hm.search.searcher import Hit as Hit
    from protrek_hm.search.searcher import Searcher as Searcher
else:
    __getattr__, __dir__, __all__ = lazily(__name__)
