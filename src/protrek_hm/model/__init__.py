"""ProTrek as a SentenceTransformer: three towers, one space.

`config`: the shape of a model to be built. Its parts are fresh (`tokenizers`, `towers`) or pretrained (`encoders`,
`vocabularies`). `protrek`: the model itself, found or fetched by `locate`, loaded whole (`source`).
ProTrek's own layout (`official`, `checkpoint`) comes in by `import_official` and goes out by `export_official`;
`convert` does both. A saved model is described by `settings`, `info` and `card`.
"""

from typing import TYPE_CHECKING

from protrek_hm.lazy import lazily

if TYPE_CHECKING:
    from protrek_hm.model.config import EncoderConfig as EncoderConfig
    from protrek_hm.model.config import ModelConfig as ModelConfig
    from protrek_hm.model.config import TowerConfig as TowerConfig
    from protrek_hm.model.protrek import ProTrek as ProTrek
    from protrek_hm.model.text_encoder import load_text_encoder as load_text_encoder
else:
    __getattr__, __dir__, __all__ = lazily(__name__)
