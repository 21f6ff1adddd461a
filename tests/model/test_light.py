"""A model that is loaded only to encode gives the very vectors of `ProTrek`, or is one."""

import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file, save_file

from protrek_hm.errors import FileFormatError, InputError, MissingFileError, OptionError
from protrek_hm.files import read_json, write_json
from protrek_hm.model import EncoderConfig, ProTrek, load_encoder
from protrek_hm.model.inputs import describe_cut
from protrek_hm.model.locate import SHIPPED

TEXTS = ["A kinase.", "  Binds heme;\ntransports É-oxygen (β 514 nm). ", "x" * 900, "citrate " * 90, "A kinase."]
SEQUENCES = ["MKV", "mk v*", "ACDEFGHIKLMNPQRSTVWYX", "MK<mask>V<mask>", "W" * 500, "MKV"]
STRUCTURES = ["dvp", "D V P", "dvvqlpp#", "a" * 300]
INPUTS = {"text": TEXTS, "sequence": SEQUENCES, "structure": STRUCTURES}


def light_and_full(path):
    light, full = load_encoder(path, device="cpu"), ProTrek.from_pretrained(path, device="cpu")
    assert type(light).__name__ == "LightProTrek"
    return light, full


def assert_same(light, full):
    assert light.fingerprint() == full.fingerprint()
    assert (light.temperature, light.tasks) == (full.temperature, full.tasks)
    assert light.get_embedding_dimension() == full.get_embedding_dimension()
    for task in light.tasks:
        given = INPUTS[task]
        for options in ({}, {"batch_size": 2}, {"precision": "bf16"}, {"token_budget": 8}):
            ours, wanted = light.encode(given, task=task, **options), full.encode(given, task=task, **options)
            assert ours.dtype == wanted.dtype == np.float32
            np.testing.assert_array_equal(ours, wanted)
        assert light.encode([], task=task).shape == full.encode([], task=task).shape
        assert light.read_once(given, task=task) == full.read_once(given, task=task)
        assert describe_cut(light, given, task=task) == describe_cut(full, given, task=task)


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_models(name):
    assert_same(*light_and_full(name))


def test_a_fresh_model_of_three_towers(saved):
    assert_same(*light_and_full(saved))


@pytest.fixture(scope="module")
def encoders():
    """Makers of pretrained encoders."""
    spec = spec_from_file_location("test_towers", Path(__file__).with_name("test_towers.py"))
    towers = module_from_spec(spec)
    spec.loader.exec_module(towers)
    return towers


@pytest.mark.parametrize("options", [{}, {"emb_layer_norm_before": True, "token_dropout": False}])
def test_pretrained_towers(encoders, tmp_path, options):
    sequence, text = encoders.esm(tmp_path / "esm", **options), encoders.bert(tmp_path / "bert")
    model = encoders.build(sequence=EncoderConfig(str(sequence)), text=EncoderConfig(str(text)))
    model.save_pretrained(str(tmp_path / "model"))
    assert_same(*light_and_full(tmp_path / "model"))


def test_a_tower_that_takes_the_mean_of_its_tokens(model, saved, tmp_path):
    mean = ProTrek.from_pretrained(saved, device="cpu")
    mean.routes["text"][1].pooling_mode = "mean"
    mean.save_pretrained(str(tmp_path / "mean"))
    assert_same(*light_and_full(tmp_path / "mean"))


def test_weights_in_half_precision(saved, tmp_path):
    half = ProTrek.from_pretrained(saved, device="cpu").half()
    half.save_pretrained(str(tmp_path / "half"))
    assert_same(*light_and_full(tmp_path / "half"))


def test_official_models_and_other_architectures_are_loaded_whole(official, encoders, tmp_path):
    folder, _ = official
    distilbert = EncoderConfig(str(encoders.distilbert(tmp_path / "encoder")))
    encoders.build(text=distilbert).save_pretrained(str(tmp_path / "other"))
    positions = EncoderConfig(str(encoders.esm(tmp_path / "esm", position_embedding_type="absolute")))
    encoders.build(sequence=positions).save_pretrained(str(tmp_path / "absolute"))
    for path in (folder, tmp_path / "other", tmp_path / "absolute"):
        found, full = load_encoder(path, device="cpu"), ProTrek.from_pretrained(path, device="cpu")
        assert isinstance(found, ProTrek)
        np.testing.assert_array_equal(found.encode(TEXTS, task="text"), full.encode(TEXTS, task="text"))


def test_a_converted_official_model(official, tmp_path):
    folder, _ = official
    ProTrek.from_pretrained(folder, device="cpu").save_pretrained(str(tmp_path / "ours"))
    assert_same(*light_and_full(tmp_path / "ours"))  # whose sizes put weights at odd places of their files


def test_a_model_that_was_changed_by_hand_is_loaded_whole(model, tmp_path, as_meant):
    for number, (name, change) in enumerate(
        [
            ("protrek.json", {"fingerprint": None}),
            ("text_0_Transformer/sentence_bert_config.json", {"do_lower_case": True}),
            ("text_0_Transformer/tokenizer_config.json", {"model_max_length": 7, "truncation_side": "left"}),
            ("sequence_0_Transformer/config.json", {"layer_norm_eps": 1e-3}),
            ("config_sentence_transformers.json", {"prompts": {"a": "A: "}, "default_prompt_name": "a"}),
        ]
    ):
        folder = tmp_path / str(number)
        model.save_pretrained(str(folder))
        content = {**read_json(folder / name), **change}
        write_json(
            folder / name, {key: value for key, value in content.items() if value is not None or key != "fingerprint"}
        )
        as_meant(folder)
        found = load_encoder(folder, device="cpu")
        assert isinstance(found, ProTrek), name


def test_damage_is_told_as_of_the_whole_model(saved, tmp_path, model):
    with pytest.raises(MissingFileError):
        load_encoder(tmp_path / "none")
    with pytest.raises(OptionError, match="not on this machine"):
        load_encoder(saved, device="nowhere")
    model.save_pretrained(str(tmp_path / "other"))
    weights = tmp_path / "other" / "text_2_Dense" / "model.safetensors"
    save_file({name: tensor + 1 for name, tensor in load_file(weights).items()}, weights)
    with pytest.raises(FileFormatError, match="not the weights that were saved here"):
        load_encoder(tmp_path / "other", device="cpu")
    weights.unlink()
    with pytest.raises(FileFormatError):
        load_encoder(tmp_path / "other", device="cpu")


def test_inputs_are_refused_as_by_the_whole_model(saved):
    light, full = light_and_full(saved)
    for given, task in ((["MKJ"], "sequence"), ([""], "text"), ([7], "text"), (["MK"], "picture")):
        with pytest.raises((InputError, OptionError)) as theirs:
            full.encode(given, task=task)
        with pytest.raises(type(theirs.value)) as ours:
            light.encode(given, task=task)
        assert str(ours.value) == str(theirs.value)


def test_nothing_heavy_is_imported():
    code = (
        "import sys\nfrom protrek_hm.model import load_encoder\n"
        "load_encoder('mini', device='cpu').encode(['a kinase'], task='text')\n"
        "print([each for each in ('transformers', 'sentence_transformers', 'sklearn', 'scipy', 'torch._dynamo')"
        " if each in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=120)
    assert told.stdout == "[]\n"
