"""A model of three tiny towers, in memory and saved; and one in ProTrek's own layout, saved by restated classes."""

import json

import pytest
import torch
from torch import nn
from transformers import BertConfig, BertModel, BertTokenizer, EsmConfig, EsmForMaskedLM, EsmTokenizer

TEXTS = [
    "A kinase that phosphorylates glucose.",
    "A lyase that cleaves citrate.",
    "Binds heme; transports oxygen.",
]


@pytest.fixture(scope="session")
def config():
    from protrek_hm.model import ModelConfig, TowerConfig

    tower = TowerConfig(layers=2, hidden=16, heads=2, max_tokens=20)
    return ModelConfig(sequence=tower, text=tower, structure=tower, dimension=8, vocabulary=120, temperature=0.05)


@pytest.fixture(scope="session")
def model(config):
    from protrek_hm.model import ProTrek

    return ProTrek.build(config, texts=TEXTS, device="cpu")


@pytest.fixture(scope="session")
def saved(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "tiny"
    model.save_pretrained(str(folder))
    return folder


# ProTrek's own classes, restated: what `model.state_dict()` of westlake-repl/ProTrek holds, and how it encodes
ESM2_VOCABULARY = ["<cls>", "<pad>", "<eos>", "<unk>", *"LAGVSERTIDPKQNFYMHWCXBUZO.-", "<null_1>", "<mask>"]
FOLDSEEK_VOCABULARY = ["<cls>", "<pad>", "<eos>", "<unk>", *"pynwrqhgdlvtmfsaeikc#", "<mask>"]
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "kinase", "lyase", "binds", "heme", ".", "##s", "glucose"]
FOLDERS = {
    "sequence": "esm2_t3_tiny",
    "text": "BiomedNLP-PubMedBERT-base-uncased-abstract-fulltext",
    "structure": "foldseek_t2_tiny",
}


class RestatedTower(nn.Module):
    """One of ProTrek's three encoders: `model`, `out`, first token, ESM's or BERT's own tokenizer."""

    def __init__(self, folder, dimension, *, old_buffers):
        super().__init__()
        self.is_text = json.loads((folder / "config.json").read_text())["model_type"] == "bert"
        if self.is_text:
            config = BertConfig.from_pretrained(folder)
            self.model = BertModel(config, add_pooling_layer=False)
            self.tokenizer = BertTokenizer.from_pretrained(folder)
        else:
            config = EsmConfig.from_pretrained(folder)
            self.model = EsmForMaskedLM(config)
            self.model.esm.contact_head = None
            self.tokenizer = EsmTokenizer.from_pretrained(folder)
        self.out = nn.Linear(config.hidden_size, dimension)
        if old_buffers:
            self._save_what_transformers_4_28_saves()

    def _save_what_transformers_4_28_saves(self):
        encoder = self.model if self.is_text else self.model.esm
        encoder.embeddings._non_persistent_buffers_set.discard("position_ids")
        if not self.is_text:
            encoder._load_state_dict_pre_hooks.clear()
            encoder.rotary_embeddings._non_persistent_buffers_set.add("inv_freq")
            for layer in encoder.encoder.layer:
                layer.attention.self.rotary_embeddings = nn.Module()
                layer.attention.self.rotary_embeddings.register_buffer(
                    "inv_freq", encoder.rotary_embeddings.inv_freq.clone()
                )

    @torch.no_grad()
    def get_repr(self, inputs, batch_size=64):
        options = {"truncation": True, "max_length": 512} if self.is_text else {}
        vectors = []
        for start in range(0, len(inputs), batch_size):
            tokens = self.tokenizer(inputs[start : start + batch_size], return_tensors="pt", padding=True, **options)
            encoder = self.model if self.is_text else self.model.esm
            vectors.append(self.out(encoder(**tokens).last_hidden_state[:, 0]))
        return nn.functional.normalize(torch.cat(vectors), dim=-1).numpy()


