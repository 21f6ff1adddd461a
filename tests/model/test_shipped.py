"""The small models in the package: they load anywhere, stay as they were, and are small."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sentence_transformers import SentenceTransformer

import protrek_hm
from protrek_hm.model import ProTrek
from protrek_hm.model.locate import SHIPPED, find_model, shipped_model

ROOT = Path(__file__).parents[2]
TEXT = "Class A beta-lactamase. Resistance class: Beta-Lactam. Substrates: Cephalosporin."
SEQUENCE = "MSIQHFRVALIPFFAAFCLPVFAHPETLVKVKDAEDQLGARVGYIELDLNSGKILESFRPEERFPMMSTFKVLLCGAVLSRIDAGQEQLG"
GOLDEN = {  # the cosine, and the first numbers of the two vectors
    "mini": (-0.59515, [-0.0719, -0.0137, 0.06489], [-0.04599, -0.00827, -0.07116]),
    "mini-base": (-0.51972, [-0.01956, -0.01448, 0.03993], [-0.00038, -0.04296, -0.08454]),
    "mini-words": (0.00067, [-0.01571, -0.06059, 0.01162], [-0.0484, 0.05887, -0.05098]),
}
MARGIN = {"mini": 0.65, "mini-base": 0.65, "mini-words": 0.65}  # measured: 0.667, 0.676; chance 0.5


@pytest.mark.parametrize("name", SHIPPED)
def test_plain_sentence_transformers_loads_it_with_the_same_numbers(name):
    ours = ProTrek.from_pretrained(name, device="cpu")
    plain = SentenceTransformer(str(shipped_model(name)), device="cpu")
    for task, given in (("text", TEXT), ("sequence", SEQUENCE)):
        wanted = np.asarray(ours.encode([given], task=task))
        np.testing.assert_allclose(plain.encode([given], task=task), wanted, atol=1e-5)
        assert np.linalg.norm(wanted) == pytest.approx(1, abs=1e-5)
    spelled = plain.encode([SEQUENCE, f"{SEQUENCE[:9].lower()}\n {SEQUENCE[9:]}"], task="sequence")
    np.testing.assert_allclose(spelled[1], spelled[0], atol=1e-6)


@pytest.mark.parametrize("name", SHIPPED)
def test_golden_vectors(name):
    model = ProTrek.from_pretrained(name, device="cpu")
    (text,), (protein,) = model.encode([TEXT], task="text"), model.encode([SEQUENCE], task="sequence")
    cosine, of_text, of_protein = GOLDEN[name]
    assert float(text @ protein) == pytest.approx(cosine, abs=2e-4)
    np.testing.assert_allclose(text[:3], of_text, atol=2e-4)
    np.testing.assert_allclose(protein[:3], of_protein, atol=2e-4)


def test_a_folder_of_the_same_name_comes_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find_model("mini") == shipped_model("mini")
    (tmp_path / "mini" / "model").mkdir(parents=True)
    assert find_model("mini") == shipped_model("mini"), "a folder without a model is none"
    (tmp_path / "mini" / "model" / "modules.json").touch()
    assert find_model("mini") == Path("mini/model")


def test_the_package_stays_small():
    package = Path(protrek_hm.__file__).parent
    assert sum(file.stat().st_size for file in package.rglob("*") if "__pycache__" not in file.parts) < 60e6
    for name, most in {"mini": 24e6, "mini-base": 24e6, "mini-words": 36e6}.items():
        weights = shipped_model(name).rglob("*.safetensors")
        assert sum(file.stat().st_size for file in weights) <= most


def test_texts_compare_with_texts():
    asked = ["enzyme that hydrates carbon dioxide", "glows green under blue light", "carries oxygen in the blood"]
    said = [
        "Carbonic anhydrase: reversible hydration of CO2.",
        "Green fluorescent protein.",
        "Haemoglobin subunit alpha.",
    ]
    model = ProTrek.from_pretrained("mini-words", device="cpu")
    cosines = model.encode(asked, task="text") @ model.encode(said, task="text").T
    assert cosines.argmax(1).tolist() == [0, 1, 2]


def test_the_record_of_what_was_held_out():
    held_out = json.loads((ROOT / "recipes" / "mini" / "held_out.json").read_text())
    assert set(held_out) == {f"{what}_{side}" for what in ("components", "alleles") for side in ("valid", "test")}
    names = [{(source, each) for source, ids in part.items() for each in ids} for part in held_out.values()]
    assert len(set.union(*names)) == sum(map(len, names)), "no protein is put aside twice"


@pytest.mark.realdata
@pytest.mark.parametrize("name", SHIPPED)
def test_held_out_proteins_rank_above_random_ones(name, real_data):
    """Unseen families of Swiss-Prot: a true pair's cosine stands above a random one's."""
    ids = json.loads((ROOT / "recipes" / "mini" / "held_out.json").read_text())["components_test"]["swissprot"]
    table = pl.read_csv(real_data / "swissprot_text.tsv.gz", separator="\t", infer_schema_length=0, quote_char=None)
    table = table.filter(pl.col("accession").is_in(ids)).drop_nulls("function")
    table = table.unique("sequence", maintain_order=True).head(150)
    model = ProTrek.from_pretrained(name, device="cpu")
    texts = model.encode(table["function"].to_list(), task="text")
    proteins = model.encode(table["sequence"].to_list(), task="sequence")
    cosines = texts @ proteins.T
    right = np.diagonal(cosines)[:, None]
    others = ~np.eye(len(cosines), dtype=bool)
    assert (right > cosines)[others].mean() > MARGIN[name]
