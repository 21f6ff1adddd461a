"""Peptides built from their torsion angles, and files of them in three formats."""

import io
import warnings
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

HELIX, STRAND = (-57.0, -47.0), (-119.0, 113.0)
NAMES = dict(
    zip(
        "ACDEFGHIKLMNPQRSTVWYX",
        "ALA CYS ASP GLU PHE GLY HIS ILE LYS LEU MET ASN PRO GLN ARG SER THR VAL TRP TYR UNK".split(),
        strict=True,
    )
)


@dataclass(frozen=True)
class Atom:
    """One line of a file."""

    name: str
    residue: str
    number: int
    position: np.ndarray
    chain: str = "A"
    insertion: str = " "
    altloc: str = " "
    occupancy: float = 1.0
    b_factor: float = 50.0
    het: bool = False
    model: int = 1


def place(a, b, c, *, bond, angle, torsion):
    """Put an atom `bond` Å from c, at `angle` with b, turned by `torsion` about the axis b-c (degrees)."""
    angle, torsion = np.radians([angle, torsion])
    axis = (c - b) / np.linalg.norm(c - b)
    normal = np.cross(b - a, axis)
    normal /= np.linalg.norm(normal)
    side = np.cross(normal, axis)
    return c + bond * (
        -np.cos(angle) * axis + np.sin(angle) * np.cos(torsion) * side + np.sin(angle) * np.sin(torsion) * normal
    )


def peptide(sequence, torsions, **atom_options):
    """N, Cα, C and (but for G) Cβ of a chain with these (phi, psi) of each residue, in standard geometry."""
    n, ca, c = np.array([0.0, 0, 0]), np.array([1.46, 0, 0]), np.array([2.0, 1.42, 0])
    atoms = []
    for number, (letter, (_, psi)) in enumerate(zip(sequence, torsions, strict=True), start=1):
        positions = {"N": n, "CA": ca, "C": c}
        if letter != "G":
            positions["CB"] = place(c, n, ca, bond=1.53, angle=110.5, torsion=-122.5)
        options = {"residue": NAMES[letter], "number": number, **atom_options}
        atoms += [Atom(name, position=position, **options) for name, position in positions.items()]
        if number < len(torsions):
            next_n = place(n, ca, c, bond=1.33, angle=117, torsion=psi)
            next_ca = place(ca, c, next_n, bond=1.46, angle=122, torsion=180)
            next_c = place(c, next_n, next_ca, bond=1.52, angle=111, torsion=torsions[number][0])
            n, ca, c = next_n, next_ca, next_c
    return atoms


def as_pdb(atoms, *, header=""):
    lines, model = [header.rstrip("\n")] if header else [], None
    several = len({atom.model for atom in atoms}) > 1
    for serial, atom in enumerate(atoms, start=1):
        if several and atom.model != model:
            lines += [*(["ENDMDL"] if model else []), f"MODEL     {atom.model:4d}"]
            model = atom.model
        record = "HETATM" if atom.het else "ATOM"
        coordinates = "".join(f"{each:8.3f}" for each in atom.position)
        lines.append(
            f"{record:6}{serial:5d}  {atom.name:<3}{atom.altloc}{atom.residue.rjust(3):<4}{atom.chain}"
            f"{atom.number:4d}{atom.insertion}   {coordinates}{atom.occupancy:6.2f}{atom.b_factor:6.2f}"
            f"          {atom.name[0]:>2}"
        )
    return "\n".join([*lines, *(["ENDMDL"] if several else []), "END", ""]).encode()


_COLUMNS = (
    *("group_PDB", "id", "type_symbol", "label_atom_id", "label_alt_id", "label_comp_id", "label_asym_id"),
    *("label_entity_id", "label_seq_id", "pdbx_PDB_ins_code", "Cartn_x", "Cartn_y", "Cartn_z", "occupancy"),
    *("B_iso_or_equiv", "auth_seq_id", "auth_comp_id", "auth_asym_id", "auth_atom_id", "pdbx_PDB_model_num"),
)


def as_cif(atoms, *, header=""):
    """Atoms as mmCIF; the label names of chains differ from the author's, as they do in the PDB."""
    rows = [
        (
            *(
                "HETATM" if atom.het else "ATOM",
                serial,
                atom.name[0],
                atom.name,
                atom.altloc.strip() or ".",
                atom.residue,
            ),
            *(f"{atom.chain}x", 1, "." if atom.het else serial, atom.insertion.strip() or "?"),
            *(f"{x:.3f}" for x in atom.position),
            *(f"{atom.occupancy:.2f}", f"{atom.b_factor:.2f}", atom.number, atom.residue, atom.chain, atom.name),
            atom.model,
        )
        for serial, atom in enumerate(atoms, start=1)
    ]
    lines = ["data_made", "#", header, "loop_", *(f"_atom_site.{name}" for name in _COLUMNS)]
    return "\n".join([*lines, *(" ".join(map(str, row)) for row in rows), "#", ""]).encode()


def as_bcif(atoms, *, header="", compress=True):
    """The same, encoded by biotite."""
    from biotite.structure.io import pdbx

    text = pdbx.CIFFile.read(io.StringIO(as_cif(atoms, header=header).decode()))
    block = pdbx.BinaryCIFBlock()
    for name, category in text.block.items():
        columns = {
            key: pdbx.BinaryCIFColumn(
                _typed(column.as_array(str)),
                None if column.mask is None else pdbx.BinaryCIFData(column.mask.array),
            )
            for key, column in category.items()
        }
        block[name] = pdbx.BinaryCIFCategory(columns)
    file = pdbx.BinaryCIFFile({"made": block})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        file = pdbx.compress(file) if compress else file
    written = io.BytesIO()
    file.write(written)
    return written.getvalue()


def _typed(cells):
    for kind in (int, float):
        try:
            return cells.astype(kind)
        except ValueError:
            continue
    return cells


@dataclass(frozen=True)
class Builder:
    """What the tests of this folder build structures with."""

    peptide = staticmethod(peptide)
    replace = staticmethod(replace)
    atom = Atom
    names: dict = field(default_factory=lambda: NAMES)
    helix: tuple = HELIX
    strand: tuple = STRAND
    formats: dict = field(default_factory=lambda: {"pdb": as_pdb, "cif": as_cif, "bcif": as_bcif})

    def hairpin(self, **options):
        """A helix, a strand back along it, and another helix: 30 residues with partners far off in the sequence."""
        sequence = "MKTAYIAKQRGISFVKSHFSGQLEERLGLI"
        return peptide(sequence, [HELIX] * 12 + [(-60.0, 150.0)] * 3 + [STRAND] * 7 + [HELIX] * 8, **options)


@pytest.fixture(scope="session")
def build():
    return Builder()
