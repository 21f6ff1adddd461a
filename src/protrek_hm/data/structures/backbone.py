"""The backbones of a structure's protein chains, residue by residue."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import gemmi
import numpy as np
from jaxtyping import Float

from protrek_hm.data.structures.residues import STANDARD, Parents, letters, may_be_amino_acid

ATOMS = ("N", "CA", "C", "CB")
_BACKBONE = frozenset(name + digit for name in ATOMS for digit in ("", *"0123"))  # numbered in chromophores
_BONDED = 2.5  # Å between C and the next N; 1.33 in a peptide
_ALTERNATE = 2.0  # Å between two Cα that are one residue's; those of neighbours are 2.8 or more apart


class OrderError(ValueError):
    """Residues of which nobody can say in which order they stand."""


@dataclass(frozen=True)
class Backbone:
    """One protein chain.

    Attributes
    ----------
    chain
        The author's name of it; of several molecules that bear one name the second is called `A.2`.
    sequence
        A letter for each residue that has a Cα: modified residues as their parents, unknown ones as X.
    coordinates
        N, Cα, C and Cβ of each, in Å; NaN where the file lacks the atom.
    b_factors
        Of each residue's Cα: Å², or the pLDDT of a prediction.
    name
        The author's name of it.
    left_out
        How many residues have no Cα, or are a second one in the place of another.
    """

    chain: str
    sequence: str
    coordinates: Float[np.ndarray, "residues 4 3"]
    b_factors: Float[np.ndarray, " residues"]
    name: str = ""
    left_out: int = 0


@dataclass
class _Residue:
    """What gemmi holds of a residue, or a part of it where it has joined two of one name and number."""

    name: str
    number: int | None
    place: str
    is_het: bool
    is_polymer: bool
    subchain: str
    atoms: list[gemmi.Atom]
    by_name: dict[str, gemmi.Atom] = field(init=False)

    def __post_init__(self) -> None:
        self.by_name = {atom.name: atom for atom in _likeliest(self.atoms)}

    def distance(self, atom: str, other: "_Residue", its: str) -> float:
        """Measure between two atoms, in Å; infinite where one is missing."""
        if atom not in self.by_name or its not in other.by_name:
            return np.inf
        return self.by_name[atom].pos.dist(other.by_name[its].pos)


def protein_backbones(structure: gemmi.Structure, parents: Parents | None = None) -> Iterator[Backbone]:
    """Yield the protein chains of the first model; nucleic acids, ligands, water and bare Cα traces are passed over.

    As in Foldseek, residues without a Cα are left out, and gaps in the chain are closed. Of alternate locations
    those of the highest occupancy count, the first of equals; of alternate residues the first. Chains of one name are
    several molecules where a TER, another label or numbers that begin anew without a bond divide them.

    Parameters
    ----------
    structure
        Its polymers must have been told from ligands (`gemmi.Structure.setup_entities`), and its chains divided at
        each TER.
    parents
        What the file says of its modified residues.

    Raises
    ------
    OrderError
        If several residues have one name and number, and the numbers of atoms do not tell their order.
    """
    parents = parents or {}
    by_label = structure.input_format == gemmi.CoorFormat.Mmcif
    molecules: dict[str, list[list[_Residue]]] = defaultdict(list)
    for chain in structure[0] if len(structure) else ():
        residues = _in_order([each for each in chain if may_be_amino_acid(each.name, parents)])
        parts = _molecules(residues, by_label=by_label)
        known = molecules[chain.name]
        # behind the first molecule, what is made of HETATM alone is bound to it
        known += [part for part in parts if not known or any(not residue.is_het for residue in part)]
    for name, parts in molecules.items():
        number = 0
        for part in parts:
            backbone = _backbone(name if not number else f"{name}.{number + 1}", name, _without_ligands(part), parents)
            if np.isfinite(backbone.coordinates[:, :3]).all(axis=(1, 2)).any():
                number += 1
                yield backbone


def _in_order(residues: Sequence[gemmi.Residue]) -> list[_Residue]:
    """Take apart what gemmi has joined, and bring the residues into the order of the file by the numbers of atoms."""
    parts = [part for residue in residues for part in _apart(residue)]
    if len(parts) == len(residues):
        return parts
    serials = [atom.serial for part in parts for atom in part.atoms]
    if len(set(serials)) < len(serials):
        raise OrderError("residues share name and number, and atoms a number")
    return sorted(parts, key=lambda part: part.atoms[0].serial)


def _apart(residue: gemmi.Residue) -> Iterator[_Residue]:
    """Take residues apart that gemmi has joined, as they have one name and one number."""
    groups: list[list[gemmi.Atom]] = [[]]
    for atom in residue:
        again = atom.name in ("N", "CA") and any(each.name == atom.name for each in groups[-1])
        if again and not atom.has_altloc():
            groups.append([])
        groups[-1].append(atom)
    for atoms in groups:
        is_polymer = residue.entity_type == gemmi.EntityType.Polymer
        yield _Residue(
            residue.name,
            residue.seqid.num,
            str(residue.seqid),
            residue.het_flag != "A",
            is_polymer,
            residue.subchain,
            atoms,
        )


def _molecules(residues: Sequence[_Residue], *, by_label: bool) -> list[list[_Residue]]:
    """Divide the residues of a chain where another molecule begins."""
    parts: list[list[_Residue]] = [[]]
    numbers: set[int | None] = set()
    label = None
    for residue in residues:
        before = parts[-1][-1] if parts[-1] else residue
        anew = (
            residue.number in numbers
            and (residue.number or 0) < (before.number or 0)
            and before.distance("C", residue, "N") > _BONDED
        )
        if not residue.is_het:
            if anew or (by_label and label not in (None, residue.subchain)):
                parts.append([])
                numbers = set()
            label = residue.subchain
        parts[-1].append(residue)
        numbers.add(residue.number)
    return parts


def _without_ligands(residues: list[_Residue]) -> list[_Residue]:
    """Leave out what stands before or behind the chain: amino acids that are bound to the protein.

    What the file calls no ligand, and what gemmi takes for a part of a polymer, is in the chain, and so is what
    stands between: gemmi alone would end a chain at an unknown residue.
    """
    places = [place for place, residue in enumerate(residues) if not residue.is_het or residue.is_polymer]
    return residues[places[0] : places[-1] + 1] if places else []


def _first_of_alternates(residues: list[_Residue]) -> tuple[list[_Residue], int]:
    """Leave out what stands in the place of the residue before it; count that of which the file does not say so."""
    kept: list[_Residue] = []
    untold = 0
    for residue in residues:
        if kept and kept[-1].place == residue.place:
            told = any(atom.has_altloc() for atom in residue.atoms)
            apart = kept[-1].distance("CA", residue, "CA")
            if apart < _ALTERNATE or (told and apart == np.inf):
                untold += not told
                continue
        kept.append(residue)
    return kept, untold


def _backbone(chain: str, name: str, residues: list[_Residue], parents: Parents) -> Backbone:
    residues, left_out = _first_of_alternates(residues)
    sequence, coordinates, b_factors = "", list[list[list[float]]](), list[float]()
    for residue in residues:
        alphas = sorted(each for each in residue.by_name if each.startswith("CA"))
        if not alphas:
            left_out += {"N", "C"} <= residue.by_name.keys() or residue.name in STANDARD
            continue
        told = letters(residue.name, [atom.name for atom in residue.atoms], parents)
        sequence += told
        for place in range(len(told)):
            atoms = _atoms_of_part(residue.by_name, alphas, place, len(told))
            coordinates.append([atoms[each].pos.tolist() if each in atoms else [np.nan] * 3 for each in ATOMS])
            b_factors.append(atoms.get("CA", residue.by_name[alphas[0]]).b_iso)
    found = np.array(coordinates, dtype=float).reshape(-1, len(ATOMS), 3)
    found[~np.isfinite(found)] = np.nan  # mmCIF knows infinity
    return Backbone(chain, sequence, found, np.array(b_factors, dtype=float), name, left_out)


def _atoms_of_part(
    atoms: Mapping[str, gemmi.Atom], alphas: Sequence[str], place: int, parts: int
) -> Mapping[str, gemmi.Atom]:
    """Return the backbone atoms of one of the residues that a chromophore was made of; others are one part, and whole.

    Its parts are numbered, as in N1, CA1, C1, but for the first N and the last C in some.
    """
    if parts == 1 or len(alphas) != parts:  # as a whole, the first part has what there is
        return atoms if place == 0 else {}
    digit = alphas[place][2:]
    found = {name: atoms[name + digit] for name in ATOMS if name + digit in atoms}
    if place == 0 and "N" in atoms:
        found["N"] = atoms["N"]
    if place == parts - 1 and "C" in atoms:
        found["C"] = atoms["C"]
    return found


def _likeliest(atoms: list[gemmi.Atom]) -> list[gemmi.Atom]:
    """Return the backbone atoms, those of the likeliest conformer last, as it replaces the others.

    Mixed conformers would have angles that none of them has.
    """
    atoms = [atom for atom in atoms if atom.name in _BACKBONE]
    occupancy: dict[str, float] = defaultdict(float)
    for atom in atoms:
        if atom.has_altloc():
            occupancy[atom.altloc] += atom.occ
    if not occupancy:
        return atoms
    chosen = min(occupancy, key=lambda location: (-occupancy[location], location))
    return sorted(atoms, key=lambda atom: not atom.has_altloc() or atom.altloc == chosen)
