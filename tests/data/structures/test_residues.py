"""Letters of residues: what files state, against the dictionary of components; names of force fields."""

import gemmi
import numpy as np
import pytest

from protrek_hm.data.structures.backbone import STANDARD, letters, stated_parents, with_short_names
from protrek_hm.data.structures.records import read_structure

SEQUENCE = "MKTAYIAKQRGISFVKSHFSGQLEERLGLI"


@pytest.fixture(params=["pdb", "cif", "bcif"])
def kind(request):
    return request.param


@pytest.fixture
def read(build, tmp_path):
    def read(atoms, kind, header=""):
        path = tmp_path / f"made.{kind}"
        path.write_bytes(build.formats[kind](atoms, header=header))
        return read_structure(path)

    return read


def renamed(build, names):
    """The hairpin with other names of residues, those of the 20 as ATOM."""
    return [build.replace(atom, residue=names.get(atom.number, atom.residue)) for atom in build.hairpin()]


def test_every_component_of_the_dictionary_whose_parent_the_file_states():
    from biotite.structure.info import ccd

    components = ccd.get_ccd()["chem_comp"]
    names, parents, codes, types = (
        components[column].as_array(str) for column in ("id", "mon_nstd_parent_comp_id", "one_letter_code", "type")
    )
    wanted = {
        name: code
        for name, parent, code, kind in zip(names, parents, codes, types, strict=True)
        if "PEPTIDE" in kind.upper()
        and code not in ("?", "X")
        and name not in STANDARD
        and all(each.strip().upper() in STANDARD for each in parent.split(","))
    }
    block = gemmi.cif.Block("made")
    loop = block.init_loop("_chem_comp.", ["id", "mon_nstd_parent_comp_id"])
    for name, parent in zip(names, parents, strict=True):
        loop.add_row(gemmi.cif.quote_list([str(name), str(parent)]))
    stated = stated_parents(gemmi.Structure(), block)
    assert len(wanted) > 900
    differing = [name for name, code in wanted.items() if letters(name, (), stated) != code]
    assert len(differing) < 5, "where the dictionary's own parent and letter differ"


COMPONENTS = """loop_
_chem_comp.id
_chem_comp.type
_chem_comp.mon_nstd_parent_comp_id
PCA 'L-peptide linking' GLN
QQ1 'L-peptide linking' ARG
QQ2 'L-peptide linking' ?
"""
SEQUENCES = f"""loop_
_entity_poly.entity_id
_entity_poly.pdbx_seq_one_letter_code
_entity_poly.pdbx_seq_one_letter_code_can
1 '(PCA)K(QQ1){SEQUENCE[3:9]}(QQ2){SEQUENCE[10:]}' 'QKR{SEQUENCE[3:9]}W{SEQUENCE[10:]}'
"""
MODRES = (
    "MODRES 1ABC PCA A    1  GLN  PYROGLUTAMIC ACID\n"
    "MODRES 1ABC QQ1 A    3  ARG  MADE UP\n"
    "MODRES 1ABC QQ2 A   10  TRP  MADE UP\n"
)


def test_parents_are_those_that_the_file_states(build, read, kind):
    atoms = renamed(build, {1: "PCA", 3: "QQ1", 10: "QQ2"})
    [silent] = read(atoms, kind)
    assert (silent["sequence"], silent["unknown"]) == ("EKX" + SEQUENCE[3:9] + "X" + SEQUENCE[10:], 2)
    [told] = read(atoms, kind, MODRES if kind == "pdb" else COMPONENTS + SEQUENCES)
    assert (told["sequence"], told["unknown"]) == ("QKR" + SEQUENCE[3:9] + "W" + SEQUENCE[10:], 0)
    assert told["structure"] == silent["structure"]


def test_a_name_whose_residues_have_different_parents_tells_none(build, read):
    header = "MODRES 1ABC QQ1 A    3  ARG  MADE UP\nMODRES 1ABC QQ1 A   10  TRP  MADE UP\n"
    [record] = read(renamed(build, {3: "QQ1", 10: "QQ1"}), "pdb", header)
    assert (record["sequence"], record["unknown"]) == (SEQUENCE[:2] + "X" + SEQUENCE[3:9] + "X" + SEQUENCE[10:], 2)


def chromophore(build, name):
    """The hairpin with its residues 9 to 11 as one, their atoms numbered."""
    parts = {9: "1", 10: "2", 11: "3"}
    return [
        build.replace(atom, name=atom.name + parts[atom.number], residue=name, number=9, het=True)
        if atom.number in parts
        else atom
        for atom in build.hairpin()
    ]


