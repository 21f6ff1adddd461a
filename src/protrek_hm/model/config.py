"""The shape of a fresh ProTrek: three towers and one joint space."""

import re
from dataclasses import dataclass, field

from protrek_hm.config import require


@dataclass(frozen=True)
class TowerConfig:
    """One encoder: `layers` transformer blocks of width `hidden` with `heads` attention heads.

    max_tokens: longer inputs are cut, counted with the start and end tokens.
    """

    layers: int
    hidden: int
    heads: int
    max_tokens: int

    def __post_init__(self) -> None:
        for name in ("layers", "hidden", "heads"):
            value = getattr(self, name)
            require(name, value, "must be at least 1", holds=value >= 1)
        require("max_tokens", self.max_tokens, "must be at least 3", holds=self.max_tokens >= 3)
        require(
            "hidden",
            self.hidden,
            f"must be a multiple of heads = {self.heads}",
            holds=self.hidden % self.heads == 0,
        )


@dataclass(frozen=True)
class EncoderConfig:
    """A pretrained encoder: ESM-2, ESM C, SaProt, BERT and their like, as transformers saves them.

    path: a local folder, or a hub name as user/model or user/model@revision. max_tokens: longer inputs are cut,
    counted with the start and end tokens; None reads as much as the encoder can.
    """

    path: str
    max_tokens: int | None = None

    def __post_init__(self) -> None:
        require(
            "max_tokens", self.max_tokens, "must be at least 3", holds=self.max_tokens is None or self.max_tokens >= 3
        )


@dataclass(frozen=True)
class ModelConfig:
    """A model to be trained: each tower fresh or pretrained.

    structure: None builds a model without that tower. dimension: size of the joint space. temperature: what
    ProTrek divides cosines by, in (0, 1]. vocabulary: size of the WordPiece vocabulary that is trained on the
    given texts. seed: of the random weights. license: an identifier as the hub has them, for the model card.
    """

    sequence: TowerConfig | EncoderConfig = field(
        default_factory=lambda: TowerConfig(layers=4, hidden=128, heads=4, max_tokens=1024)
    )
    text: TowerConfig | EncoderConfig = field(
        default_factory=lambda: TowerConfig(layers=2, hidden=128, heads=4, max_tokens=512)
    )
    structure: TowerConfig | EncoderConfig | None = None
    dimension: int = 128
    temperature: float = 0.07
    vocabulary: int = 4000
    seed: int = 42
    license: str | None = None

    def __post_init__(self) -> None:
        require("dimension", self.dimension, "must be at least 1", holds=self.dimension >= 1)
        require("temperature", self.temperature, "must lie in (0, 1]", holds=0 < self.temperature <= 1)
        require("vocabulary", self.vocabulary, "must be at least 100", holds=self.vocabulary >= 100)
        require_license(self.license)


def require_license(name: str | None) -> None:
    """Raise OptionError unless `name` is None or one word, as the hub's identifiers of licences are.

    >>> require_license("apache-2.0")
    """
    fine = name is None or re.fullmatch(r"[\w.-]+", name) is not None
    require("license", name, "must be an identifier such as apache-2.0, mit or other", holds=fine)
