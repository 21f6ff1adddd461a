"""Back into ProTrek's own layout: its classes, restated, load it with strict names and give the same vectors."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from sentence_transformers.base.modules import Normalize, Router
from transformers import RobertaConfig, RobertaModel

from protrek_hm.errors import FileFormatError, ModelError, OutputExistsError
from protrek_hm.model import ProTrek
from protrek_hm.model.convert import convert_model, write_official
from protrek_hm.model.towers import make_tower

INPUTS = {
    "sequence": ["MKV", "ACDEFGHIKLMNPQRSTX", "W"],
    "structure": ["d", "dvpq#acelf", "vvv"],
    "text": ["A kinase.", "binds heme", "glucose"],
}


def read(folder):
    [path] = folder.glob("*.pt")
    return path, torch.load(path, weights_only=True)["model"]


def assert_loads_strictly(restated, folder, model):
    path, tensors = read(folder)
    back = restated(folder, dimension=model.get_embedding_dimension(), structure="structure" in model.tasks)
    back.model.load_state_dict(tensors, strict=True)
    assert path.stem == folder.name, "ProTrek finds a checkpoint in a folder by the folder's name"
    assert back.temperature.item() == pytest.approx(model.temperature, rel=1e-6)
    for task in model.tasks:
        found = back.towers[task].get_repr(INPUTS[task])
        np.testing.assert_allclose(found, model.encode(INPUTS[task], task=task), atol=1e-6, rtol=0)
    return back


def test_there_and_back_nothing_is_lost(official, restated, tmp_path):
    folder, original = official
    assert convert_model(folder, tmp_path / "ours") == "sentence-transformers"
    assert convert_model(tmp_path / "ours", tmp_path / "back") == "official"
    _, before = read(folder)
    _, after = read(tmp_path / "back")
    assert before.keys() == after.keys()
    for name, tensor in before.items():
        assert tensor.dtype == after[name].dtype, name
        assert torch.equal(tensor, after[name]), name
    for there in (each for each in folder.iterdir() if each.is_dir()):
        back = tmp_path / "back" / there.name
        assert (back / "vocab.txt").read_text() == (there / "vocab.txt").read_text()
        config, changed = (json.loads((each / "config.json").read_text()) for each in (there, back))
        for name in ("hidden_size", "vocab_size", "position_embedding_type", "layer_norm_eps", "token_dropout"):
            assert config.get(name, changed.get(name)) == changed.get(name)
    assert_loads_strictly(restated, tmp_path / "back", ProTrek.from_pretrained(folder, device="cpu"))


def test_what_training_changed_is_what_protrek_reads(official, restated, tmp_path):
    """The heads for masked letters stay, tied to the embeddings as these have become."""
    model = ProTrek.from_pretrained(official[0], device="cpu")
    torch.manual_seed(0)
    with torch.no_grad():
        for weights in model.parameters():
            weights += 0.01 * torch.randn_like(weights)
    model.record("train", epochs=3)
    model.save_pretrained(str(tmp_path / "tuned"))
    assert convert_model(tmp_path / "tuned", tmp_path / "out") == "official"
    back = assert_loads_strictly(restated, tmp_path / "out", model)
    esm = back.towers["sequence"].model
    head = official[1].towers["sequence"].model.lm_head
    assert torch.equal(esm.lm_head.decoder.weight, esm.esm.embeddings.word_embeddings.weight)
    assert torch.equal(esm.lm_head.dense.weight, head.dense.weight)
    again = ProTrek.from_pretrained(tmp_path / "tuned", device="cpu")
    assert [step["step"] for step in again.history] == ["import", "train"]


@pytest.mark.parametrize("structure", [True, False])
def test_a_model_of_ours_gets_all_that_protreks_classes_ask_for(model, config, restated, tmp_path, structure):
    if not structure:
        model = ProTrek.build(replace(config, structure=None), texts=["a kinase"], device="cpu")
    model.save_pretrained(str(tmp_path / "ours"))
    convert_model(tmp_path / "ours", tmp_path / "out", license="mit")
    assert_loads_strictly(restated, tmp_path / "out", model)
    again = ProTrek.from_pretrained(tmp_path / "out", device="cpu")
    assert again.tasks == model.tasks
    assert again.license == "mit"
    assert convert_model(tmp_path / "out", tmp_path / "twice", to="official") == "official"
    once, twice = read(tmp_path / "out")[1], read(tmp_path / "twice")[1]
    assert once.keys() == twice.keys()
    assert all(torch.equal(tensor, twice[name]) for name, tensor in once.items())


def test_other_architectures_stay_ours(model, tmp_path):
    config = RobertaConfig(vocab_size=200, hidden_size=16, num_hidden_layers=1, num_attention_heads=2)
    tower = make_tower(RobertaModel(config, add_pooling_layer=False), model.routes["text"][0].tokenizer, dimension=8)
    routes = {"text": tower, "sequence": list(model.routes["sequence"])}
    mixed = ProTrek(modules=[Router(routes, allow_empty_key=False), Normalize()], device="cpu")
    with pytest.raises(ModelError, match="the text tower is a RobertaModel, ProTrek's is a BertModel"):
        write_official(mixed, tmp_path, name="x")


def test_outputs_are_guarded(official, tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "file").touch()
    with pytest.raises(OutputExistsError):
        convert_model(official[0], tmp_path / "there")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileFormatError):
        convert_model(tmp_path / "empty", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_without_its_parts_a_converted_model_is_half_a_model(official, tmp_path):
    convert_model(official[0], tmp_path / "ours")
    (tmp_path / "ours" / "official.safetensors").unlink()
    with pytest.raises(FileFormatError, match=r"official\.safetensors: does not load"):
        ProTrek.from_pretrained(tmp_path / "ours", device="cpu")
