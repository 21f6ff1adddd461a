"""A model is found where people point, and half a model is never taken for a whole one."""

import json
import pickle
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from protrek_hm.errors import FileFormatError, MissingFileError, OptionError, ProTrekHMError
from protrek_hm.model import ProTrek
from protrek_hm.model.info import describe_model


@pytest.fixture
def copy(saved, tmp_path):
    return shutil.copytree(saved, tmp_path / "copy")


def test_the_folder_of_a_run_is_its_model(model, copy, tmp_path):
    copy.rename(tmp_path / "model")
    assert ProTrek.from_pretrained(tmp_path, device="cpu").fingerprint() == model.fingerprint()
    assert ProTrek.from_pretrained(str(tmp_path) + "/", device="cpu").tasks == model.tasks


def test_paths_that_lead_to_no_model(tmp_path):
    with pytest.raises(MissingFileError, match="nowhere: no such file or folder"):
        ProTrek.from_pretrained(tmp_path / "nowhere")
    (tmp_path / "file").touch()
    with pytest.raises(MissingFileError, match="give the folder of a saved model"):
        ProTrek.from_pretrained(tmp_path / "file")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileFormatError, match=r"holds no model \(neither modules.json nor a checkpoint"):
        ProTrek.from_pretrained(tmp_path / "empty")
    (tmp_path / "run" / "checkpoints").mkdir(parents=True)
    with pytest.raises(FileFormatError, match="train --resume"):
        ProTrek.from_pretrained(tmp_path / "run")


def test_a_name_of_the_hub_is_looked_for_only_where_it_is_no_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MissingFileError, match=r"some/model: .*nor is it a model that the hub gives"):
        ProTrek.from_pretrained("some/model")
    (tmp_path / "runs").mkdir()
    with pytest.raises(MissingFileError, match="give the folder of a saved model"):
        ProTrek.from_pretrained("runs/tunde")  # a slip of the pen costs no request


