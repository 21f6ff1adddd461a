"""The model against a forward pass written out, against plain SentenceTransformer, and against itself."""

import logging

import numpy as np
import pytest
import torch

from protrek_hm.errors import OptionError
from protrek_hm.model import ProTrek

SEQUENCES = ["MKV", "MKVLAGGW", "ACDEFGHIKLMNPQRS", "W"]
TASKS = ("text", "sequence", "structure")


def by_hand(model, text, task):
    """Encode one input alone: first token of the encoder's last layer, times the matrix, over its length."""
    transformer, _, dense = model.routes[task]
    tokens = transformer.tokenizer(text, return_tensors="pt", truncation=True)
    with torch.no_grad():
        hidden = transformer.auto_model(**tokens).last_hidden_state[0, 0]
        vector = dense.linear.weight @ hidden + dense.linear.bias
    return (vector / vector.norm()).numpy()


@pytest.mark.parametrize("task", TASKS)
def test_it_is_encoder_first_token_matrix_and_norm(model, task):
    inputs = ["A kinase.", "binds heme", "glucose"] if task == "text" else [each.lower() for each in SEQUENCES]
    inputs = SEQUENCES if task == "sequence" else inputs
    together = model.encode(inputs, task=task)
    assert together.shape == (len(inputs), 8)
    assert together.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-6)
    for each, vector in zip(inputs, together, strict=True):
        np.testing.assert_allclose(vector, by_hand(model, each, task), atol=1e-5)


@pytest.mark.parametrize("batch_size", [1, 2, 100])
def test_padding_and_order_change_nothing(model, batch_size):
    alone = np.stack([model.encode([each], task="sequence")[0] for each in SEQUENCES])
    order = [2, 0, 3, 1]
    shuffled = model.encode([SEQUENCES[at] for at in order], task="sequence", batch_size=batch_size)
    np.testing.assert_allclose(shuffled, alone[order], atol=1e-5)


def test_the_ends_of_long_inputs_are_not_read(model):
    long = "ACDEFGHIKLMNPQRSTVWYACD"
    encode = lambda sequence: model.encode(sequence, task="sequence")  # noqa: E731
    np.testing.assert_allclose(encode(long), encode(long[:18]), atol=1e-6)  # 20 tokens with start and end
    np.testing.assert_allclose(encode(long), encode(long[:18] + "WWW"), atol=1e-6)
    assert np.abs(encode(long) - encode(long[:17])).max() > 1e-3


def test_score_is_every_cosine(model):
    texts = ["A kinase.", "A lyase that cleaves citrate."]
    scores = model.score(texts, SEQUENCES)
    assert scores.shape == (2, 4)
    for i, text in enumerate(texts):
        for j, sequence in enumerate(SEQUENCES):
            expected = by_hand(model, text, "text") @ by_hand(model, sequence, "sequence")
            assert scores[i, j] == pytest.approx(expected, abs=1e-5)


def test_nothing_gives_nothing_and_one_gives_a_vector(model):
    assert model.encode([], task="text").shape == (0, 8)
    assert model.encode("MKV", task="sequence").shape == (8,)


def test_a_task_that_it_has_not(model, config):
    with pytest.raises(OptionError, match="this model encodes text, sequence, structure"):
        model.encode(["MKV"], task="protein")
    with pytest.raises(TypeError, match="task"):
        model.encode(["MKV"])


def test_it_says_what_it_is_made_of(model):
    made_of = model.describe()
    assert list(made_of["towers"]) == list(TASKS) == list(model.tasks)
    assert sum(tower["parameters"] for tower in made_of["towers"].values()) == model.parameter_count
    assert made_of["parameters"] == model.parameter_count
    assert made_of["towers"]["sequence"]["encoder"] == "EsmModel"
    assert made_of["history"] == [{"step": "build", "seed": 42}]
    assert made_of["dimension"] == 8
    assert made_of["temperature"] == 0.05
    assert len(made_of["fingerprint"]) == 64


def test_the_seed_decides_the_weights(model, config):
    from dataclasses import replace

    texts = ["A kinase that phosphorylates glucose."]
    models = [ProTrek.build(replace(config, seed=seed), texts=texts, device="cpu") for seed in (1, 1, 2)]
    first, again, other = (model.fingerprint() for model in models)
    assert first == again != other


def test_a_fresh_model_needs_words(config):
    with pytest.raises(OptionError, match="needs texts"):
        ProTrek.build(config, texts=["", " "])


def test_saved_and_loaded_it_is_the_same(model, saved):
    loaded = ProTrek.from_pretrained(saved, device="cpu")
    assert loaded.fingerprint() == model.fingerprint()
    assert loaded.temperature == 0.05
    assert loaded.tasks == TASKS
    np.testing.assert_array_equal(loaded.encode(SEQUENCES, task="sequence"), model.encode(SEQUENCES, task="sequence"))
    with torch.no_grad():
        next(loaded.parameters())[0] += 1e-6
    assert loaded.fingerprint() != model.fingerprint()


def test_plain_sentence_transformers_load_it_without_a_word(model, saved, caplog, capfd):
    from sentence_transformers import SentenceTransformer

    from protrek_hm.model.source import no_progress_bars

    logger = logging.getLogger("transformers")
    logger.addHandler(caplog.handler)  # it does not propagate
    try:
        with no_progress_bars():
            plain = SentenceTransformer(str(saved), device="cpu")
    finally:
        logger.removeHandler(caplog.handler)
    assert caplog.records == []
    assert capfd.readouterr() == ("", "")
    for task in TASKS:
        inputs = {"text": ["a kinase", "heme"], "sequence": ["MKV", "PDVW"], "structure": ["mkv", "pdvw"]}[task]
        np.testing.assert_array_equal(plain.encode(inputs, task=task), model.encode(inputs, task=task, packed=False))
    assert "create_model_card" not in (saved / "README.md").read_text()
    assert 'task="sequence"' in (saved / "README.md").read_text()
