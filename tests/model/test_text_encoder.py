import numpy as np
import polars as pl
import pytest

from protrek_hm.errors import MissingFileError
from protrek_hm.mine import MineConfig, mine_hard_negatives
from protrek_hm.model import load_text_encoder

BASE = "MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQAPILSRVGDGTQDNLSGAEKAVQVKVKALPDAQFEVVHSLAKWKR"


@pytest.fixture
def words(tmp_path):
    """A SentenceTransformer that is no ProTrek: it counts two words."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import BoW

    SentenceTransformer(modules=[BoW(vocab=["starch", "chitin"])], device="cpu").save_pretrained(str(tmp_path / "m"))
    return str(tmp_path / "m")


def test_a_missing_model_is_an_error():
    with pytest.raises(MissingFileError):
        load_text_encoder("/no/such/model")


def test_any_sentence_transformer_tells_of_texts(words):
    encoder = load_text_encoder(words)
    assert np.asarray(encoder(["starch chitin starch", "heme"])).tolist() == [[2, 1], [0, 0]]
    table = pl.DataFrame(
        {
            "id": ["a", "b", "c"],
            "sequence": [BASE, BASE.replace("HSLA", "HSWA"), BASE.replace("HSLA", "HSCA")],
            "text": ["Cleaves starch and not chitin.", "Cleaves cellulose, starch, chitin.", "Cleaves pectin."],
        }
    )
    pairs = mine_hard_negatives(table, MineConfig(easy=0, threads=1), text_encoder=encoder).pairs
    verdicts = {(row["a_id"], row["b_id"]): row["verdict"] for row in pairs.iter_rows(named=True)}
    assert verdicts == {("a", "b"): "unsure", ("a", "c"): "different", ("b", "c"): "different"}


def test_the_text_tower_of_a_protrek(tmp_path):
    from protrek_hm.model import ModelConfig, ProTrek, TowerConfig

    tower = TowerConfig(layers=1, hidden=16, heads=2, max_tokens=20)
    config = ModelConfig(sequence=tower, text=tower, structure=None, dimension=8, vocabulary=120)
    model = ProTrek.build(config, texts=["Cleaves starch.", "Binds heme."], device="cpu")
    model.save_pretrained(str(tmp_path / "tiny"))
    encoder = load_text_encoder(str(tmp_path / "tiny"))
    texts = ["Binds heme.", "Cleaves starch."]
    np.testing.assert_allclose(encoder(texts), model.encode(texts, task="text"), atol=1e-5)
