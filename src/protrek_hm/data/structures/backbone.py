"""The backbones of a structure's protein chains, residue by residue."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import gemmi
import numpy as np
from jaxtyping import Float

ATOMS = ("N", "CA", "C", "CB")


@dataclass(frozen=True)
class Backbone:
    """One protein chain.

    Attributes
    ----------
    chain
        The author's name of it.
    sequence
        A letter for each residue that has a Cα: modified residues as their parents, unknown ones as X.
    coordinates
        N, Cα, C and Cβ of each, in Å; NaN where the file lacks the atom.
    b_factors
        Mean over the atoms of each residue: Å², or the pLDDT of a prediction.
    """

    chain: str
    sequence: str
    coordinates: Float[np.ndarray, "residues 4 3"]
    b_factors: Float[np.ndarray, " residues"]


def protein_backbones(structure: gemmi.Structure) -> Iterator[Backbone]:
    """Yield the protein chains of the first model; nucleic acids, ligands, water and bare Cα traces are passed over.

    As in Foldseek, residues without a Cα are left out, and gaps in the chain are closed. Of alternate locations
    those of the highest occupancy count, the first of equals; of alternate residues the first.

    structure: its polymers must have been told from ligands (`gemmi.Structure.setup_entities`).
    """
    parts: dict[str, list[gemmi.Residue]] = defaultdict(list)
    for chain in structure[0] if len(structure) else ():
        parts[chain.name] += [residue for residue in chain.first_conformer() if _may_be_amino_acid(residue)]
    for name, residues in parts.items():
        backbone = _backbone(name, _without_ligands(residues))
        if np.isfinite(backbone.coordinates[:, :3]).all(axis=(1, 2)).any():
            yield backbone


def _may_be_amino_acid(residue: gemmi.Residue) -> bool:
    known = gemmi.find_tabulated_residue(residue.name)
    return "CA" in residue and (known.is_amino_acid() or not known.found())


def _without_ligands(residues: list[gemmi.Residue]) -> list[gemmi.Residue]:
    """Leave out what stands before or behind the chain: amino acids that are bound to the protein.

    What the file calls no ligand, and what gemmi takes for a part of a polymer, is in the chain, and so is what
    stands between: gemmi alone would end a chain at an unknown residue.
    """
    places = [
        place
        for place, residue in enumerate(residues)
        if residue.het_flag == "A" or residue.entity_type == gemmi.EntityType.Polymer
    ]
    return residues[places[0] : places[-1] + 1] if places else []


def _backbone(chain: str, residues: list[gemmi.Residue]) -> Backbone:
    coordinates = np.full((len(residues), len(ATOMS), 3), np.nan)
    b_factors = np.empty(len(residues))
    for row, residue in enumerate(residues):
        atoms = list(residue)
        b_factors[row] = sum([atom.b_iso for atom in atoms]) / len(atoms)
        for atom in _likeliest(atoms):
            coordinates[row, ATOMS.index(atom.name)] = atom.pos.tolist()
    coordinates[~np.isfinite(coordinates)] = np.nan  # mmCIF knows infinity
    return Backbone(chain, "".join([letter(residue.name) for residue in residues]), coordinates, b_factors)


def letter(residue: str) -> str:
    """Return the letter of a residue or of its parent, X where there is none.

    >>> [letter(name) for name in ("MET", "MSE", "SEP", "SEC", "UNK", "ATP")]
    ['M', 'M', 'S', 'U', 'X', 'X']
    """
    known = gemmi.find_tabulated_residue(residue)
    return known.one_letter_code.upper().strip() or "X" if known.is_amino_acid() else "X"


def _likeliest(atoms: list[gemmi.Atom]) -> list[gemmi.Atom]:
    """Return the backbone atoms, those of the likeliest conformer last, as it replaces the others.

    Mixed conformers would have angles that none of them has.
    """
    atoms = [atom for atom in atoms if atom.name in ATOMS]
    occupancy: dict[str, float] = defaultdict(float)
    for atom in atoms:
        if atom.has_altloc():
            occupancy[atom.altloc] += atom.occ
    if not occupancy:
        return atoms
    chosen = min(occupancy, key=lambda location: (-occupancy[location], location))
    return sorted(atoms, key=lambda atom: not atom.has_altloc() or atom.altloc == chosen)
