"""Records of one file: ids, chosen chains, hidden residues."""

import io

import mini3di
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protrek_hm.data import read_proteins
from protrek_hm.data.schema import STRUCTURE_LETTERS
from protrek_hm.data.structures.backbone import Backbone
from protrek_hm.data.structures.config import StructureConfig, parse_mask
from protrek_hm.data.structures.reading import read_entry
from protrek_hm.data.structures.records import read_structure, structure_letters
from protrek_hm.errors import FileFormatError, OptionError

DBREF = "DBREF  1ABC A    1    30  UNP    P12345   MADE_UP          1     30"
PREDICTED = "TITLE     ALPHAFOLD MONOMER V2.0 PREDICTION FOR MADE UP (P12345)"


@pytest.fixture
def write(build, tmp_path):
    def write(atoms, *, name="AF-P12345-F1-model_v4.pdb", header=PREDICTED):
        path = tmp_path / name
        path.write_bytes(build.formats["pdb"](atoms, header=header))
        return path

    return write


@pytest.fixture
def unsure(build):
    """Residues 1 to 10 at 69.99, all others at 70.01."""
    return [build.replace(atom, b_factor=69.99 if atom.number <= 10 else 70.01) for atom in build.hairpin()]


def test_a_prediction_hides_what_it_is_unsure_of(write, unsure):
    path = write(unsure)
    [record] = read_structure(path)
    [whole] = read_structure(path, StructureConfig(mask_plddt=None))
    assert record["structure"] == "#" * 10 + whole["structure"][10:]
    assert "#" not in whole["structure"]
    assert record == {
        **whole,
        "structure": record["structure"],
        "id": "AF-P12345-F1-model_v4_A",
        "plddt": pytest.approx(70.0, abs=0.01),
        "chain": "A",
        "file": str(path),
    }


@pytest.mark.parametrize(
    ("mask", "header", "hidden"),
    [
        ("auto", PREDICTED, 10),
        ("auto", "", 0),
        ("auto", "EXPDTA    X-RAY DIFFRACTION\nREMARK   3 ALPHAFOLD", 0),
        ("70", "", 10),
        ("90", PREDICTED, 30),
        ("0", PREDICTED, 0),
        ("none", PREDICTED, 0),
    ],
)
def test_what_is_hidden(write, unsure, mask, header, hidden):
    [record] = read_structure(write(unsure, header=header), StructureConfig(mask_plddt=parse_mask(mask)))
    assert record["structure"].count("#") == hidden
    assert (record["plddt"] is None) == (mask in ("auto", "none") and header != PREDICTED)


def test_b_factors_that_are_no_plddt(write, build):
    [record] = read_structure(write(build.hairpin(b_factor=130.0)))
    assert ("#" in record["structure"], record["plddt"]) == (False, None)
    [record] = read_structure(write(build.hairpin(b_factor=0.95)))
    assert ("#" in record["structure"], record["plddt"]) == (False, 95.0), "some programs write it in [0, 1]"


def test_the_alpha_carbon_counts(write, build):
    """Other atoms may have been added by other programs: hydrogens and a second oxygen have no pLDDT."""
    atoms = build.hairpin(b_factor=85.0)
    last = atoms[-1]
    added = [build.replace(last, name=name, b_factor=0.0) for name in ("O", "OXT", "HA", "HB1", "HB2")]
    [record] = read_structure(write([*atoms, *added]))
    assert ("#" in record["structure"], record["plddt"]) == (False, 85.0)
    values = {"N": 90, "CA": 60, "C": 90, "CB": 90}
    [record] = read_structure(write([build.replace(a, b_factor=values[a.name]) for a in build.hairpin()]))
    assert (set(record["structure"]), record["plddt"]) == ({"#"}, 60.0)


def test_chosen_chains(write, build):
    path = write([*build.hairpin(chain="C"), *build.peptide("GAS", [build.strand] * 3)], name="pair.pdb")
    assert [each["id"] for each in read_structure(path)] == ["pair_C", "pair_A"]
    assert [each["id"] for each in read_structure(path, StructureConfig(chains=("A",)))] == ["pair_A"]
    with pytest.raises(FileFormatError, match=r"pair\.pdb: no protein chain 'B' \(chains: C, A\); choose .*--chain"):
        read_structure(path, StructureConfig(chains=("A", "B")))


def test_the_molecules_of_one_chain_name(write, build):
    first = build.formats["pdb"](build.hairpin(), header=DBREF).removesuffix(b"END\n")
    second = build.formats["pdb"](build.peptide("GASWK", [build.strand] * 5))
    path = write([], name="two.pdb")
    path.write_bytes(first + b"TER\n" + second)
    records = read_structure(path)
    assert [(each["id"], each["chain"], each["accession"]) for each in records] == [
        ("two_A", "A", None),
        ("two_A.2", "A.2", None),
    ]
    assert [each["id"] for each in read_structure(path, StructureConfig(chains=("A",)))] == ["two_A", "two_A.2"]
    assert [each["id"] for each in read_structure(path, StructureConfig(chains=("A.2",)))] == ["two_A.2"]
    path.write_bytes(first + b"END\n")
    assert [each["accession"] for each in read_structure(path)] == ["P12345"]


def test_chains_too_long_for_the_memory(write, build, monkeypatch):
    monkeypatch.setattr("protrek_hm.data.structures.records.MOST_RESIDUES", 29)
    path = write([*build.hairpin(chain="C"), *build.peptide("GAS", [build.strand] * 3)], name="pair.pdb")
    with pytest.raises(FileFormatError, match=r"pair\.pdb: chain C has more than 29 residues; .*--chain"):
        read_structure(path)
    assert [each["id"] for each in read_structure(path, StructureConfig(chains=("A",)))] == ["pair_A"]


def test_protrek_reads_the_letters(write, unsure):
    from protrek_hm.model.tokenizers import structure_tokenizer

    [record] = read_structure(write(unsure))
    tokens = structure_tokenizer(100)(record["structure"])["input_ids"]
    assert len(tokens) == 32
    assert 3 not in tokens, "no letter is unknown"


def test_records_are_a_protein_table(write, unsure, tmp_path):
    pl.DataFrame(read_structure(write(unsure))).write_csv(tmp_path / "table.csv")
    proteins = read_proteins(tmp_path / "table.csv")
    assert proteins.columns[:4] == ["id", "sequence", "text", "structure"]
    assert proteins["structure"].str.len_bytes().to_list() == proteins["sequence"].str.len_bytes().to_list() == [30]


@pytest.mark.parametrize(
    "settings", [{"mask_plddt": 101.0}, {"mask_plddt": -1}, {"mask_plddt": "often"}, {"max_bytes": 0}, {"workers": -1}]
)
def test_settings_out_of_range(settings):
    with pytest.raises(OptionError):
        StructureConfig(**settings)
    with pytest.raises(OptionError, match="mask_plddt"):
        parse_mask("often")


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