def files_of(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_what_is_damaged_is_refused_or_harmless(model, saved, tmp_path):
    """Every file in turn is cut in half, emptied, or deleted."""
    refused = 0
    for number, name in enumerate(files_of(saved)):
        for harm in ("half", "empty", "gone"):
            broken = shutil.copytree(saved, tmp_path / f"{number}{harm}")
            content = (broken / name).read_bytes()
            (broken / name).unlink()
            if harm != "gone":
                (broken / name).write_bytes(content[: len(content) // 2] if harm == "half" else b"")
            try:
                loaded = ProTrek.from_pretrained(broken, device="cpu")
            except FileFormatError:
                refused += 1
                continue
            assert loaded.fingerprint() == model.fingerprint(), f"{name} {harm}"
            for task in model.tasks:
                same = loaded.encode(["mkv", "pdv"], task=task) == model.encode(["mkv", "pdv"], task=task)
                assert same.all(), f"{name} {harm}"
    assert refused > 30


@pytest.mark.parametrize("route", ["text", "sequence", "structure"])
def test_a_missing_tensor_is_not_replaced_by_chance(copy, route, capfd):
    weights = copy / f"{route}_0_Transformer" / "model.safetensors"
    tensors = load_file(weights)
    del tensors[next(name for name in sorted(tensors) if "attention" in name)]
    save_file(tensors, weights, metadata={"format": "pt"})
    with pytest.raises(FileFormatError, match="weights are missing"):
        ProTrek.from_pretrained(copy, device="cpu")
    assert capfd.readouterr() == ("", "")


def test_a_tensor_of_another_shape(copy):
    weights = copy / "text_0_Transformer" / "model.safetensors"
    tensors = load_file(weights)
    tensors["embeddings.word_embeddings.weight"] = tensors["embeddings.word_embeddings.weight"][:5].clone()
    save_file(tensors, weights, metadata={"format": "pt"})
    with pytest.raises(FileFormatError, match=r"does not load|another shape"):
        ProTrek.from_pretrained(copy, device="cpu")


def test_settings_of_a_later_version_or_of_nobody(copy):
    settings = copy / "protrek.json"
    settings.write_text(json.dumps({"format_version": 2, "temperature": 0.1}))
    with pytest.raises(FileFormatError, match="format_version 2"):
        ProTrek.from_pretrained(copy, device="cpu")
    settings.write_text(json.dumps({"format_version": 1, "temperature": "warm"}))
    with pytest.raises(FileFormatError, match="temperature 'warm'"):
        ProTrek.from_pretrained(copy, device="cpu")
    settings.unlink()
    assert ProTrek.from_pretrained(copy, device="cpu").temperature == ProTrek.temperature


class Trap:
    """What runs as soon as it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("part", ["text_0_Transformer", "sequence_2_Dense"])
@pytest.mark.parametrize("kind", ["tensors", "trap", "bare trap", "empty", "words"])
def test_pickled_weights_are_read_as_tensors_alone(model, copy, tmp_path, part, kind):
    tensors = load_file(copy / part / "model.safetensors")
    (copy / part / "model.safetensors").unlink()
    pickled, sprung = copy / part / "pytorch_model.bin", tmp_path / "sprung"
    if kind in ("tensors", "trap"):
        torch.save(tensors if kind == "tensors" else {**tensors, "more": Trap(sprung)}, pickled)
    else:
        bare = pickle.dumps(Trap(sprung), protocol=2)
        pickled.write_bytes({"empty": b"", "words": b"hello" * 99, "bare trap": bare}[kind])
    if kind == "tensors":
        assert ProTrek.from_pretrained(copy, device="cpu").fingerprint() == model.fingerprint()
        return
    with pytest.raises(FileFormatError) as caught:
        ProTrek.from_pretrained(copy, device="cpu")
    assert not sprung.exists()
    assert "\n" not in str(caught.value)
    assert "weights_only" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "keys", "value"),
    [
        ("sequence_0_Transformer/config.json", ["pad_token_id"], None),
        ("sequence_0_Transformer/config.json", ["num_attention_heads"], 0),
        ("sequence_0_Transformer/config.json", ["num_hidden_layers"], "many"),
        ("text_0_Transformer/config.json", ["hidden_act"], "none such"),
        ("text_0_Transformer/config.json", ["vocab_size"], 10**9),
        ("text_0_Transformer/config.json", ["model_type"], "gpt9"),
        ("sequence_0_Transformer/tokenizer_config.json", ["model_input_names"], ["input_ids"]),
        ("text_0_Transformer/tokenizer.json", ["model"], []),
        ("text_0_Transformer/tokenizer_config.json", ["sep_token"], "../../etc"),
        ("text_0_Transformer/sentence_bert_config.json", ["processor_kwargs"], {"model_max_length": "long"}),
        ("text_1_Pooling/config.json", ["pooling_mode"], "best"),
        ("text_2_Dense/config.json", ["out_features"], -1),
        ("router_config.json", ["structure", "texts"], {}),
        ("router_config.json", ["types", "text_2_Dense"], "no.such.module.Dense"),
        ("modules.json", [0, "type"], "no_such_package.Router"),
        ("modules.json", [0, "path"], "../.."),
        ("protrek.json", ["fingerprint"], 5),
    ],
)
def test_senseless_settings_are_refused_in_a_line(copy, name, keys, value, as_meant):
    content = json.loads((copy / name).read_text())
    place = content
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = value
    (copy / name).write_text(json.dumps(content))
    as_meant(copy)
    for read in (lambda: ProTrek.from_pretrained(copy, device="cpu"), lambda: describe_model(copy)):
        with pytest.raises(ProTrekHMError) as caught:
            read()
        assert "\n" not in str(caught.value)


def test_a_model_of_texts_alone_is_no_protrek(model, tmp_path):
    from sentence_transformers import SentenceTransformer

    SentenceTransformer(modules=list(model.routes["text"]), device="cpu").save_pretrained(
        str(tmp_path / "plain"), create_model_card=False
    )
    with pytest.raises(FileFormatError, match="lacks the routes 'text' and 'sequence'"):
        ProTrek.from_pretrained(tmp_path / "plain", device="cpu")


@pytest.mark.parametrize("device", ["cuda:99", "abacus"])
def test_a_device_that_is_not_there(saved, config, device):
    with pytest.raises(OptionError, match=f"device = '{device}': not on this machine"):
        ProTrek.from_pretrained(saved, device=device)
    with pytest.raises(OptionError, match="not on this machine"):
        ProTrek.build(config, texts=["a kinase"], device=device)
