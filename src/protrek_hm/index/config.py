"""How the proteins of an index are encoded."""

from dataclasses import dataclass
from typing import get_args

from protrek_hm.config import OnBadRecord, require
from protrek_hm.index.layout import Precision


@dataclass(frozen=True)
class IndexConfig:
    """Settings of `build_index` and `add_to_index`.

    Attributes
    ----------
    batch_size
        Inputs per batch, at least 1.
    precision
        Precision of the encoding; bf16 is faster, and changes scores in the third decimal. Vectors are kept in float32
        either way.
    meaning
        Whether the texts are encoded by the package's sentence encoder, too, so that questions find what is written.
    relatives
        Whether proteins without a text are also found by the texts of their labelled relatives in the index.
    shards
        Parts into which the index is split, each an index of its own, for several machines; 1: none.
    on_bad_record
        Stop at a bad record or one that the model fails on, or leave it out. Its vector is then left out and logged.
    """

    batch_size: int = 32
    precision: Precision = "float32"
    meaning: bool = False
    relatives: bool = True
    shards: int = 1
    on_bad_record: OnBadRecord = "error"

    def __post_init__(self) -> None:
        require("batch_size", self.batch_size, "must be at least 1", holds=self.batch_size >= 1)
        require("shards", self.shards, "must be at least 1", holds=self.shards >= 1)
        for name, kind in (("precision", Precision), ("on_bad_record", OnBadRecord)):
            value, known = getattr(self, name), get_args(kind)
            require(name, value, f"must be one of {', '.join(known)}", holds=value in known)
