"""③ Who differs in work: from look-alikes to triplets, split without leaks.

The flow (`run`): proteins with texts (`corpus`) → look-alikes (room `homology`) → the gate's verdict on each
pair with reason codes (`gate`, `evidence`) → triplets (`triplets`) → sides (`split`) → easy pairs (`easy`) →
files (`output`). Beside it: `leaks` re-checks any split, `audit` shows a sample of verdicts, `compat` mines
as the reference does. Each public name below has one home and is imported when it is first used.
"""

from typing import TYPE_CHECKING

from protrek_hm.lazy import lazily

if TYPE_CHECKING:
    from protrek_hm.mine.config import MineConfig as MineConfig
    from protrek_hm.mine.output import write_mining as write_mining
    from protrek_hm.mine.report import MiningReport as MiningReport
    from protrek_hm.mine.run import MiningResult as MiningResult
    from protrek_hm.mine.run import mine_hard_negatives as mine_hard_negatives
else:
    __getattr__, __dir__, __all__ = lazily(__name__)
