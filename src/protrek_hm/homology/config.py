"""What counts as a homologous pair, and how much work may go into finding it."""

from dataclasses import dataclass
from typing import Any

from protrek_hm.config import require


@dataclass(frozen=True)
class HomologyConfig:
    """Settings of `find_homologs`; identities and coverages are fractions.

    Parameters
    ----------
    min_identity, max_identity
        Range of the exact global identity, ends included, 0.3 ≤ min ≤ max ≤ 1. Below 0.5 pairs begin to be
        missed: too few seeds are left to find them by.
    coverage
        Least part of the longer sequence that is aligned to residues of the shorter one, in [0, 1].
    threads
        Worker threads; 0 takes every core. The result does not depend on it.
    max_pairs_per_protein
        Keep at most so many pairs of a protein, sampled evenly over identities; None keeps all.

    Raises
    ------
    OptionError
        If a value lies outside its range.

    Examples
    --------
    >>> HomologyConfig(min_identity=0.5).coverage
    0.8
    """

    min_identity: float = 0.7
    max_identity: float = 0.9999
    coverage: float = 0.8
    threads: int = 0
    max_pairs_per_protein: int | None = None

    def wants(self, identity: Any, coverage: Any) -> Any:
        """Say whether a pair lies within the thresholds; numbers or arrays, as `identity.fractions` gives them.

        Examples
        --------
        >>> HomologyConfig(min_identity=0.55).wants(55 / 100, 0.9)
        True
        """
        return (self.min_identity <= identity) & (identity <= self.max_identity) & (self.coverage <= coverage)

    def __post_init__(self) -> None:
        require("min_identity", self.min_identity, "from 0.3 to 1", holds=0.3 <= self.min_identity <= 1)
        require(
            "max_identity",
            self.max_identity,
            "from min_identity to 1",
            holds=self.min_identity <= self.max_identity <= 1,
        )
        require("coverage", self.coverage, "from 0 to 1", holds=0 <= self.coverage <= 1)
        require("threads", self.threads, "0 (every core) or more", holds=self.threads >= 0)
        most = self.max_pairs_per_protein
        require("max_pairs_per_protein", most, "1 or more", holds=most is None or most >= 1)
