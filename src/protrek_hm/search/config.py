"""Settings of a scan."""

import re
from dataclasses import dataclass
from typing import Literal

from protrek_hm.config import require
from protrek_hm.errors import OptionError

ScanSignal = Literal["model", "head"]
SCAN_SIGNALS: tuple[ScanSignal, ...] = ("model", "head")
"""By what a substitution is scored."""


@dataclass(frozen=True)
class ScanConfig:
    """Settings of `scan`.

    Attributes
    ----------
    region
        First and last residue that are scanned, such as 50-120. All by default; what lies outside is read, too.
    signals
        By what a substitution is scored: model, head, or both with a comma between. What there is not is left out.
    most_residues
        Residues that are scanned at most, at least 1. Each costs the model 19 encodings.
    batch_size
        Variants that the model takes at a time at most, at least 1.
    """

    region: tuple[int, int] | None = None
    signals: tuple[ScanSignal, ...] = SCAN_SIGNALS
    most_residues: int = 2000
    batch_size: int = 32

    def __post_init__(self) -> None:
        asked = set(self.signals)
        known = f"known signals are {', '.join(SCAN_SIGNALS)}; give one at least"
        require("signals", ", ".join(self.signals), known, holds=bool(asked) and asked <= set(SCAN_SIGNALS))
        for name in ("most_residues", "batch_size"):
            require(name, getattr(self, name), "must be at least 1", holds=getattr(self, name) >= 1)
        if self.region is not None:
            first, last = self.region
            wanted = "begins with residue 1 or a later one, and does not end before it begins"
            require("region", f"{first}-{last}", wanted, holds=1 <= first <= last)


def parse_region(given: str) -> tuple[int, int]:
    """Read the first and the last residue of a region; one number is a region of one residue.

    Raises
    ------
    OptionError
        If it is neither.

    Examples
    --------
    >>> parse_region("50-120"), parse_region("83")
    ((50, 120), (83, 83))
    """
    found = re.fullmatch(r"\s*([0-9]{1,9})\s*(?:[-–]\s*([0-9]{1,9})\s*)?", given)
    if found is None:
        raise OptionError("region", given, "give the first and the last residue, such as 50-120")
    return int(found[1]), int(found[2] or found[1])
