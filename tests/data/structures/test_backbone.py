"""Backbones of built peptides, the same from all formats."""

import numpy as np
import pytest

from protrek_hm.data.structures.backbone import protein_backbones
from protrek_hm.data.structures.reading import read_entry
from protrek_hm.data.structures.records import read_structure
from protrek_hm.errors import FileFormatError


@pytest.fixture(params=["pdb", "cif", "bcif"])
def read(build, tmp_path, request):
    """Write atoms in a format, and read the protein chains back."""

    def read(atoms):
        path = tmp_path / "made"
        path.write_bytes(build.formats[request.param](atoms))
        return {each.chain: each for each in protein_backbones(read_entry(path, max_bytes=1 << 20).structure)}

    return read


def test_a_chain(build, read):
    atoms = build.hairpin(b_factor=33.25)
    [chain] = read(atoms).values()
    assert (chain.chain, chain.sequence) == ("A", "MKTAYIAKQRGISFVKSHFSGQLEERLGLI")
    assert chain.b_factors == pytest.approx([33.25] * 30)
    for atom in atoms:
        found = chain.coordinates[atom.number - 1, ("N", "CA", "C", "CB").index(atom.name)]
        assert found == pytest.approx(atom.position, abs=6e-4)
    assert np.isnan(chain.coordinates[[10, 20, 27], 3]).all(), "glycine has no Cβ"
    assert np.isfinite(chain.coordinates[:, :3]).all()


def test_what_is_no_protein_is_passed_over(build, read):
    atoms = build.hairpin()
    far = np.array([60.0, 0, 0])
    dna = [
        build.atom(name, residue, number, far + number + shift, chain="D")
        for number, residue in enumerate(("DA", "DC", "DG", "DT"), start=1)
        for shift, name in enumerate(("P", "C5'", "C4'", "C3'", "N1"))
    ]
    ligands = [build.atom("O", "HOH", 200 + number, far - 5 * number, het=True) for number in range(3)]
    ligands += [build.atom("CA", "CA", 300, far, het=True), build.atom("C1", "GOL", 301, far + 3, het=True)]
    chains = read([*atoms, *dna, *ligands])
    assert list(chains) == ["A"]
    assert len(chains["A"].sequence) == 30


def test_missing_atoms_and_residues(build, read):
    gone = {(4, "CB"), (7, "N"), (9, "CA"), *((12, name) for name in ("N", "CA", "C", "CB"))}
    [chain] = read([atom for atom in build.hairpin() if (atom.number, atom.name) not in gone]).values()
    assert chain.sequence == "MKTAYIAK" + "RG" + "SFVKSHFSGQLEERLGLI", "no Cα, no residue"
    missing = np.argwhere(np.isnan(chain.coordinates[:, :, 0])).tolist()
    assert [3, 3] in missing
    assert [6, 0] in missing


def test_a_trace_of_alphas_is_no_backbone(build, read):
    trace = [atom for atom in build.hairpin(chain="T") if atom.name == "CA"]
    assert list(read([*build.hairpin(), *trace])) == ["A"]


def test_insertion_codes_keep_residues_apart(build, read):
    numbers = {5: (4, "A"), 6: (4, "B")}
    atoms = []
    for atom in build.hairpin():
        number, insertion = numbers.get(atom.number, (atom.number, " "))
        atoms.append(build.replace(atom, number=number, insertion=insertion))
    [chain] = read(atoms).values()
    assert chain.sequence == "MKTAYIAKQRGISFVKSHFSGQLEERLGLI"


@pytest.mark.parametrize(("occupancies", "chosen"), [((0.3, 0.7), 1), ((0.6, 0.4), 0), ((0.5, 0.5), 0)])
def test_of_alternate_locations_the_likeliest_counts(build, read, occupancies, chosen):
    shifts = (np.zeros(3), np.array([0.0, 0.0, 0.5]))
    atoms = []
    for atom in build.hairpin():
        if atom.number != 8:
            atoms.append(atom)
            continue
        for letter, occupancy, shift in zip("AB", occupancies, shifts, strict=True):
            atoms.append(build.replace(atom, altloc=letter, occupancy=occupancy, position=atom.position + shift))
    [chain] = read(atoms).values()
    assert chain.sequence[7] == "K"
    assert len(chain.sequence) == 30
    wanted = [atom.position + shifts[chosen] for atom in build.hairpin() if atom.number == 8]
    assert chain.coordinates[7] == pytest.approx(np.array(wanted), abs=6e-4)