@pytest.mark.parametrize(("parents", "seen"), [("THR TYR GLY", "TYG"), ("THR HIS GLY", "THG"), ("", "TXX")])
def test_a_chromophore_is_the_residues_it_was_made_of(build, read, kind, parents, seen):
    """Else a mutation in it, such as Y66H, could not be seen; and each has its own place in space."""
    header = ""
    if parents and kind == "pdb":
        header = "".join(f"MODRES 1ABC CRO A    9  {each}\n" for each in parents.split())
    elif parents:
        header = f"_chem_comp.id CRO\n_chem_comp.mon_nstd_parent_comp_id '{', '.join(parents.split())}'\n"
    [record] = read(chromophore(build, "CRO"), kind, header)
    [whole] = read(build.hairpin(), kind)
    assert record["sequence"] == SEQUENCE[:8] + seen + SEQUENCE[11:]
    assert record["structure"] == whole["structure"]


def test_a_chromophore_by_the_canonical_sequence(build, read):
    header = (
        f"_entity_poly.entity_id 1\n_entity_poly.pdbx_seq_one_letter_code '{SEQUENCE[:8]}(QQ3){SEQUENCE[11:]}'\n"
        f"_entity_poly.pdbx_seq_one_letter_code_can {SEQUENCE[:8]}SHG{SEQUENCE[11:]}\n"
    )
    [record] = read(chromophore(build, "QQ3"), "cif", header)
    assert record["sequence"] == SEQUENCE[:8] + "SHG" + SEQUENCE[11:]


def test_a_chromophore_with_one_alpha_has_no_shape_for_the_others(build, read):
    header = "_chem_comp.id CRO\n_chem_comp.mon_nstd_parent_comp_id THR,TYR,GLY\n"
    [record] = read(renamed(build, {9: "CRO"}), "cif", header)
    assert record["sequence"] == SEQUENCE[:8] + "TYG" + SEQUENCE[9:]
    assert len(record["structure"]) == 32
    assert record["structure"][8:11] == "ddd"


@pytest.mark.parametrize(
    ("names", "letter"),
    [
        ("HSD HSE HSP HID HIE HIP", "H"),
        ("CYX CYM", "C"),
        ("ASH", "D"),
        ("GLH", "E"),
        ("LYN", "K"),
        ("ARN", "R"),
        ("TYM", "Y"),
        ("HISD HISE HISB HIS1 NHID CHIE", "H"),
        ("CYS2 CYSH NCYX CCYM", "C"),
        ("LYSH NLYS CLYN", "K"),
        ("NALA CALA", "A"),
        ("ASP1", "D"),
        ("CYSX", "C"),
    ],
)
def test_names_of_force_fields(build, read, kind, names, letter):
    for name in names.split():
        [record] = read(renamed(build, {1: name, 12: name, 30: name}), kind)
        assert record["sequence"] == letter + SEQUENCE[1:11] + letter + SEQUENCE[12:29] + letter, name


def test_homoserine_is_no_histidine(build, read):
    atoms = renamed(build, {12: "HSE"})
    place = next(atom for atom in atoms if (atom.number, atom.name) == (12, "CB"))
    [record] = read(
        [*atoms[: atoms.index(place)], build.replace(place, name="OD"), *atoms[atoms.index(place) :]], "pdb"
    )
    assert record["sequence"][11] == "S"


def test_residues_without_an_alpha_are_counted(build, read, kind):
    atoms = [atom for atom in build.hairpin() if (atom.number, atom.name) not in {(5, "CA"), (9, "CA")}]
    water = [build.atom("O", "HOH", 200, np.array([60.0, 0, 0]), het=True)]
    [record] = read([*atoms, *water], kind)
    assert (record["sequence"], record["left_out"]) == (SEQUENCE[:4] + SEQUENCE[5:8] + SEQUENCE[9:], 2)
    assert read(build.hairpin(), kind)[0]["left_out"] == 0


def test_a_chain_of_two_letters_is_no_name_of_four(build):
    pdb = build.formats["pdb"](build.hairpin()).decode()
    other = "\n".join(f"{line[:20]}X{line[21:]}" if line.startswith("ATOM") else line for line in pdb.split("\n"))
    both = (pdb.removesuffix("END\n") + other).encode()
    assert with_short_names(both) == both


def test_what_is_said_of_another_chain_does_not_count(build, read):
    header = "MODRES 1ABC QQ1 A    3  ARG  MADE UP\nMODRES 1ABC QQ1 B    3  TRP  MADE UP\n"
    second = [build.replace(atom, chain="B", position=atom.position + 40) for atom in renamed(build, {3: "QQ1"})]
    first, other = read([*renamed(build, {3: "QQ1"}), *second], "pdb", header)
    assert (first["sequence"][2], other["sequence"][2]) == ("R", "W")
