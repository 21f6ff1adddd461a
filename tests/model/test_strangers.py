"""Model folders of strangers: nothing in them is run, and what they hold is told in one line."""

import io
import json
import pickle
import shutil
import sys
import zipfile

import pytest
import torch

from protrek_hm.errors import ProTrekHMError
from protrek_hm.model import ProTrek, load_encoder
from protrek_hm.model.convert import convert_model
from protrek_hm.model.info import describe_model
from protrek_hm.model.twin_head import HEAD, TwinHead

TOWER = "text_0_Transformer"
CODE = """
from pathlib import Path
Path({sprung!r}).touch()
from torch import nn
class Evil(nn.Module):
    def __init__(self, *_, **__):
        super().__init__()
        Path({sprung!r}).touch()
    load = classmethod(lambda cls, *_, **__: cls())
EvilConfig = EvilTokenizer = Evil
"""


class Trap:
    """What runs as soon as it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (self.path, "w")


def edit(path, **change):
    path.write_text(json.dumps(json.loads(path.read_text()) | change))


def module_type(folder, name):
    modules = json.loads((folder / "modules.json").read_text())
    modules[0]["type"] = name
    (folder / "modules.json").write_text(json.dumps(modules))


def router_type(folder, name):
    router = json.loads((folder / "router_config.json").read_text())
    router["types"]["text_2_Dense"] = name
    (folder / "router_config.json").write_text(json.dumps(router))


def remote_code(folder):
    auto = {"AutoConfig": "evil.EvilConfig", "AutoModel": "evil.Evil"}
    edit(folder / TOWER / "config.json", auto_map=auto, model_type="evil", architectures=["Evil"])


def trusting(folder):
    remote_code(folder)
    trust = {"trust_remote_code": True}
    edit(folder / TOWER / "sentence_bert_config.json", model_args=trust, config_args=trust, model_kwargs=trust)


def tokenizer_code(folder):
    edit(folder / TOWER / "tokenizer_config.json", auto_map={"AutoTokenizer": ["evil.EvilTokenizer", None]})
    edit(folder / TOWER / "tokenizer_config.json", tokenizer_class="EvilTokenizer")


def pickled(protocol):
    def pickled(folder, sprung):
        (folder / TOWER / "model.safetensors").unlink()
        (folder / TOWER / "pytorch_model.bin").write_bytes(pickle.dumps(Trap(sprung), protocol=protocol))

    return pickled


def zipped_pickle(folder, sprung):
    (folder / TOWER / "model.safetensors").unlink()
    torch.save({"weights": Trap(sprung)}, folder / TOWER / "pytorch_model.bin")


def pickle_named_safetensors(folder, sprung):
    (folder / TOWER / "model.safetensors").write_bytes(pickle.dumps(Trap(sprung)))


def sharded_elsewhere(folder):
    (folder / TOWER / "model.safetensors").unlink()
    index = {"metadata": {}, "weight_map": {"embeddings.word_embeddings.weight": "../../../outside.bin"}}
    (folder / TOWER / "pytorch_model.bin.index.json").write_text(json.dumps(index))


def adapter(folder):
    settings = {"peft_type": "LORA", "base_model_name_or_path": "."}
    (folder / TOWER / "adapter_config.json").write_text(json.dumps(settings))


HOSTILE = {
    "a module of the folder": lambda folder, _: module_type(folder, "evil.Evil"),
    "a module with a path": lambda folder, _: module_type(folder, "../evil.Evil"),
    "a route of the folder": lambda folder, _: router_type(folder, "evil.Evil"),
    "a route that is any function": lambda folder, _: router_type(folder, "sys.exit"),
    "auto_map": lambda folder, _: remote_code(folder),
    "auto_map that says it may be trusted": lambda folder, _: trusting(folder),
    "a tokenizer's auto_map": lambda folder, _: tokenizer_code(folder),
    "an activation of the folder": lambda folder, _: edit(
        folder / "text_2_Dense" / "config.json", activation_function="evil.Evil"
    ),
    "an activation that is any function": lambda folder, _: edit(
        folder / "text_2_Dense" / "config.json", activation_function="sys.exit"
    ),
    **{f"a pickle, protocol {each}": pickled(each) for each in (0, 2, 4, 5)},
    "a zipped pickle": zipped_pickle,
    "a pickle called safetensors": pickle_named_safetensors,
    "weights that lie outside": lambda folder, _: sharded_elsewhere(folder),
    "an adapter": lambda folder, _: adapter(folder),
    "attention from the hub": lambda folder, _: edit(
        folder / TOWER / "config.json", _attn_implementation="stranger/kernel", attn_implementation="stranger/kernel"
    ),
    "settings in settings": lambda folder, _: (folder / TOWER / "config.json").write_text("[" * 100_000),
}


@pytest.fixture
def trap(tmp_path, monkeypatch):
    """Returns the path that exists once anything was run; the working folder has code, too."""
    sprung = tmp_path / "sprung"
    monkeypatch.chdir(tmp_path)
    (tmp_path / "evil.py").write_text(CODE.format(sprung=str(sprung)))
    yield sprung
    assert not sprung.exists()
    assert "evil" not in sys.modules


@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_in_a_strangers_folder_is_run(name, saved, tmp_path, as_meant, trap):
    folder = shutil.copytree(saved, tmp_path / "model")
    for place in (folder, folder / TOWER, folder / "text_2_Dense"):
        shutil.copy(tmp_path / "evil.py", place)
    HOSTILE[name](folder, str(trap))
    as_meant(folder)
    for read in (load_encoder, describe_model):
        try:
            read(folder)
        except ProTrekHMError as error:
            told = str(error)
        else:
            told = ""
        assert "\n" not in told
        assert len(told) < 1_000


def zip_of_a_pickle(sprung):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as file:
        file.writestr("archive/data.pkl", pickle.dumps(Trap(sprung)))
        file.writestr("archive/version", "3\n")
    return held.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        lambda sprung: pickle.dumps(Trap(sprung), protocol=2),
        lambda sprung: pickle.dumps({"model": Trap(sprung)}),
        zip_of_a_pickle,
        lambda _: pickle.dumps([1, 2]),
        lambda _: b"",
        lambda _: b"PK\x03\x04" + bytes(100),
        lambda _: b"(" * 100_000,
    ],
)
def test_an_official_checkpoint_is_read_as_tensors_alone(content, official, tmp_path, trap):
    folder = shutil.copytree(official[0], tmp_path / "official")
    (path,) = folder.glob("*.pt")
    path.write_bytes(content(str(trap)))
    for read in (lambda: convert_model(folder, tmp_path / "out"), lambda: ProTrek.from_pretrained(path, device="cpu")):
        with pytest.raises(ProTrekHMError) as caught:
            read()
        assert "\n" not in str(caught.value)


def test_a_head_that_is_a_pickle(tmp_path, trap):
    (tmp_path / HEAD).write_bytes(pickle.dumps(Trap(str(trap))))
    with pytest.raises(ProTrekHMError, match="damaged"):
        TwinHead.load(tmp_path)
