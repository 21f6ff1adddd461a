"""One structure file becomes a record for each of its protein chains, with 3Di letters and pLDDT.

mini3di computes Foldseek's letters: van Kempen et al., "Fast and accurate protein structure search with Foldseek",
Nature Biotechnology 42 (2024).
"""

from functools import cache
from pathlib import Path
from typing import TypedDict

import mini3di
import numpy as np
from jaxtyping import Float

from protrek_hm.data.structures.backbone import Backbone, OrderError, protein_backbones
from protrek_hm.data.structures.config import PROTREK_PLDDT, MaskPlddt, StructureConfig
from protrek_hm.data.structures.reading import Entry, read_entry, stem
from protrek_hm.errors import FileFormatError
from protrek_hm.locations import as_url

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
    """Mask the letters of residues whose pLDDT lies below the threshold, 70 for "auto".

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


class ChainRecord(TypedDict):
    """One protein chain.

    id: the file's name without ending, `_`, the chain. structure: as long as the sequence. plddt: mean, in [0, 100];
    None for what is no prediction. accession: of UniProt, where the file names it. unknown: how many residues are X.
    left_out: how many are not in the sequence, though the file has atoms of them. implausible: whether its B-factors
    should be pLDDT and cannot be, so that nothing is masked.
    """

    id: str
    sequence: str
    structure: str
    plddt: float | None
    accession: str | None
    chain: str
    file: str
    unknown: int
    left_out: int
    implausible: bool


def read_structure(path: Path, config: StructureConfig | None = None) -> list[ChainRecord]:
    """Read the protein chains of a PDB, mmCIF or BinaryCIF file.

    Raises
    ------
    MissingFileError, FileFormatError
        If the file does not exist, is damaged or too large, holds no protein with a backbone, or lacks a chain of
        `config.chains`.
    """
    config = config or StructureConfig()
    entry = read_entry(path, max_bytes=config.max_bytes)
    try:
        present = list(protein_backbones(entry.structure, entry.parents))
    except OrderError as error:
        raise FileFormatError(path, str(error), "number the residues anew") from None
    if not present:
        raise FileFormatError(path, "no protein chain", "give a structure with the backbone of a protein")
    wanted = dict.fromkeys(config.chains or (each.chain for each in present))
    for chain in wanted:
        if not any(chain in (each.chain, each.name) for each in present):
            problem = f"no protein chain {chain!r} (chains: {', '.join(each.chain for each in present)})"
            raise FileFormatError(path, problem, "choose one of them with --chain")
    named = {each.chain: each for chain in wanted for each in present if chain in (each.chain, each.name)}
    chosen = list(named.values())
    for each in chosen:
        if len(each.sequence) > MOST_RESIDUES:
            problem = f"chain {each.chain} has more than {MOST_RESIDUES:,} residues"
            raise FileFormatError(path, problem, "choose shorter ones with --chain")
    names = [each.name for each in present]
    return [_record(path, each, entry, config, alone=names.count(each.name) == 1) for each in chosen]


def _record(path: Path, backbone: Backbone, entry: Entry, config: StructureConfig, *, alone: bool) -> ChainRecord:
    letters = structure_letters(backbone)
    expected = entry.names_predictor or isinstance(config.mask_plddt, int | float)
    plddt = as_plddt(backbone.b_factors) if expected else None
    if plddt is not None:
        letters = mask_unsure(letters, plddt, config.mask_plddt)
    return ChainRecord(
        id=f"{stem(path)}_{backbone.chain}",
        sequence=backbone.sequence,
        structure=letters,
        plddt=None if plddt is None else round(float(plddt.mean()), 2),
        accession=entry.accessions.get(backbone.name) if alone else None,
        chain=backbone.chain,
        file=as_url(path),
        unknown=backbone.sequence.count("X"),
        left_out=backbone.left_out,
        implausible=expected and plddt is None,
    )
