"""ProTrek-HM: search proteins by words and tell twins apart.

The flow: read proteins with texts (`data`), find who looks alike (`homology`), mine who differs in function (`mine`),
fine-tune a model on those twins (`model`, `train`), measure it (`evaluate`), serve it (`index`, `search`).
Each public name below has one home and is imported when it is first used.
"""

from typing import TYPE_CHECKING

from protrek_hm.lazy import lazily

if TYPE_CHECKING:
    from protrek_hm.data.proteins import read_proteins as read_proteins
    from protrek_hm.data.proteins import write_proteins as write_proteins
    from protrek_hm.data.triplets import read_triplets as read_triplets
    from protrek_hm.index.build import build_index as build_index
    from protrek_hm.merge.weights import merge_models as merge_models
    from protrek_hm.mine.config import MineConfig as MineConfig
    from protrek_hm.mine.run import mine_hard_negatives as mine_hard_negatives
    from protrek_hm.model.config import ModelConfig as ModelConfig
    from protrek_hm.model.light import load_encoder as load_encoder
    from protrek_hm.model.protrek import ProTrek as ProTrek
    from protrek_hm.search.describe import describe as describe
    from protrek_hm.search.explain import explain as explain
    from protrek_hm.search.hits import Hit as Hit
    from protrek_hm.search.pairs import score_pairs as score_pairs
    from protrek_hm.search.searcher import Searcher as Searcher
    from protrek_hm.train.config import TrainConfig as TrainConfig
    from protrek_hm.train.run import fine_tune as fine_tune

    __version__: str
else:
    _find, __dir__, __all__ = lazily(__name__)

    def __getattr__(name: str) -> object:
        """Find a public name, or the version of the installed package."""
        if name == "__version__":
            from importlib.metadata import version

            return version("protrek-hm")
        return _find(name)
