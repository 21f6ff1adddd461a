"""ProTrek as a SentenceTransformer: three towers, one space.

`config`: the shape of a model to be built, and the settings of a saved one. Its parts are fresh or pretrained
(`towers`, `tokenizers`). `protrek`: the model itself, found or fetched by `locate`, loaded whole (`source`); `light`:
the same to encode only, sooner. Inputs are cleaned and cut (`inputs`), and encoded without padding (`packed`); all
rooms encode by `encoder`. `twin_head` reads what differs between twins (`changes`). ProTrek's own layout comes in by
`official` and goes out by `convert`. A saved model is described by `info` and `card`.
"""

from typing import TYPE_CHECKING

from protrek_hm.lazy import lazily

if TYPE_CHECKING:
    from protrek_hm.model.cached import CachedEncoder as CachedEncoder
    from protrek_hm.model.config import EncoderConfig as EncoderConfig
    from protrek_hm.model.config import ModelConfig as ModelConfig
    from protrek_hm.model.config import TowerConfig as TowerConfig
    from protrek_hm.model.encoder import Encoder as Encoder
    from protrek_hm.model.encoder import FingerprintedEncoder as FingerprintedEncoder
    from protrek_hm.model.encoder import unit_vectors as unit_vectors
    from protrek_hm.model.light import load_encoder as load_encoder
    from protrek_hm.model.protrek import ProTrek as ProTrek
    from protrek_hm.model.text_encoder import load_text_encoder as load_text_encoder
    from protrek_hm.model.twin_head import TwinHead as TwinHead
else:
    __getattr__, __dir__, __all__ = lazily(__name__)
