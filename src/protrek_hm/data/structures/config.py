"""Which chains are read from structures, and what of them is hidden."""

from dataclasses import dataclass
from typing import Literal

from protrek_hm.config import require
from protrek_hm.errors import OptionError

MaskPlddt = float | Literal["auto"] | None
PROTREK_PLDDT = 70.0
"""ProTrek hides residues whose pLDDT lies below this."""


@dataclass(frozen=True)
class StructureConfig:
    """How structures are read.

    Attributes
    ----------
    chains
        Author's name of a chain; repeatable; by default all.
    mask_plddt
        Hide unsure residues as '#': auto = below 70 in predicted models; a number = below it in every file, B-factors
        taken for pLDDT; none. "auto" is what ProTrek does; a number lies in [0, 100]; None hides nothing.
    max_bytes
        Bytes of a file, decompressed, at most. Larger ones are refused.
    workers
        Processes; 0 = all cores, with the same result.
    """

    chains: tuple[str, ...] = ()
    mask_plddt: MaskPlddt = "auto"
    max_bytes: int = 512 << 20
    workers: int = 0

    def __post_init__(self) -> None:
        mask = self.mask_plddt
        fine = mask in ("auto", None) or (isinstance(mask, int | float) and 0 <= mask <= 100)
        require("mask_plddt", mask, "must be auto, none or a number in [0, 100]", holds=fine)
        require("max_bytes", self.max_bytes, "must be at least 1", holds=self.max_bytes >= 1)
        require("workers", self.workers, "must be at least 0 (0 = all cores)", holds=self.workers >= 0)


def parse_mask(flag: str) -> MaskPlddt:
    """Read the flag: "auto", "none" or a number.

    Raises
    ------
    OptionError
        If it is none of these.

    Examples
    --------
    >>> parse_mask("auto"), parse_mask("none"), parse_mask("70")
    ('auto', None, 70.0)
    """
    if flag == "auto":
        return "auto"
    if flag == "none":
        return None
    try:
        return float(flag)
    except ValueError:
        raise OptionError("mask_plddt", flag, "must be auto, none or a number in [0, 100]") from None
