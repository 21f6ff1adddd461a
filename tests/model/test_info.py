"""What is said of a model from its files is what the loaded model says; and the card says it to people."""

import json
import shutil

import numpy as np
import pytest
import torch

from protrek_hm.errors import FileFormatError, MissingFileError
from protrek_hm.model import ProTrek
from protrek_hm.model.card import make_card
from protrek_hm.model.convert import convert_model
from protrek_hm.model.info import describe_model


def test_files_say_what_the_model_says(model, saved, monkeypatch):
    expected = model.describe()
    with monkeypatch.context() as patch:
        patch.setattr(ProTrek, "from_pretrained", None)  # nothing is built
        assert describe_model(saved) == expected
    assert describe_model(saved) == ProTrek.from_pretrained(saved, device="cpu").describe()


def test_official_models_too(official, tmp_path):
    described = describe_model(official[0])
    convert_model(official[0], tmp_path / "ours")
    assert describe_model(tmp_path / "ours") == described
    assert described["towers"]["sequence"] == {
        "encoder": "EsmModel",
        "layers": 3,
        "hidden": 32,
        "vocabulary": 33,
        "max_tokens": 100_000,
        "parameters": described["towers"]["sequence"]["parameters"],
    }
    assert described["history"] == [{"step": "import", "checkpoint": "ProTrek_tiny.pt"}]


def test_models_saved_before_fingerprints_were(saved, tmp_path):
    copy = shutil.copytree(saved, tmp_path / "copy")
    expected = describe_model(copy)
    settings = json.loads((copy / "protrek.json").read_text())
    del settings["fingerprint"], settings["sha256"]
    (copy / "protrek.json").write_text(json.dumps(settings))
    assert describe_model(copy) == expected


@pytest.mark.parametrize(
    "name",
    ["router_config.json", "text_2_Dense/config.json", "text_0_Transformer/model.safetensors", "protrek.json"],
)
@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b"\xff" * 20])
def test_damaged_files(saved, tmp_path, name, content):
    copy = shutil.copytree(saved, tmp_path / "copy")
    (copy / name).write_bytes(content)
    with pytest.raises(FileFormatError) as caught:
        describe_model(copy)
    assert "\n" not in str(caught.value)


def test_nothing_there(tmp_path):
    with pytest.raises(MissingFileError):
        describe_model(tmp_path / "none")


def test_the_card(model):
    card = make_card({**model.describe(), "license": "apache-2.0", "history": [{"step": "train", "epochs": 3}]})
    head, _, body = card.removeprefix("---\n").partition("---\n")
    assert "library_name: sentence-transformers\n" in head
    assert "license: apache-2.0\n" in head
    assert "| sequence | EsmModel | 2 × 16 | 33 | 20 | " in body
    assert "Texts, protein sequences and 3Di structures in one space of 8 dimensions." in body
    assert "divides them by the temperature 0.05." in body
    assert "1. **train**: epochs 3" in body
    assert model.fingerprint() in body
    plain = make_card({**model.describe(), "license": None, "history": []})
    assert "license:" not in plain
    assert "Licence: not stated." in plain
    assert "Not recorded." in plain


def test_the_card_is_beside_the_weights_and_is_true(model, saved):
    assert (saved / "README.md").read_text() == make_card(model.describe())
    modes = {path.stat().st_mode for path in saved.rglob("*") if path.is_file()}
    assert len(modes) == 1, "weights are for the same eyes as all else"


def test_merged_low_rank_weights_survive(model, config, tmp_path):
    """What LoRA leaves behind: a matrix plus the product of two thin ones."""
    merged = ProTrek.build(config, texts=["a kinase"], device="cpu")
    torch.manual_seed(3)
    with torch.no_grad():
        for name, weights in merged.named_parameters():
            if name.endswith(("query.weight", "value.weight")):
                weights += 0.1 * torch.randn(len(weights), 2) @ torch.randn(2, weights.shape[1])
    merged.record("merge", rank=2)
    merged.save_pretrained(str(tmp_path / "merged"))
    again = ProTrek.from_pretrained(tmp_path / "merged", device="cpu")
    assert again.fingerprint() == merged.fingerprint()
    assert again.history == merged.history
    expected = merged.encode(["MKV"], task="sequence")
    np.testing.assert_allclose(again.encode(["MKV"], task="sequence"), expected, atol=1e-6)


@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing.*:FutureWarning")
def test_adapters_of_peft_merged(config, tmp_path):
    peft = pytest.importorskip("peft")
    merged = ProTrek.build(config, texts=["a kinase"], device="cpu")
    before = merged.encode(["MKV"], task="sequence")
    transformer = merged.routes["sequence"][0]
    settings = peft.LoraConfig(r=2, target_modules=["query", "value"], init_lora_weights=False)
    adapted = peft.get_peft_model(transformer.auto_model, settings)
    transformer.model = adapted.merge_and_unload()
    expected = merged.encode(["MKV"], task="sequence")
    assert abs(expected - before).max() > 1e-3
    merged.save_pretrained(str(tmp_path / "merged"))
    again = ProTrek.from_pretrained(tmp_path / "merged", device="cpu")
    assert again.fingerprint() == merged.fingerprint()
    np.testing.assert_allclose(again.encode(["MKV"], task="sequence"), expected, atol=1e-6)
