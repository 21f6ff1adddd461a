"""Records of one file: ids, chosen chains, hidden residues."""

import polars as pl
import pytest

from protrek_hm.data import read_proteins
from protrek_hm.data.structures.config import StructureConfig, parse_mask
from protrek_hm.data.structures.records import read_structure
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
