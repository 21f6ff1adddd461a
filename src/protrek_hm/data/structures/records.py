"""One structure file becomes a record for each of its protein chains."""

from pathlib import Path
from typing import TypedDict

from protrek_hm.data.structures.backbone import Backbone, OrderError, protein_backbones
from protrek_hm.data.structures.confidence import as_plddt, mask_unsure
from protrek_hm.data.structures.config import StructureConfig
from protrek_hm.data.structures.files import stem
from protrek_hm.data.structures.letters import MOST_RESIDUES, structure_letters
from protrek_hm.data.structures.reading import Entry, read_entry
from protrek_hm.errors import FileFormatError


class ChainRecord(TypedDict):
    """One protein chain.

    id: the file's name without ending, `_`, the chain. structure: as long as the sequence. plddt: mean, in [0, 100];
    None for what is no prediction. accession: of UniProt, where the file names it. unknown: how many residues are X.
    left_out: how many are not in the sequence, though the file has atoms of them.
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


def read_structure(path: Path, config: StructureConfig | None = None) -> list[ChainRecord]:
    """Read the protein chains of a PDB, mmCIF or BinaryCIF file.

    Raises
    ------
    MissingFileError, FileFormatError
        If it is not there, damaged, too large, holds no protein with a backbone, or not a chain of
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
    plddt = None
    if entry.names_predictor or isinstance(config.mask_plddt, int | float):
        plddt = as_plddt(backbone.b_factors)
    if plddt is not None:
        letters = mask_unsure(letters, plddt, config.mask_plddt)
    return ChainRecord(
        id=f"{stem(path)}_{backbone.chain}",
        sequence=backbone.sequence,
        structure=letters,
        plddt=None if plddt is None else round(float(plddt.mean()), 2),
        accession=entry.accessions.get(backbone.name) if alone else None,
        chain=backbone.chain,
        file=str(path),
        unknown=backbone.sequence.count("X"),
        left_out=backbone.left_out,
    )
