"""What `data twins` reads, and its settings."""

from dataclasses import dataclass
from typing import Literal, get_args

from protrek_hm.config import require

TwinSet = Literal["ncbi-point", "mutadescribe", "dms", "terpene-synthases", "adenylation-domains", "catpred", "labels"]
"""The sets that are read, in the order of the documentation."""

SETS: tuple[TwinSet, ...] = get_args(TwinSet)


@dataclass(frozen=True)
class TwinsConfig:
    """What becomes of a set.

    Attributes
    ----------
    label
        Column of labels, for the set `labels` only; repeatable. Several labels of a cell are separated by | or ;.
    share
        Share of an assay's mutants at each end of its scores that get a text, in (0, 0.5]. For the set `dms` only;
        mutants with the same score get the same text.

    Raises
    ------
    OptionError
        If a value is outside its range.
    """

    label: tuple[str, ...] = ()
    share: float = 0.1

    def __post_init__(self) -> None:
        object.__setattr__(self, "label", tuple(self.label))
        require("share", self.share, "must lie in (0, 0.5]", holds=0 < self.share <= 0.5)
        repeated = len(set(self.label)) < len(self.label)
        require("label", self.label, "name each column once", holds=not repeated)
