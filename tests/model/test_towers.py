"""Towers of choice: the encoder's own vectors under a projection; and what cannot be a tower."""

import json
import shutil

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    BertConfig,
    BertForMaskedLM,
    BertTokenizer,
    DistilBertConfig,
    DistilBertModel,
    EsmConfig,
    EsmForMaskedLM,
    EsmTokenizer,
    GPT2Config,
    GPT2Model,
    ModernBertConfig,
    ModernBertModel,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaModel,
    T5Config,
)

from protrek_hm.errors import FileFormatError, MissingFileError, OptionError
from protrek_hm.model import ModelConfig, ProTrek, TowerConfig
from protrek_hm.model.config import EncoderConfig

MARKS = ["<cls>", "<pad>", "<eos>", "<unk>"]
ESM2 = [*MARKS, *"LAGVSERTIDPKQNFYMHWCXBUZO.-", "<null_1>", "<mask>"]
SAPROT = [*MARKS, "<mask>", *(a + s for a in "ACDEFGHIKLMNPQRSTVWY#" for s in "pynwrqhgdlvtmfsaeikc#")]
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "kinase", "binds", "heme", "."]
SHAPE = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
FRESH = TowerConfig(layers=1, hidden=8, heads=2, max_tokens=20)
SEQUENCES = ["MKV", "ACDEFGHIKLMNPQRSTVWY", "W"]


def save(folder, encoder, tokenizer):
    encoder.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def esm_tokenizer(folder, tokens=ESM2):
    folder.mkdir()
    (folder / "own.txt").write_text("\n".join(tokens))
    return EsmTokenizer(str(folder / "own.txt"))


def esm(folder, tokens=ESM2, **options):
    tokenizer = esm_tokenizer(folder, tokens)
    torch.manual_seed(0)
    settings = {"position_embedding_type": "rotary", "token_dropout": True, "initializer_range": 0.2, **options}
    config = EsmConfig(
        **SHAPE, vocab_size=len(tokens), pad_token_id=1, mask_token_id=tokens.index("<mask>"), **settings
    )
    return save(folder, EsmForMaskedLM(config), tokenizer)


def bert(folder):
    torch.manual_seed(0)
    tokenizer = BertTokenizer(vocab={word: number for number, word in enumerate(WORDS)}, model_max_length=512)
    return save(folder, BertForMaskedLM(BertConfig(**SHAPE, vocab_size=len(WORDS), initializer_range=0.2)), tokenizer)


def words_tokenizer(marks):
    """A fast tokenizer of single words with the start and end tokens of an architecture."""
    words = {word: number for number, word in enumerate([*marks, *WORDS[5:]])}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token=marks[3]))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    from tokenizers.processors import TemplateProcessing

    tokenizer.post_processor = TemplateProcessing(
        single=f"{marks[0]} $A {marks[2]}", special_tokens=[(marks[0], 0), (marks[2], 2)]
    )
    names = ("cls_token", "pad_token", "eos_token", "unk_token")
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **dict(zip(names, marks, strict=True)))


def roberta(folder):
    config = RobertaConfig(**SHAPE, vocab_size=20, max_position_embeddings=66, pad_token_id=1)
    return save(
        folder, RobertaModel(config, add_pooling_layer=False), words_tokenizer(["<s>", "<pad>", "</s>", "<unk>"])
    )


def distilbert(folder):
    config = DistilBertConfig(dim=16, n_layers=2, n_heads=2, hidden_dim=32, vocab_size=20, max_position_embeddings=64)
    return save(folder, DistilBertModel(config), words_tokenizer(["[CLS]", "[PAD]", "[SEP]", "[UNK]"]))


def modernbert(folder):
    ids = {"pad_token_id": 1, "cls_token_id": 0, "sep_token_id": 2, "bos_token_id": 0, "eos_token_id": 2}
    config = ModernBertConfig(**SHAPE, vocab_size=20, max_position_embeddings=64, **ids)
    return save(folder, ModernBertModel(config), words_tokenizer(["[CLS]", "[PAD]", "[SEP]", "[UNK]"]))


def build(**towers):
    settings = {"sequence": FRESH, "text": FRESH, "dimension": 8, "vocabulary": 100, **towers}
    return ProTrek.build(ModelConfig(**settings), texts=["a kinase"], device="cpu")


def first_tokens(folder, inputs, **options):
    """The first token of the encoder's last layer, by transformers alone."""
    from transformers import AutoModel, AutoTokenizer

    encoder = AutoModel.from_pretrained(folder, **options).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    with torch.no_grad():
        states = [encoder(**tokenizer(each, return_tensors="pt")).last_hidden_state[0, 0] for each in inputs]
    return torch.stack(states)


