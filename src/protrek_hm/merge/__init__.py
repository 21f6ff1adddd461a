"""Interpolate weights between a base and models that were tuned from it.

The flow: settings (`config`) → a model at each α (`weights`), scored on validation cases (`sweeping`), of which one
is chosen; its sweep is drawn and printed, and the choice saved as an ordinary model (`output`).
"""

from typing import TYPE_CHECKING

from protrek_hm.lazy import lazily

if TYPE_CHECKING:
    from protrek_hm.merge.config import SweepConfig as SweepConfig
    from protrek_hm.merge.output import write_merge as write_merge
    from protrek_hm.merge.sweeping import Point as Point
    from protrek_hm.merge.sweeping import SweepResult as SweepResult
    from protrek_hm.merge.sweeping import read_validation as read_validation
    from protrek_hm.merge.sweeping import sweep as sweep
    from protrek_hm.merge.weights import average_models as average_models
    from protrek_hm.merge.weights import merge_models as merge_models
else:
    __getattr__, __dir__, __all__ = lazily(__name__)
