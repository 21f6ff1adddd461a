"""The model against a forward pass written out, against plain SentenceTransformer, and against itself."""

import json
import logging
import shutil

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer

from protrek_hm.errors import OptionError
from protrek_hm.model import ProTrek
from protrek_hm.model.info import describe_model
from protrek_hm.model.locate import shipped_model

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
    assert made_of["fingerprint"] == model.fingerprint()


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


def as_saved_before(saved, folder):
    """Copy a saved model as earlier versions saved it: the text tower's route was called "text"."""
    shutil.copytree(saved, folder)
    router = folder / "router_config.json"
    content = json.loads(router.read_text())
    content["structure"] = {"text": content["structure"].pop("texts"), **content["structure"]}
    content["parameters"]["route_mappings"] = {}
    router.write_text(json.dumps(content))
    settings = json.loads((folder / "protrek.json").read_text())
    del settings["fingerprint"], settings["files"], settings["sha256"]
    (folder / "protrek.json").write_text(json.dumps(settings))
    return folder


WITHOUT_A_TASK = [
    lambda model: model.encode(["MKV"]),
    lambda model: model.encode("MKV"),
    lambda model: model.encode([{"text": "MKV"}]),
    lambda model: model.encode(["MKV"], task=None),
    lambda model: model.encode(["MKV"], task="protein"),
    lambda model: model.encode(["MKV"], task="Sequence"),
    lambda model: model.encode(["MKV"], task=""),
    lambda model: model.encode(["MKV"], prompt_name="document"),
    lambda model: model.encode(["MKV"], prompt="MKV"),
    lambda model: model.encode(["MKV"], modality="text"),
    lambda model: model.encode_query(["MKV"]),
    lambda model: model.encode_document(["MKV"]),
    lambda model: model.encode_document("MKV", prompt_name="document"),
    lambda model: model(model.preprocess(["MKV"])),
    lambda model: model.tokenize(["MKV"]),
]


@pytest.fixture(scope="module")
def loaded_in_all_ways(saved, tmp_path_factory):
    """By plain SentenceTransformer, by the same saved again, and by ProTrek; also of a folder of an earlier version."""
    folder = tmp_path_factory.mktemp("ways")
    plain = SentenceTransformer(str(saved), device="cpu")
    plain.save_pretrained(str(folder / "again"), create_model_card=False)
    ours = [ProTrek.from_pretrained(each, device="cpu") for each in (saved, as_saved_before(saved, folder / "before"))]
    return [plain, SentenceTransformer(str(folder / "again"), device="cpu"), *ours]


@pytest.mark.parametrize("use", WITHOUT_A_TASK)
def test_no_protein_is_read_as_a_text_for_want_of_a_task(loaded_in_all_ways, use):
    for model in loaded_in_all_ways:
        with pytest.raises((ValueError, TypeError), match=r"task|route"):
            use(model)


def test_routes_and_vectors_are_the_same_in_folders_of_any_version(model, saved, tmp_path):
    for folder in (saved, as_saved_before(saved, tmp_path / "before")):
        for loaded in (ProTrek.from_pretrained(folder, device="cpu"), ProTrek(str(folder), device="cpu")):
            assert loaded.tasks == TASKS
            assert loaded.fingerprint() == model.fingerprint()
            np.testing.assert_array_equal(loaded.encode(["heme"], task="text"), model.encode(["heme"], task="text"))
        plain = SentenceTransformer(str(folder), device="cpu")
        np.testing.assert_allclose(
            plain.encode(["heme"], task="text"), model.encode(["heme"], task="text", packed=False), atol=1e-6
        )


def test_the_shipped_models_are_guarded():
    plain = SentenceTransformer(str(shipped_model("mini")), device="cpu")
    for task in (None, "protein", "document"):
        with pytest.raises(ValueError, match="task"):
            plain.encode(["MKV"], task=task)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, "mixed"])
def test_half_precision_comes_back(model, saved, tmp_path, dtype):
    reduced = ProTrek.from_pretrained(saved, device="cpu")
    if dtype == "mixed":
        reduced.routes["sequence"].half()
        reduced.routes["text"][2].bfloat16()
    else:
        reduced.to(dtype)
    reduced.save_pretrained(str(tmp_path / "half"))
    loaded = ProTrek.from_pretrained(tmp_path / "half", device="cpu")
    plain = SentenceTransformer(str(tmp_path / "half"), device="cpu")
    assert {each.dtype for each in loaded.parameters()} == {torch.float32}
    for task in TASKS:
        inputs = {"text": ["a kinase", "heme"], "sequence": ["MKV", "PDVW"], "structure": ["mkv", "pdvw"]}[task]
        wanted = model.encode(inputs, task=task)
        found = loaded.encode(inputs, task=task)
        assert ((found * wanted).sum(axis=1) > 0.999).all()
        np.testing.assert_allclose(plain.encode(inputs, task=task), found, atol=1e-6)
    assert describe_model(tmp_path / "half")["fingerprint"] == loaded.fingerprint()
    loaded.save_pretrained(str(tmp_path / "again"))
    assert ProTrek.from_pretrained(tmp_path / "again", device="cpu").fingerprint() == loaded.fingerprint()


def test_one_that_plain_sentence_transformer_saved(model, saved, tmp_path):
    SentenceTransformer(str(saved), device="cpu").save_pretrained(str(tmp_path / "plain"))
    loaded = ProTrek.load(str(tmp_path / "plain"))
    assert type(loaded) is ProTrek
    assert loaded.fingerprint().split("-")[1] == model.fingerprint().split("-")[1]
    for task in model.tasks:
        np.testing.assert_allclose(loaded.encode(["AC"], task=task), model.encode(["AC"], task=task), atol=1e-6)
