"""How sure a prediction is of each residue (pLDDT), and hiding where it is not."""

import numpy as np
from jaxtyping import Float

from protrek_hm.data.structures.config import PROTREK_PLDDT, MaskPlddt

_MASKED = "#"
Plddt = Float[np.ndarray, " residues"]


def as_plddt(b_factors: Plddt) -> Plddt | None:
    """Return B-factors as pLDDT in [0, 100]; None if they cannot be that. Some programs write it in [0, 1].

    Examples
    --------
    >>> as_plddt(np.array([0.25, 0.5])), as_plddt(np.array([55.0, 90.0])), as_plddt(np.array([55.0, 130.0]))
    (array([25., 50.]), array([55., 90.]), None)
    """
    if not len(b_factors) or not ((b_factors >= 0) & (b_factors <= 100)).all() or not b_factors.any():
        return None
    return b_factors * 100 if b_factors.max() <= 1 else b_factors


def mask_unsure(letters: str, plddt: Plddt, mask: MaskPlddt) -> str:
    """Hide the letters of residues whose pLDDT lies below the threshold, 70 for "auto".

    Examples
    --------
    >>> mask_unsure("dvvd", np.array([69.9, 70.0, 95.0, 20.0]), "auto")
    '#vv#'
    >>> mask_unsure("dvvd", np.array([69.9, 70.0, 95.0, 20.0]), None)
    'dvvd'
    """
    if mask is None:
        return letters
    threshold = PROTREK_PLDDT if mask == "auto" else mask
    return "".join(_MASKED if unsure else letter for letter, unsure in zip(letters, plddt < threshold, strict=True))
