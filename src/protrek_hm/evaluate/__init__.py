"""Measure whether a model tells twins apart, and how sure that is.

The flow: triplet tables become an `exam` (numbered `cases`, their `groups`, `strata`, and what belongs together for
`retrieval`), every distinct input is encoded once (`embed`, kept by `model.encoder.CachedEncoder`), each case gets
its 2 × 2 `scores`, and these become a `model_result`: `measures` by pure functions (`metrics`, `detection`,
`calibration`, `ranking`) with intervals over independent groups (`statistics`, `significance`). `baselines`, the leak
check (`leaks`) and what a careful reader would object to (`caveats`) stand beside them. `run` puts it together;
`table`, `report` and `plots` show it. `compare` sets runs on disk against each other; `scoreboards` are public ones.
"""

from typing import TYPE_CHECKING

from protrek_hm.lazy import lazily

if TYPE_CHECKING:
    from protrek_hm.evaluate.config import EvaluateConfig as EvaluateConfig
    from protrek_hm.evaluate.report.write import write_evaluation as write_evaluation
    from protrek_hm.evaluate.run import Evaluation as Evaluation
    from protrek_hm.evaluate.run import evaluate as evaluate
else:
    __getattr__, __dir__, __all__ = lazily(__name__)
