"""Tune a model on a table of your own, in one call.

The flow: twins are mined and split (`mine`), the model is trained on them (`train`), base and tuned model are measured
on unseen ones (`evaluate`), and the table is indexed by the tuned model (`index`). `run` calls these rooms one after
the other and takes interrupted work up again; `config` holds the few settings.
"""

from typing import TYPE_CHECKING

from protrek_hm.lazy import lazily

if TYPE_CHECKING:
    from protrek_hm.tune.config import TuneConfig as TuneConfig
    from protrek_hm.tune.run import Tuned as Tuned
    from protrek_hm.tune.run import tune as tune
else:
    __getattr__, __dir__, __all__ = lazily(__name__)