def assert_projects(model, task, states, inputs):
    dense = model.routes[task][2].linear
    expected = torch.nn.functional.normalize(states @ dense.weight.T + dense.bias, dim=-1).detach().numpy()
    np.testing.assert_allclose(model.encode(inputs, task=task), expected, atol=1e-5)


def test_esm2_and_bert(tmp_path):
    sequence, text = esm(tmp_path / "esm"), bert(tmp_path / "bert")
    model = build(sequence=EncoderConfig(str(sequence)), text=EncoderConfig(str(text)), dimension=24)
    options = {"add_pooling_layer": False}
    assert_projects(model, "sequence", first_tokens(sequence, SEQUENCES, **options), SEQUENCES)
    texts = ["a kinase.", "Binds heme", "unheard"]
    assert_projects(model, "text", first_tokens(text, texts, **options), texts)
    assert model.get_embedding_dimension() == 24
    assert model.history == [
        {"step": "build", "seed": 42, "encoders": {"text": str(text), "sequence": str(sequence)}},
    ]
    assert model.routes["text"][0].max_seq_length == 512
    assert model.routes["sequence"][0].max_seq_length == 100_000
    model.save_pretrained(str(tmp_path / "saved"))
    again = ProTrek.from_pretrained(tmp_path / "saved", device="cpu")
    assert again.fingerprint() == model.fingerprint()
    for task, inputs in (("text", texts), ("sequence", SEQUENCES)):
        np.testing.assert_allclose(again.encode(inputs, task=task), model.encode(inputs, task=task), atol=1e-6)


@pytest.mark.parametrize("make", [roberta, distilbert, modernbert])
def test_other_readers_of_texts(tmp_path, make):
    folder = make(tmp_path / "encoder")
    model = build(text=EncoderConfig(str(folder)))
    options = {"add_pooling_layer": False} if make is roberta else {}
    texts = ["a kinase", "binds heme . heme"]
    assert_projects(model, "text", first_tokens(folder, texts, **options), texts)
    assert model.routes["text"][0].max_seq_length == 64
    assert model.encode("heme " * 100, task="text").shape == (8,), "cut, not refused"
    model.save_pretrained(str(tmp_path / "saved"))
    again = ProTrek.from_pretrained(tmp_path / "saved", device="cpu")
    np.testing.assert_allclose(again.encode(texts, task="text"), model.encode(texts, task="text"), atol=1e-6)


def test_esm_c(tmp_path):
    esmc = pytest.importorskip("transformers.models.esmc.modeling_esmc")
    tokenization = pytest.importorskip("transformers.models.esmc.tokenization_esmc")
    torch.manual_seed(0)
    config = esmc.EsmcConfig(**SHAPE, initializer_range=0.2)
    folder = save(tmp_path / "esmc", esmc.EsmcModel(config), tokenization.EsmcTokenizer())
    model = build(sequence=EncoderConfig(str(folder)))
    assert_projects(model, "sequence", first_tokens(folder, SEQUENCES), SEQUENCES)
    assert model.routes["sequence"][0].max_seq_length == 2048
    model.save_pretrained(str(tmp_path / "saved"))
    again = ProTrek.from_pretrained(tmp_path / "saved", device="cpu")
    np.testing.assert_allclose(
        again.encode(SEQUENCES, task="sequence"), model.encode(SEQUENCES, task="sequence"), atol=1e-6
    )


def test_saprot_reads_sequences_structures_and_both(tmp_path):
    folder = str(esm(tmp_path / "saprot", SAPROT))
    model = build(sequence=EncoderConfig(folder), structure=EncoderConfig(folder))
    states = first_tokens(folder, ["M#K#V#", "MdKvV#", "#d#v"], add_pooling_layer=False)
    assert_projects(model, "sequence", states[:2], ["MKV", "MdKvV#"])
    assert_projects(model, "structure", states[2:], ["dv"])


def test_absolute_positions_end(tmp_path):
    folder = esm(tmp_path / "esm1b", position_embedding_type="absolute", max_position_embeddings=30)
    model = build(sequence=EncoderConfig(str(folder)))
    assert model.routes["sequence"][0].max_seq_length == 28
    np.testing.assert_allclose(
        model.encode("MK" * 50, task="sequence"), model.encode("MK" * 13, task="sequence"), atol=1e-6
    )
    assert build(sequence=EncoderConfig(str(folder), max_tokens=10)).routes["sequence"][0].max_seq_length == 10
    with pytest.raises(OptionError, match="max_tokens = 40: .*esm1b reads 28 at most"):
        build(sequence=EncoderConfig(str(folder), max_tokens=40))
    with pytest.raises(OptionError, match="max_tokens = 2: must be at least 3"):
        EncoderConfig(str(folder), max_tokens=2)


