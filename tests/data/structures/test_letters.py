"""3Di letters against biotite's encoder, and against the published descriptors computed in plain loops."""

import io

import mini3di
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protrek_hm.data.schema import STRUCTURE_LETTERS
from protrek_hm.data.structures.backbone import Backbone
from protrek_hm.data.structures.letters import structure_letters
from protrek_hm.data.structures.reading import read_entry


def backbone(atoms):
    """The coordinates as they were built, not as a file rounds them."""
    numbers = sorted({atom.number for atom in atoms})
    coordinates = np.full((len(numbers), 4, 3), np.nan)
    for atom in atoms:
        coordinates[numbers.index(atom.number), ("N", "CA", "C", "CB").index(atom.name)] = atom.position
    return Backbone("A", "X" * len(numbers), coordinates, np.zeros(len(numbers)))


def biotite_letters(pdb, chain):
    from biotite.structure import filter_amino_acids
    from biotite.structure.alphabet import to_3di
    from biotite.structure.io.pdb import PDBFile

    atoms = PDBFile.read(io.StringIO(pdb.decode())).get_structure(model=1)
    sequences, _ = to_3di(atoms[(atoms.chain_id == chain) & filter_amino_acids(atoms)])
    return str(sequences[0]).lower()


def unit(vector):
    return vector / np.linalg.norm(vector)


def letters_by_hand(coordinates):
    """Virtual centres 2 Å from Cα, the nearest of another residue, ten descriptors of both, the published network."""
    size = len(coordinates)
    centres = []
    for n, ca, c, cb in coordinates:
        if np.isnan(cb).any():  # where it would stand in a tetrahedron with bonds of 1.5336 Å
            to_c, to_n = unit(c - ca), unit(n - ca)
            u1 = unit(to_n + to_c / 3)
            u2 = unit(np.cross(to_c, u1))
            cb = ca + 1.5336 * (np.sqrt(8) / 3 * (-u1 / 2 - u2 * np.sqrt(3) / 2) - to_c / 3)
        normal = unit(np.cross(cb - ca, n - ca))
        centres.append(ca + 2 * np.cross(cb - ca, normal))  # turned by 270° about the normal
    states = ["d"] * size
    alphas = coordinates[:, 1]
    encoder = mini3di.Encoder()
    for i in range(1, size - 1):
        others = [j for j in range(1, size - 1) if j != i]
        j = min(others, key=lambda other: np.linalg.norm(centres[i] - centres[other]))
        u = [unit(alphas[b] - alphas[a]) for a, b in ((i - 1, i), (i, i + 1), (j - 1, j), (j, j + 1), (i, j))]
        cosines = [u[a] @ u[b] for a, b in ((0, 1), (2, 3), (0, 4), (2, 4), (0, 3), (1, 2), (0, 2))]
        distance = np.linalg.norm(alphas[i] - alphas[j])
        span = [np.clip(j - i, -4, 4), np.sign(j - i) * np.log(abs(j - i) + 1)]
        descriptors = np.array([[*cosines, distance, *span]], dtype=np.float32)
        states[i] = "ACDEFGHIKLMNPQRSTVWY"[int(encoder.vae_encoder(descriptors)[0])].lower()
    return "".join(states)


def torsions(rng, size):
    """Helices, strands and loops in turn."""
    angles = []
    while len(angles) < size:
        phi, psi = ((-57, -47), (-119, 113), (-60, 150), (60, 40))[rng.integers(4)]
        angles += [(phi + rng.normal(0, 8), psi + rng.normal(0, 8)) for _ in range(rng.integers(2, 12))]
    return angles[:size]


@pytest.mark.parametrize("seed", range(8))
def test_both_encoders_and_plain_loops_agree_on_helices_and_strands(build, seed):
    rng = np.random.default_rng(seed)
    sequence = "".join(rng.choice(list("ACDEFGHIKLMNPQRSTVWY"), 60))
    atoms = build.peptide(sequence, torsions(rng, 60))
    made = backbone(atoms)
    letters = structure_letters(made)
    assert letters == letters_by_hand(made.coordinates)
    assert len(set(letters)) >= 5, "or this shows little"
    pdb = build.formats["pdb"](atoms)
    rounded = backbone([build.replace(atom, position=atom.position.round(3)) for atom in atoms])
    assert structure_letters(rounded) == biotite_letters(pdb, "A")


def test_helices_and_strands_have_letters_of_their_own(build):
    helix, strand = (
        structure_letters(backbone(build.peptide("A" * 20, [angles] * 20))) for angles in (build.helix, build.strand)
    )
    assert len(set(helix[4:-4])) == len(set(strand[4:-4])) == 1
    assert helix[10] == "v"
    assert helix[10] != strand[10]


def test_atoms_that_are_missing(build):
    atoms = [atom for atom in build.hairpin() if (atom.number, atom.name) not in {(9, "N"), (15, "C"), (20, "CB")}]
    made = backbone([build.replace(atom, position=atom.position.round(3)) for atom in atoms])
    letters = structure_letters(made)
    assert letters == biotite_letters(build.formats["pdb"](atoms), "A")
    assert {letters[i] for i in (0, 7, 8, 9, 13, 14, 15, 29)} == {"d"}, "ends, gaps and their neighbours"


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.floats(-900, 900), st.integers(3, 40))
def test_turned_and_moved_molecules_keep_their_letters(build, seed, shift, size):
    rng = np.random.default_rng(seed)
    made = backbone(build.peptide("A" * size, torsions(rng, size)))
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    turn *= np.sign(np.linalg.det(turn))
    moved = Backbone("A", made.sequence, made.coordinates @ turn + shift, made.b_factors)
    assert structure_letters(moved) == structure_letters(made)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.sampled_from([0.0, 1.0, 3.8, 1e6, np.nan]), min_size=12, max_size=12), max_size=8))
def test_as_many_letters_as_residues_whatever_the_coordinates(cells):
    coordinates = np.array(cells).reshape(-1, 4, 3)
    letters = structure_letters(Backbone("A", "A" * len(cells), coordinates, np.zeros(len(cells))))
    assert len(letters) == len(cells)
    assert set(letters) <= set(STRUCTURE_LETTERS) - {"#"}


@pytest.mark.realdata
def test_the_chains_of_8ac8(real_data):
    import gzip

    from biotite.structure import filter_amino_acids
    from biotite.structure.alphabet import to_3di
    from biotite.structure.io import pdbx

    from protrek_hm.data.structures.records import read_structure

    path = real_data / "8ac8.cif.gz"
    with gzip.open(path, "rt") as text:
        atoms = pdbx.get_structure(pdbx.CIFFile.read(text), model=1)
    atoms = atoms[filter_amino_acids(atoms)]
    records = {record["chain"]: record for record in read_structure(path)}
    assert set(records) == {"A", "C"}, "two proteins, two strands of DNA"
    assert read_entry(path, max_bytes=1 << 30).accessions == {"A": "P03856", "C": "P03856"}
    for chain, record in records.items():
        sequences, _ = to_3di(atoms[atoms.chain_id == chain])
        assert record["structure"] == str(sequences[0]).lower()
        assert len(record["sequence"]) == len(record["structure"])
        assert (record["plddt"], record["accession"]) == (None, "P03856")
    assert records["A"]["sequence"].startswith("NSPRIVQSNDLTEAAYSLSRDQKRMLYLFVDQIRKS")
