"""The backbones of a structure's protein chains, and the letters of their residues.

Names of residues become letters by what the file says of their parents, gemmi's table, and the names of force fields.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import gemmi
import numpy as np
from jaxtyping import Float

STANDARD = {
    name: gemmi.find_tabulated_residue(name).one_letter_code
    for name in "ALA ARG ASN ASP CYS GLN GLU GLY HIS ILE LEU LYS MET PHE PRO SER THR TRP TYR VAL".split()
}
_FORCE_FIELDS = {  # AMBER, CHARMM, GROMOS, OPLS: other protonation, disulfide bonds
    name: parent
    for parent, names in {
        "HIS": "HSD HSE HSP HID HIE HIP HISD HISE HISP HISA HISB HISH HIS1 HIS2",
        "CYS": "CYX CYM CYS1 CYS2 CYSH",
        "ASP": "ASH ASPH ASPP",
        "GLU": "GLH GLUH GLUP",
        "LYS": "LYN LYP LSN LYSN LYSH",
        "ARG": "ARN ARGN",
        "TYR": "TYM TYRM",
    }.items()
    for name in names.split()
}
_LONG_NAME = re.compile(rb"^((?:ATOM  |HETATM).{11})([A-Z][A-Z0-9]{3})(.)", re.MULTILINE)
_PLACE = re.compile(rb"^(?:ATOM  |HETATM).{14}(.)(.)(.{5})", re.MULTILINE)  # fourth letter, chain, number
_TOKEN = re.compile(r"\((\w+)\)|([A-Z])")

Parents = Mapping[str, str]
"""Name of a modified residue → its letter, or the letters of all the residues that it was made of."""


def force_field_parent(name: str) -> str | None:
    """Return the amino acid that a force field calls so, None if it is no such name.

    >>> [force_field_parent(name) for name in ("HSD", "NALA", "CCYX", "ASP1", "ALA", "ATP")]
    ['HIS', 'ALA', 'CYS', 'ASP', None, None]
    """
    if len(name) != 4:
        return _FORCE_FIELDS.get(name)
    at_end = name[1:] if name[0] in "NC" else ""
    numbered = name[:3] if name[:3] in STANDARD else None
    return _FORCE_FIELDS.get(name) or (at_end if at_end in STANDARD else _FORCE_FIELDS.get(at_end)) or numbered


def with_short_names(pdb: bytes) -> bytes:
    """Give residues whose names take four columns the names of their parents, as three columns are read.

    The fourth column may also be the first letter of a chain such as "AB". A name that only its first three letters
    explain is taken for one if the residues with and without the fourth letter together number one chain.

    >>> with_short_names(b"ATOM      1  N   NALAA   1       0.000")
    b'ATOM      1  N   ALA A   1       0.000'
    """
    numbers: dict[tuple[bytes, bytes], set[bytes]] = defaultdict(set)

    def short(line: re.Match[bytes]) -> bytes:
        name = line[2].decode()
        parent = force_field_parent(name)
        if parent == name[:3] and name not in _FORCE_FIELDS:
            if not numbers:
                for fourth, chain, number in _PLACE.findall(pdb):
                    numbers[fourth, chain].add(number)
            others = numbers.get((b" ", line[3]), set())
            if not others or others & numbers[line[2][3:], line[3]]:
                parent = None
        return line[1] + (parent.encode().ljust(4) if parent else line[2]) + line[3]

    return _LONG_NAME.sub(short, pdb)


def parents_by_chain(structure: gemmi.Structure, block: gemmi.cif.Block | None = None) -> dict[str, Parents]:
    """Return what a file says of the modified residues of each chain; in PDB, what it says of the chain itself counts.

    Where it says nothing of a name in this chain, what it says of other chains counts.
    """
    stated = stated_parents(structure, block)
    names = [chain.name for chain in structure[0]] if len(structure) else []
    return {name: stated if block else stated | stated_parents(structure, chain=name) for name in names}


def stated_parents(
    structure: gemmi.Structure, block: gemmi.cif.Block | None = None, *, chain: str | None = None
) -> dict[str, str]:
    """Read what a file says of its modified residues.

    PDB says it in MODRES, mmCIF in `_pdbx_struct_mod_residue`, `_chem_comp.mon_nstd_parent_comp_id` and, where these
    are silent, in the one-letter codes of `_entity_poly`. A chromophore has several parents. A name whose residues
    have different parents tells none. With `chain`, only MODRES of this chain count.
    """
    stated: dict[str, str] = {}
    of_residue: dict[tuple[str, str], str] = {}
    name_of: dict[tuple[str, str], str] = {}
    for each in structure.mod_residues:
        if chain not in (None, each.chain_name):
            continue
        place = (each.chain_name, str(each.res_id))
        of_residue[place] = of_residue.get(place, "") + _letter(each.parent_comp_id)
        name_of[place] = each.res_id.name
    for place, told in of_residue.items():
        before = stated.get(name_of[place], told)
        if len(told) == len(before):  # X where another residue of this name has other parents
            told = "".join(one if one == other else "X" for one, other in zip(told, before, strict=True))
        stated[name_of[place]] = max(told, before, key=len)
    if block is not None:
        for row in block.find("_chem_comp.", ["id", "mon_nstd_parent_comp_id"]):
            told = "".join(map(_letter, re.findall(r"\w+", row.str(1))))
            if len(told) >= len(stated.get(row.str(0), "")):
                stated[row.str(0)] = told
        for row in block.find("_entity_poly.", ["pdbx_seq_one_letter_code", "pdbx_seq_one_letter_code_can"]):
            stated |= _aligned_parents(
                row.str(0), row.str(1), {name: told for name, told in stated.items() if told.strip("X")}
            )
    return {name: told for name, told in stated.items() if told.strip("X") and name not in STANDARD}


def _letter(parent: str) -> str:
    known = gemmi.find_tabulated_residue(parent.upper())
    return known.one_letter_code.upper() if known.is_amino_acid() else "X" * bool(parent)


def _aligned_parents(given: str, canonical: str, known: Parents) -> dict[str, str]:
    """Read the parents of the residues in brackets off the canonical sequence, which has several letters for some.

    Those of unknown parents have one each, or, if that does not fit, an equal share of what is left. What does not fit
    at all tells nothing.

    >>> _aligned_parents("M(ABC)K(MSE)", "MTYGKM", {})
    {}
    >>> _aligned_parents("M(ABC)K(MSE)", "MTYGKM", {"MSE": "M"})
    {'ABC': 'TYG'}
    """
    tokens = [(token[1], token[2]) for token in _TOKEN.finditer(given)]
    canonical = "".join(canonical.split())
    unknown = [name for name, _ in tokens if name and name not in known]
    left = len(canonical) - sum(1 if letter else len(known.get(name, "")) for name, letter in tokens)
    if not unknown or left < len(unknown) or left % len(unknown) or (left > len(unknown) and len(set(unknown)) > 1):
        return {}
    found, start = {}, 0
    for name, letter in tokens:
        if letter and canonical[start] != letter:
            return {}
        width = 1 if letter else len(known[name]) if name in known else left // len(unknown)
        if name and name not in known and "X" not in canonical[start : start + width]:
            found[name] = canonical[start : start + width]
        start += width
    return found


def letters(name: str, atoms: Iterable[str], parents: Parents) -> str:
    """Return the letters of a residue: several of a chromophore, X of an unknown residue.

    Parameters
    ----------
    name
        As the file has it.
    atoms
        The names of its atoms: homoserine is called as a histidine of CHARMM is, and a chromophore has several Cα.
    parents
        What the file says of modified residues.

    Examples
    --------
    >>> [letters(name, (), {"CRO": "TYG"}) for name in ("MET", "MSE", "SEC", "HSD", "CRO", "UNK", "ATP")]
    ['M', 'M', 'U', 'H', 'TYG', 'X', 'X']
    """
    if name in STANDARD:
        return STANDARD[name]
    if name in parents:
        return parents[name]
    names = set(atoms)
    known = gemmi.find_tabulated_residue(name)
    if known.is_amino_acid():
        first = known.one_letter_code.upper().strip() or "X"
        return first.ljust(len({"CA1", "CA2", "CA3"} & names), "X")
    if name == "HSE" and "OD" in names:
        return "S"
    return STANDARD.get(force_field_parent(name) or "", "X")


def may_be_amino_acid(name: str, parents: Parents) -> bool:
    """Return whether a residue is an amino acid, or unknown and possibly one."""
    known = gemmi.find_tabulated_residue(name)
    return known.is_amino_acid() or not known.found() or name in parents


ATOMS = ("N", "CA", "C", "CB")
_BACKBONE = frozenset(name + digit for name in ATOMS for digit in ("", *"0123"))  # numbered in chromophores
_BONDED = 2.5  # Å between C and the next N; 1.33 in a peptide
_ALTERNATE = 2.0  # Å between two Cα that are one residue's; those of neighbours are 2.8 or more apart


class OrderError(ValueError):
    """The order of residues cannot be determined."""


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


def protein_backbones(structure: gemmi.Structure, parents: Mapping[str, Parents] | None = None) -> Iterator[Backbone]:
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
        Chain → what the file says of its modified residues.

    Raises
    ------
    OrderError
        If several residues have one name and number, and the numbers of atoms do not tell their order.
    """
    parents = parents or {}
    by_label = structure.input_format == gemmi.CoorFormat.Mmcif
    molecules: dict[str, list[list[_Residue]]] = defaultdict(list)
    for chain in structure[0] if len(structure) else ():
        residues = _in_order([each for each in chain if may_be_amino_acid(each.name, parents.get(chain.name, {}))])
        parts = _molecules(residues, by_label=by_label)
        known = molecules[chain.name]
        # behind the first molecule, what is made of HETATM alone is bound to it
        known += [part for part in parts if not known or any(not residue.is_het for residue in part)]
    for name, parts in molecules.items():
        number = 0
        for part in parts:
            called = f"{name}.{number + 1}" if number else name
            backbone = _backbone(called, name, _without_ligands(part), parents.get(name, {}))
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