def test_the_seed_decides_the_projection(tmp_path):
    folder = EncoderConfig(str(bert(tmp_path / "bert")))
    first, again, other = (build(text=folder, seed=seed).fingerprint() for seed in (1, 1, 2))
    assert first == again != other


def test_a_head_for_contacts_is_needless(tmp_path):
    from safetensors.torch import load_file, save_file

    folder = esm(tmp_path / "esm")
    tensors = load_file(folder / "model.safetensors")
    bare = {name: tensor for name, tensor in tensors.items() if "contact_head" not in name}
    assert len(bare) < len(tensors)
    save_file(bare, folder / "model.safetensors", metadata={"format": "pt"})
    first, again = (build(sequence=EncoderConfig(str(folder))).fingerprint() for _ in range(2))
    assert first == again
    bare.pop(next(name for name in sorted(bare) if "attention.self.query" in name))
    save_file(bare, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(FileFormatError, match="weights are missing or of another shape: encoder.layer.0.attention"):
        build(sequence=EncoderConfig(str(folder)))


def write_config(folder, **config):
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def test_what_is_no_encoder(tmp_path, capfd):
    (tmp_path / "empty").mkdir()
    gpt = GPT2Model(GPT2Config(n_embd=16, n_layer=1, n_head=2, vocab_size=20, bos_token_id=0, eos_token_id=2))
    foreign = {"model_type": "esmplusplus", "auto_map": {"AutoModel": "x.Y"}}
    old = {"model_type": "bert", "position_embedding_type": "relative_key"}
    cases = [
        (tmp_path / "empty", r"holds no encoder \(config.json is missing\)"),
        (write_config(tmp_path / "foreign", **foreign), "no architecture 'esmplusplus'"),
        (write_config(tmp_path / "none"), "no architecture 'None'"),
        (save(tmp_path / "gpt", gpt, words_tokenizer(MARKS)), "'gpt2' is no encoder of whole inputs"),
        (write_config(tmp_path / "t5", **T5Config().to_dict()), "'t5' is no encoder of whole inputs"),
        (write_config(tmp_path / "old", **old), "position_embedding_type 'relative_key'"),
        (write_config(tmp_path / "bare", model_type="bert"), "does not load"),
    ]
    capfd.readouterr()  # of transformers, which saved one
    for folder, message in cases:
        with pytest.raises(FileFormatError, match=message) as caught:
            build(text=EncoderConfig(str(folder)))
        assert "\n" not in str(caught.value)
    with pytest.raises(MissingFileError, match="give the folder of an encoder"):
        build(text=EncoderConfig(str(tmp_path / "nowhere")))
    with pytest.raises(MissingFileError, match="nor is it a model that the hub gives"):
        build(text=EncoderConfig("some/encoder"))
    assert capfd.readouterr() == ("", "")


def test_tokenizers_that_do_not_fit(tmp_path):
    text = bert(tmp_path / "bert")
    with pytest.raises(FileFormatError, match="the vocabulary lacks A C D"):
        build(sequence=EncoderConfig(str(text)))
    sequence = esm(tmp_path / "esm")
    with pytest.raises(FileFormatError, match="the vocabulary lacks a c d"):
        build(structure=EncoderConfig(str(sequence)))
    (sequence / "vocab.txt").unlink()
    with pytest.raises(FileFormatError, match="does not load"):
        build(sequence=EncoderConfig(str(sequence)))
    more = shutil.copytree(text, tmp_path / "more")
    BertTokenizer(vocab={word: number for number, word in enumerate([*WORDS, "new"])}).save_pretrained(more)
    with pytest.raises(FileFormatError, match="11 tokens, but 10 embeddings"):
        build(text=EncoderConfig(str(more)))
    startless = save(tmp_path / "startless", BertForMaskedLM(BertConfig(**SHAPE, vocab_size=20)), no_start())
    with pytest.raises(FileFormatError, match="begin with no start token"):
        build(text=EncoderConfig(str(startless)))


def no_start():
    tokenizer = Tokenizer(models.WordLevel({"a": 0, "[UNK]": 1, "[PAD]": 2}, unk_token="[UNK]"))
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="[UNK]", pad_token="[PAD]")