class Restated:
    """ProTrek's model over the folders of its layout; `towers` by route, `model` is what is saved."""

    def __init__(self, folder, *, dimension=12, old_buffers=True, structure=True):
        routes = list(FOLDERS)[: 3 if structure else 2]
        self.towers = {
            route: RestatedTower(next(folder.glob(pattern)), dimension, old_buffers=old_buffers).eval()
            for route, pattern in zip(FOLDERS, ("esm2_*", "[bB]*", "foldseek_*"), strict=True)
            if route in routes
        }
        self.temperature = nn.Parameter(torch.tensor(0.0187))
        self.model = nn.ParameterList([self.temperature, *self.towers.values()])


def write_tower_folders(folder):
    """Settings and vocabularies of three small towers, in the words that ProTrek's folders use."""
    esm = {
        "architectures": ["EsmForMaskedLM"],
        "model_type": "esm",
        "num_attention_heads": 4,
        "max_position_embeddings": 1026,
        "position_embedding_type": "rotary",
        "token_dropout": True,
        "emb_layer_norm_before": False,
        "layer_norm_eps": 1e-05,
        "attention_probs_dropout_prob": 0.0,
        "hidden_dropout_prob": 0.0,
        "initializer_range": 0.2,
        "pad_token_id": 1,
        "torch_dtype": "float32",
        "transformers_version": "4.28.0",
        "esmfold_config": None,
        "vocab_list": None,
        "is_folding_model": False,
    }
    configs = {
        "sequence": {**esm, "hidden_size": 32, "num_hidden_layers": 3, "intermediate_size": 64, "mask_token_id": 32},
        "structure": {**esm, "hidden_size": 16, "num_hidden_layers": 2, "intermediate_size": 32, "mask_token_id": 25},
        "text": {
            "architectures": ["BertForMaskedLM"],
            "model_type": "bert",
            "hidden_size": 24,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "intermediate_size": 48,
            "max_position_embeddings": 512,
            "initializer_range": 0.2,
            "hidden_dropout_prob": 0.1,
            "type_vocab_size": 2,
            "pad_token_id": 0,
        },
    }
    vocabularies = {"sequence": ESM2_VOCABULARY, "structure": FOLDSEEK_VOCABULARY, "text": WORDS}
    for route, name in FOLDERS.items():
        (folder / name).mkdir(parents=True)
        config = {**configs[route], "vocab_size": len(vocabularies[route])}
        (folder / name / "config.json").write_text(json.dumps(config))
        (folder / name / "vocab.txt").write_text("\n".join(vocabularies[route]) + "\n")


@pytest.fixture(scope="session")
def restated():
    """The restated classes: `restated(folder)`, over folders such as `official_folders` makes."""
    return Restated


@pytest.fixture(scope="session")
def official_folders():
    return write_tower_folders


@pytest.fixture(scope="session")
def official(tmp_path_factory):
    """A small ProTrek with random weights in ProTrek's own layout, and the restated model that it was saved from."""
    folder = tmp_path_factory.mktemp("weights") / "ProTrek_tiny"
    write_tower_folders(folder)
    torch.manual_seed(1)
    original = Restated(folder)
    for name, each in original.model.named_parameters():  # biases and norms are zeros and ones when fresh
        if each.ndim == 1:
            nn.init.normal_(each, mean=float("norm" in name.lower() and name.endswith("weight")), std=0.2)
    torch.save({"model": original.model.state_dict()}, folder / "ProTrek_tiny.pt")
    return folder, original


@pytest.fixture(scope="session")
def as_meant():
    """Says of a saved model that was changed by hand that the change is meant, as the message tells to."""

    def as_meant(folder):
        settings = json.loads((folder / "protrek.json").read_text())
        for key in ("files", "sha256"):
            settings.pop(key, None)
        (folder / "protrek.json").write_text(json.dumps(settings))

    return as_meant