def test_of_alternate_residues_the_first_counts(build, read):
    atoms = []
    for atom in build.hairpin():
        if atom.number == 8:
            atoms.append(build.replace(atom, altloc="A", occupancy=0.5))
        else:
            atoms.append(atom)
        if (atom.number, atom.name) == (8, "CB"):
            alternates = [each for each in build.hairpin() if each.number == 8]
            atoms += [build.replace(each, altloc="B", occupancy=0.5, residue="ARG") for each in alternates]
    [chain] = read(atoms).values()
    assert chain.sequence == "MKTAYIAKQRGISFVKSHFSGQLEERLGLI"


def test_of_several_models_the_first_counts(build, read):
    second = [build.replace(atom, model=2, position=atom.position + 9) for atom in build.hairpin()]
    [chain] = read([*build.hairpin(), *second]).values()
    assert len(chain.sequence) == 30
    assert chain.coordinates[0, 0] == pytest.approx([0, 0, 0])


def test_modified_residues_have_their_parents_letters(build, read):
    modified = {1: "MSE", 2: "MLY", 5: "PTR", 14: "SEP", 20: "ZZZ", 22: "UNK"}
    atoms = [
        build.replace(atom, residue=modified.get(atom.number, atom.residue), het=atom.number in modified)
        for atom in build.hairpin()
    ]
    [chain] = read(atoms).values()
    expected = list("MKTAYIAKQRGISFVKSHFSGQLEERLGLI")
    expected[13], expected[19], expected[21] = "S", "X", "X"
    assert chain.sequence == "".join(expected)
    assert expected[:5] == list("MKTAY")


def test_several_chains_in_the_order_of_the_file(build, read):
    chains = read([*build.hairpin(chain="C"), *build.peptide("GAS", [build.strand] * 3, chain="A")])
    assert {name: chain.sequence for name, chain in chains.items()} == {
        "C": "MKTAYIAKQRGISFVKSHFSGQLEERLGLI",
        "A": "GAS",
    }


def test_amino_acids_bound_behind_the_chain_are_not_in_it(build, tmp_path):
    ligand = [
        build.replace(atom, number=401, het=True, position=atom.position + 40)
        for atom in build.peptide("S", [build.helix])
    ]
    as_pdb = build.formats["pdb"]
    path = tmp_path / "bound.pdb"
    path.write_bytes(as_pdb(build.hairpin()).removesuffix(b"END\n") + b"TER\n" + as_pdb(ligand))
    [chain] = protein_backbones(read_entry(path, max_bytes=1 << 20).structure)
    assert chain.sequence == "MKTAYIAKQRGISFVKSHFSGQLEERLGLI"


def moved(build, atoms, distance=60.0):
    return [build.replace(atom, position=atom.position + distance) for atom in atoms]


def test_a_ter_ends_a_molecule(build, tmp_path):
    as_pdb = build.formats["pdb"]
    second = build.peptide("GASWK", [build.strand] * 5)
    path = tmp_path / "two.pdb"
    path.write_bytes(as_pdb(build.hairpin()).removesuffix(b"END\n") + b"TER\n" + as_pdb(moved(build, second)))
    chains = list(protein_backbones(read_entry(path, max_bytes=1 << 20).structure))
    assert [(each.chain, each.name, each.sequence) for each in chains] == [
        ("A", "A", "MKTAYIAKQRGISFVKSHFSGQLEERLGLI"),
        ("A.2", "A", "GASWK"),
    ]


def test_numbers_that_begin_anew_without_a_bond_are_another_molecule(build, read):
    second = moved(build, build.peptide("GASWK", [build.strand] * 5))
    assert {name: each.sequence for name, each in read([*build.hairpin(), *second]).items()} == {
        "A": "MKTAYIAKQRGISFVKSHFSGQLEERLGLI",
        "A.2": "GASWK",
    }
    anew = [build.replace(atom, number=(atom.number - 1) % 20 + 1) for atom in build.hairpin()]
    assert [each.sequence for each in read(anew).values()] == ["MKTAYIAKQRGISFVKSHFSGQLEERLGLI"], "bonded: one molecule"
    fused = [build.replace(atom, number=atom.number + 500 * (atom.number in range(10, 20))) for atom in build.hairpin()]
    assert [each.sequence for each in read(fused).values()] == ["MKTAYIAKQRGISFVKSHFSGQLEERLGLI"]


