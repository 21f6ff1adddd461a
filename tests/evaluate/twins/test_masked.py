"""Masked marginals against one masked forward pass at a time, with a tiny random model in ESM-2's layout."""

import numpy as np
import pytest
import torch
from transformers import EsmConfig, EsmForMaskedLM, EsmModel, EsmTokenizer

from protrek_hm.errors import FileFormatError, MissingFileError
from protrek_hm.evaluate.twins import masked
from protrek_hm.evaluate.twins.masked import masked_marginals
from protrek_hm.evaluate.twins.run import evaluate_twins

VOCABULARY = ["<cls>", "<pad>", "<eos>", "<unk>", *"LAGVSERTIDPKQNFYMHWCXBUZO.-", "<null_1>", "<mask>"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("esm2_t1_tiny")
    (place / "vocab.txt").write_text("\n".join(VOCABULARY))
    torch.manual_seed(0)
    config = EsmConfig(
        vocab_size=len(VOCABULARY), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
        pad_token_id=1, mask_token_id=32, position_embedding_type="rotary", token_dropout=True, initializer_range=0.4,
    )  # fmt: skip
    EsmForMaskedLM(config).save_pretrained(place)
    EsmTokenizer(str(place / "vocab.txt")).save_pretrained(place)
    return place


def one_by_one(folder, mutant, wild):
    model, tokenizer = EsmForMaskedLM.from_pretrained(folder).eval(), EsmTokenizer.from_pretrained(folder)
    total = 0.0
    for at, (one, other) in enumerate(zip(wild, mutant, strict=True)):
        if one != other:
            tokens = tokenizer(wild, return_tensors="pt")
            tokens["input_ids"][0, at + 1] = tokenizer.mask_token_id
            with torch.no_grad():
                odds = model(**tokens).logits[0, at + 1].double().log_softmax(-1)
            code = tokenizer.convert_tokens_to_ids
            total += float(odds[code(one)] - odds[code(other)])
    return total


def test_they_are_those_of_single_passes(folder):
    pairs = {"MAVKLLT": "MKVKLLT", "MKVW": "MKVK", "MAVW": "MKVK", "MKVK": "MKVK"}
    found = masked_marginals(folder, pairs, batch_size=2)
    assert found["MKVK"] == 0.0
    for mutant, wild in pairs.items():
        assert found[mutant] == pytest.approx(one_by_one(folder, mutant, wild), abs=1e-5)
    assert len({round(each, 4) for each in found.values()}) == 4


def test_of_a_long_protein_the_model_sees_what_is_around(folder, monkeypatch):
    monkeypatch.setattr(masked, "MOST_RESIDUES", 6)
    wild = "MKVAAAAAAAWLT"
    found = masked_marginals(folder, {wild[:12] + "R": wild, "R" + wild[1:]: wild})
    assert found[wild[:12] + "R"] == pytest.approx(one_by_one(folder, "AAAWLR", "AAAWLT"), abs=1e-5)
    assert found["R" + wild[1:]] == pytest.approx(one_by_one(folder, "RKVAAA", "MKVAAA"), abs=1e-5)


def test_it_is_a_baseline_more(cases, blind, folder, quick_board):
    board = evaluate_twins({"g": blind("none")}, cases, quick_board, train=cases, masked=folder)
    [row] = [row for row in board.rows if row.name == "masked marginals"]
    assert set(row.estimates["test"]) == {"all", "curated", "scans"}
    assert np.isfinite(row.scores[:, 0]).all()


def test_a_folder_without_a_head_is_told(folder, tmp_path):
    with pytest.raises(MissingFileError, match="masked-language head"):
        masked_marginals(tmp_path / "none", {})
    with pytest.raises(FileFormatError, match="no masked language model"):
        masked_marginals(tmp_path, {})
    EsmModel.from_pretrained(folder, add_pooling_layer=False).save_pretrained(tmp_path)
    EsmTokenizer.from_pretrained(folder).save_pretrained(tmp_path)
    with pytest.raises(FileFormatError, match="has no masked-language head"):
        masked_marginals(tmp_path, {})
