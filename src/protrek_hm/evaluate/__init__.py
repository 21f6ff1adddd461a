"""Measure whether a model tells twins apart, and how sure that is.

The flow: triplet tables become an `eval_set` (numbered `cases` in independent groups, strata, and what belongs together
for `retrieval`). Every distinct input is encoded once and each case gets its 2 × 2 `scores`; `measures` turn these into
numbers by pure functions (`metrics`, `ranking`), with intervals and tests over independent groups (`statistics`).
`baselines`, the leak check and what a careful reader would object to (`caveats`) stand beside them. `run` puts it
together; `table`, `report` and `plots` show it. `compare` sets runs on disk against each other; `scoreboards` are
public ones, and `twins` is the board of real twins.
"""

from typing import TYPE_CHECKING

from protrek_hm.lazy import lazily

if TYPE_CHECKING:
    from protrek_hm.evaluate.cases import Cases as Cases
    from protrek_hm.evaluate.cases import Groups as Groups
    from protrek_hm.evaluate.cases import Pool as Pool
    from protrek_hm.evaluate.caveats import LeakCheck as LeakCheck
    from protrek_hm.evaluate.compare import MeasureComparison as MeasureComparison
    from protrek_hm.evaluate.compare import RunOnDisk as RunOnDisk
    from protrek_hm.evaluate.compare import compare_runs as compare_runs
    from protrek_hm.evaluate.compare import compare_seeds as compare_seeds
    from protrek_hm.evaluate.compare import read_run as read_run
    from protrek_hm.evaluate.config import BoardConfig as BoardConfig
    from protrek_hm.evaluate.config import EvaluateConfig as EvaluateConfig
    from protrek_hm.evaluate.measures import CaseSet as CaseSet
    from protrek_hm.evaluate.report.write import write_evaluation as write_evaluation
    from protrek_hm.evaluate.run import BaselineResult as BaselineResult
    from protrek_hm.evaluate.run import Evaluation as Evaluation
    from protrek_hm.evaluate.run import ModelResult as ModelResult
    from protrek_hm.evaluate.run import evaluate as evaluate
    from protrek_hm.evaluate.statistics import Estimate as Estimate
    from protrek_hm.evaluate.statistics import SeedSummary as SeedSummary
    from protrek_hm.evaluate.statistics import Significance as Significance
    from protrek_hm.evaluate.table import verdict as verdict
    from protrek_hm.model.encoder import Encoder as Encoder
else:
    __getattr__, __dir__, __all__ = lazily(__name__)
