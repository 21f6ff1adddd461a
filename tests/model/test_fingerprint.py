"""Equal models have equal fingerprints; whatever changes a vector, or a token, changes them."""

import json
import re
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from protrek_hm.model import ProTrek
from protrek_hm.model.encoder import compare_fingerprints
from protrek_hm.model.info import describe_model


def rewrite(path, change):
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def window(folder):
    rewrite(
        folder / "text_0_Transformer/sentence_bert_config.json",
        lambda content: content["processor_kwargs"].update(model_max_length=9),
    )


def heads(folder):
    rewrite(folder / "text_0_Transformer/config.json", lambda content: content.update(num_attention_heads=4))


def epsilon(folder):
    rewrite(folder / "text_0_Transformer/config.json", lambda content: content.update(layer_norm_eps=0.1))


def activation(folder):
    rewrite(folder / "text_0_Transformer/config.json", lambda content: content.update(hidden_act="relu"))


def token_dropout(folder):
    rewrite(folder / "sequence_0_Transformer/config.json", lambda content: content.update(token_dropout=False))


def pooling(folder):
    rewrite(folder / "sequence_1_Pooling/config.json", lambda content: content.update(pooling_mode="mean"))


def projection(folder):
    name = "torch.nn.modules.activation.Tanh"
    rewrite(folder / "text_2_Dense/config.json", lambda content: content.update(activation_function=name))


def vocabulary(folder):
    def swap(content):
        words = content["model"]["vocab"]
        words["A"], words["K"] = words["K"], words["A"]

    rewrite(folder / "sequence_0_Transformer/tokenizer.json", swap)


def normalizer(folder):
    rewrite(
        folder / "structure_0_Transformer/tokenizer.json",
        lambda content: content.update(normalizer={"type": "Prepend", "prepend": "d"}),
    )


def truncation_side(folder):
    rewrite(
        folder / "sequence_0_Transformer/tokenizer_config.json", lambda content: content.update(truncation_side="left")
    )


def prompt(folder):
    rewrite(
        folder / "config_sentence_transformers.json",
        lambda content: content.update(prompts={"query": "find "}, default_prompt_name="query"),
    )


def closing(folder):
    rewrite(folder / "modules.json", lambda content: content.pop())


def renamed(folder):
    rewrite(folder / "1_Normalize/config.json", lambda content: content.update(module_output_name="other"))


CHANGES = [
    *(window, heads, epsilon, activation, token_dropout, pooling, projection),
    *(vocabulary, normalizer, truncation_side, prompt, closing, renamed),
]


@pytest.mark.parametrize("change", CHANGES)
def test_what_decides_tokens_or_arithmetic_is_in_it(model, saved, tmp_path, change, as_meant):
    copy = shutil.copytree(saved, tmp_path / "copy")
    change(copy)
    as_meant(copy)
    changed = ProTrek.from_pretrained(copy, device="cpu")
    assert compare_fingerprints(model.fingerprint(), changed.fingerprint()) == "same weights"
    assert describe_model(copy)["fingerprint"] == changed.fingerprint(), "also where nothing is built"


def test_what_decides_neither_is_not(model, saved, tmp_path, as_meant):
    copy = shutil.copytree(saved, tmp_path / "elsewhere")
    rewrite(copy / "protrek.json", lambda content: content.update(temperature=0.5, license="mit", history=[]))
    rewrite(
        copy / "text_0_Transformer/config.json",
        lambda content: content.update(transformers_version="9.9", hidden_dropout_prob=0.3, use_cache=True, later=1),
    )
    as_meant(copy)
    loaded = ProTrek.from_pretrained(copy, device="cpu")
    before = loaded.fingerprint()
    loaded.encode(["A kinase."] * 3, task="text", packed=False)  # leaves padding and cutting in the tokenizer
    loaded.train()
    assert loaded.fingerprint() == before == model.fingerprint()


def test_its_form(model):
    assert re.fullmatch(r"v2-[0-9a-f]{32}-[0-9a-f]{32}", model.fingerprint())


def test_the_window_of_a_model_in_memory(saved):
    loaded = ProTrek.from_pretrained(saved, device="cpu")
    before = loaded.fingerprint()
    loaded.routes["sequence"][0].max_seq_length = 12
    assert compare_fingerprints(before, loaded.fingerprint()) == "same weights"
    loaded.routes["text"][2].activation_function = nn.Tanh()
    one = loaded.fingerprint()
    loaded.half()
    assert compare_fingerprints(one, loaded.fingerprint()) == "other", "another arithmetic"


def test_a_flipped_bit_of_the_weights_is_found(saved, tmp_path):
    copy = shutil.copytree(saved, tmp_path / "copy")
    path = copy / "sequence_2_Dense" / "model.safetensors"
    tensors = load_file(path)
    tensors["linear.weight"].view(torch.int32)[0, 0] ^= 1
    save_file(tensors, path, metadata={"format": "pt"})
    with pytest.raises(ValueError, match=r"not the weights that were saved.*protrek\.json"):
        ProTrek.from_pretrained(copy, device="cpu")


def test_a_model_saved_with_a_fingerprint_of_its_weights_alone(model, saved, tmp_path, as_meant):
    """As earlier versions did: the SHA-256 of each tensor's name, shape, type and bytes, in the order of names."""
    copy = shutil.copytree(saved, tmp_path / "copy")
    weights = model.fingerprint().split("-")[1]
    rewrite(copy / "protrek.json", lambda content: content.update(fingerprint=weights + 32 * "0"))
    as_meant(copy)
    assert describe_model(copy)["fingerprint"] == model.fingerprint()
    assert ProTrek.from_pretrained(copy, device="cpu").fingerprint() == model.fingerprint()