def test_a_second_copy_with_the_same_numbers_is_another_molecule(build, read):
    """gemmi puts the atoms of both into the same residues."""
    assert [each.sequence for each in read([*build.hairpin(), *moved(build, build.hairpin())]).values()] == [
        "MKTAYIAKQRGISFVKSHFSGQLEERLGLI"
    ] * 2


def test_equal_names_that_are_no_neighbours_keep_their_order(build, read):
    names = {10: "SER", 11: "HIS", 12: "SER"}
    atoms = [
        build.replace(atom, number=10, residue=names[atom.number]) if atom.number in names else atom
        for atom in build.hairpin()
    ]
    [chain] = read(atoms).values()
    assert (chain.sequence, chain.left_out) == ("MKTAYIAKQSHSSFVKSHFSGQLEERLGLI", 0)


def test_an_order_that_nobody_tells_is_refused(build, tmp_path):
    data = build.formats["pdb"]([*build.hairpin(), *moved(build, build.hairpin())])
    path = tmp_path / "a.pdb"
    path.write_bytes(b"\n".join(line[:6] + b"    1" + line[11:] for line in data.split(b"\n") if line[:4] == b"ATOM"))
    with pytest.raises(FileFormatError, match="residues share name and number, and atoms a number; number .* anew"):
        read_structure(path)


@pytest.mark.parametrize("shared", [range(9, 13), range(1, 3), range(5, 12)])
def test_residues_that_have_lost_their_insertion_letters_are_kept(build, read, shared):
    """Neighbours of one name and number, too, which gemmi takes for one residue."""
    atoms = [
        build.replace(atom, number=shared[0] if atom.number in shared else atom.number, residue=name)
        for atom in build.hairpin()
        for name in ["SER" if atom.number in shared[1:3] else atom.residue]
    ]
    [chain] = read(atoms).values()
    expected = list("MKTAYIAKQRGISFVKSHFSGQLEERLGLI")
    for number in shared[1:3]:
        expected[number - 1] = "S"
    assert (chain.sequence, chain.left_out) == ("".join(expected), 0)
    assert chain.coordinates[:, 1] == pytest.approx(
        np.array([atom.position for atom in build.hairpin() if atom.name == "CA"]), abs=6e-4
    )


def test_alternate_locations_of_residues_that_have_lost_their_insertion_letters(build, read):
    atoms = []
    for atom in build.hairpin():
        if atom.number not in (9, 10):
            atoms.append(atom)
            continue
        atom = build.replace(atom, number=9)
        if atom.name != "CB":
            atoms.append(atom)
        else:
            atoms += [build.replace(atom, altloc=letter, occupancy=0.5) for letter in "AB"]
    [chain] = read(atoms).values()
    assert (chain.sequence, chain.left_out) == ("MKTAYIAKQRGISFVKSHFSGQLEERLGLI", 0)


@pytest.mark.parametrize("name", ["LYS", "ARG"])
def test_alternates_that_the_file_does_not_call_so_are_counted(build, read, name):
    atoms = []
    for atom in build.hairpin():
        atoms.append(atom)
        if (atom.number, atom.name) == (8, "CB"):
            again = [each for each in build.hairpin() if each.number == 8]
            atoms += [build.replace(each, residue=name, position=each.position + 0.3) for each in again]
    [chain] = read(atoms).values()
    assert (chain.sequence, chain.left_out) == ("MKTAYIAKQRGISFVKSHFSGQLEERLGLI", 1)
    assert chain.coordinates[7, 1] == pytest.approx(
        next(atom.position for atom in build.hairpin() if (atom.number, atom.name) == (8, "CA")), abs=6e-4
    )


def test_molecules_of_one_author_s_name_and_two_labels(build, tmp_path):
    second = moved(build, build.peptide("GASWK", [build.strand] * 5, chain="B"))
    second = [build.replace(atom, number=atom.number + 100) for atom in second]
    data = build.formats["cif"]([*build.hairpin(), *second]).decode()
    path = tmp_path / "two.cif"
    path.write_text("\n".join(line.replace(" B ", " A ") for line in data.split("\n")))
    chains = list(protein_backbones(read_entry(path, max_bytes=1 << 20).structure))
    assert [(each.chain, each.sequence) for each in chains] == [
        ("A", "MKTAYIAKQRGISFVKSHFSGQLEERLGLI"),
        ("A.2", "GASWK"),
    ]
