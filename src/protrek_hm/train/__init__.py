"""Fine-tune a ProTrek: pull a text to its protein, push the twin away, and keep what the base knew.

The flow: settings (`config`) → a table's distinct inputs and rows (`examples`) → tokens of a batch (`batches`) →
vectors, the loss (`objectives`, of the pure functions in `losses`) and gradients (`step`) of what learns
(`parameters`). The trainer (`trainer`) asks the validation set after every epoch (`validation`), `folder` keeps its
checkpoints, `run` the best weights, and `history` writes down what happened.
"""

from typing import TYPE_CHECKING

from protrek_hm.lazy import lazily

if TYPE_CHECKING:
    from protrek_hm.train.config import TrainConfig as TrainConfig
    from protrek_hm.train.config import Tuning as Tuning
    from protrek_hm.train.folder import IfExists as IfExists
    from protrek_hm.train.history import Patience as Patience
    from protrek_hm.train.losses import contrastive_loss as contrastive_loss
    from protrek_hm.train.losses import distillation_loss as distillation_loss
    from protrek_hm.train.losses import masked_language_loss as masked_language_loss
    from protrek_hm.train.losses import soft_triplet_loss as soft_triplet_loss
    from protrek_hm.train.losses import triplet_loss as triplet_loss
    from protrek_hm.train.run import TrainingRun as TrainingRun
    from protrek_hm.train.run import fine_tune as fine_tune
else:
    __getattr__, __dir__, __all__ = lazily(__name__)
