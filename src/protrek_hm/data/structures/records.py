"""One structure file becomes a record for each of its protein chains."""

from pathlib import Path
from typing import TypedDict

from protrek_hm.data.structures.backbone import Backbone, protein_backbones
from protrek_hm.data.structures.confidence import as_plddt, mask_unsure
from protrek_hm.data.structures.config import StructureConfig
from protrek_hm.data.structures.files import stem
from protrek_hm.data.structures.letters import MOST_RESIDUES, structure_letters
from protrek_hm.data.structures.reading import Entry, read_entry
from protrek_hm.errors import FileFormatError


class ChainRecord(TypedDict):
    """One protein chain.

    id: the file's name without ending, `_`, the chain. structure: as long as the sequence. plddt: mean, in [0, 100];
    None for what is no prediction. accession: of UniProt, where the file names it.
    """

    id: str
    sequence: str
    structure: str
    plddt: float | None
    accession: str | None
    chain: str
    file: str


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
    present = {each.chain: each for each in protein_backbones(entry.structure)}
    if not present:
        raise FileFormatError(path, "no protein chain", "give a structure with the backbone of a protein")
    for chain in config.chains:
        if chain not in present:
            problem = f"no protein chain {chain!r} (chains: {', '.join(present)})"
            raise FileFormatError(path, problem, "choose one of them with --chain")
    chosen = [present[name] for name in config.chains or present]
    for each in chosen:
        if len(each.sequence) > MOST_RESIDUES:
            problem = f"chain {each.chain} has more than {MOST_RESIDUES:,} residues"
            raise FileFormatError(path, problem, "choose shorter ones with --chain")
    return [_record(path, each, entry, config) for each in chosen]


def _record(path: Path, backbone: Backbone, entry: Entry, config: StructureConfig) -> ChainRecord:
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
        accession=entry.accessions.get(backbone.chain),
        chain=backbone.chain,
        file=str(path),
    )
