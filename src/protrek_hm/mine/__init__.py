"""③ Which homologs differ in function: triplets, split without leaks.

The flow (`run`): proteins with texts and their homologs (`corpus`; room `homology`) → the gate's verdict on each
pair with reason codes (`gate`, `evidence`) → triplets (`triplets`) → splits (`split`) → easy and medium pairs
(`negatives`) → files (`output`). Beside it: `leaks` checks any split independently, `audit` shows a sample of verdicts,
`compat` mines as the reference does, and `cases` makes the cases of a board of tables of twins (`assays`: of deep
mutational scans; `case_split`: one split for all sets). Each public name below has one home and is imported when it is
first used.
"""

from typing import TYPE_CHECKING

from protrek_hm.lazy import lazily

if TYPE_CHECKING:
    from protrek_hm.deadline import Progress as Progress
    from protrek_hm.mine.case_split import GivenSplit as GivenSplit
    from protrek_hm.mine.case_split import read_split as read_split
    from protrek_hm.mine.cases import MinedCases as MinedCases
    from protrek_hm.mine.cases import mine_cases as mine_cases
    from protrek_hm.mine.config import CaseConfig as CaseConfig
    from protrek_hm.mine.config import ColumnEvidence as ColumnEvidence
    from protrek_hm.mine.config import MineConfig as MineConfig
    from protrek_hm.mine.evidence.doubts import TextEncoder as TextEncoder
    from protrek_hm.mine.leaks import SplitLeaks as SplitLeaks
    from protrek_hm.mine.leaks import check_split as check_split
    from protrek_hm.mine.output import write_mining as write_mining
    from protrek_hm.mine.report import MiningReport as MiningReport
    from protrek_hm.mine.report import Step as Step
    from protrek_hm.mine.run import MiningResult as MiningResult
    from protrek_hm.mine.run import mine_hard_negatives as mine_hard_negatives
    from protrek_hm.mine.triplets import Guide as Guide
else:
    __getattr__, __dir__, __all__ = lazily(__name__)
