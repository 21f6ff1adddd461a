"""Questions to an index: a text, a sequence or a structure in, ranked proteins or texts out.

The flow: queries are checked, also in files of one or thousands (`query`). `Searcher.answer` (`searcher`) encodes them
by the model that made the index, ranks its proteins by vectors, for a text also by the words and the meaning of their
texts (`signals`), and makes each of the best a `Hit` that says how surprising its score is (`significance`) and how
often hits of such a score are right (`calibration`); near-identical hits become families (`hits`), whose members are
put in order by a second stage (`within`), for those without a text by labelled relatives (`relatives`). Answers are
written (`render`), many of them in blocks that survive an interruption (`batch`). What two proteins differ in gets
names (`differences`) and its share of the scores (`explain`, `render_explanation`), and so has each that a protein
could have (`scan`, `render_scan`), or that members of a family have (`family`); `pairs` scores without an index,
`describe` says what a protein does.
"""

from typing import TYPE_CHECKING

from protrek_hm.lazy import lazily

if TYPE_CHECKING:
    from protrek_hm.search.batch import BatchConfig as BatchConfig
    from protrek_hm.search.batch import run_batch as run_batch
    from protrek_hm.search.config import ScanConfig as ScanConfig
    from protrek_hm.search.family import FamilyAlignment as FamilyAlignment
    from protrek_hm.search.family import align_family as align_family
    from protrek_hm.search.hits import Answer as Answer
    from protrek_hm.search.hits import Family as Family
    from protrek_hm.search.hits import Hit as Hit
    from protrek_hm.search.hits import group_hits as group_hits
    from protrek_hm.search.pairs import score_pairs as score_pairs
    from protrek_hm.search.query import Query as Query
    from protrek_hm.search.query import read_queries as read_queries
    from protrek_hm.search.reading import Cut as Cut
    from protrek_hm.search.scan import Scan as Scan
    from protrek_hm.search.scan import scan_protein as scan_protein
    from protrek_hm.search.searcher import Condition as Condition
    from protrek_hm.search.searcher import SearchConfig as SearchConfig
    from protrek_hm.search.searcher import Searcher as Searcher
    from protrek_hm.search.signals import Matched as Matched
    from protrek_hm.search.signals import Relative as Relative
    from protrek_hm.search.signals import Signal as Signal
else:
    __getattr__, __dir__, __all__ = lazily(__name__)
