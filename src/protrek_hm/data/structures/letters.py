"""Foldseek's 3Di letters of a backbone, by mini3di.

Source: van Kempen et al., "Fast and accurate protein structure search with Foldseek", Nature Biotechnology 42 (2024).
"""

from functools import cache

import mini3di
import numpy as np

from protrek_hm.data.structures.backbone import Backbone

MOST_RESIDUES = 10_000
"""In one chain, no more are read: memory grows with the square of its length, to 2 GB at this one."""


def structure_letters(backbone: Backbone) -> str:
    """Return a lower-case 3Di letter for each residue.

    As in Foldseek, ends of chains, and residues that lack N or C or stand beside such ones, get a `d`.

    Examples
    --------
    >>> structure_letters(Backbone("A", "GG", np.zeros((2, 4, 3)), np.zeros(2)))
    'dd'
    """
    if len(backbone.sequence) < 3:
        return "d" * len(backbone.sequence)
    encoder = _encoder()
    with np.errstate(all="ignore"):  # residues without atoms are NaN, and masked in the end
        # In the middle of the molecule, in double precision: distances are differences of squares
        n, ca, c, cb = np.moveaxis(backbone.coordinates - np.nanmean(backbone.coordinates, axis=(0, 1)), 1, 0)
        return encoder.build_sequence(encoder.encode_atoms(ca, cb, n, c)).lower()


@cache
def _encoder() -> mini3di.Encoder:
    return mini3di.Encoder()
