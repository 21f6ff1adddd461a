"""How the proteins of an index are encoded."""

from dataclasses import dataclass
from typing import Literal, get_args

from protrek_hm.config import require

Precision = Literal["float32", "bf16"]


@dataclass(frozen=True)
class IndexConfig:
    """Settings of `build_index`.

    batch_size: how many inputs the model takes at a time, at least 1. precision: in what it computes; "bf16" is
    sooner, and changes scores in the third decimal. Vectors are kept in float32 either way.
    """

    batch_size: int = 32
    precision: Precision = "float32"

    def __post_init__(self) -> None:
        require("batch_size", self.batch_size, "must be at least 1", holds=self.batch_size >= 1)
        known = get_args(Precision)
        require("precision", self.precision, f"must be one of {', '.join(known)}", holds=self.precision in known)
