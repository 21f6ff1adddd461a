"""Masked residues guessed, packed or padded, against the formula and the library's own forward pass."""

import math

import numpy as np
import polars as pl
import pytest
import torch

from protrek_hm.train import validation
from protrek_hm.train.batches import Batches, Collator
from protrek_hm.train.config import TrainConfig
from protrek_hm.train.examples import read_examples
from protrek_hm.train.masking import guessing_loss, mask_tokens
from protrek_hm.train.validation import Perplexity

SEQUENCES = ["MKVLAG", "MEEKWWPQRSTV", "MA"]


def masked_tokens(model, sequences, seed=0):
    features = model.preprocess(sequences, task="sequence")
    features = {name: features[name] for name in ("input_ids", "attention_mask")}
    rngs = [np.random.default_rng([seed, number]) for number in range(len(sequences))]
    return mask_tokens(features, model.routes["sequence"][0].tokenizer, rngs=rngs)


def by_hand(model, masked):
    """Sum -log softmax(hidden · embeddings), a residue at a time, each sequence alone in the encoder."""
    encoder = model.routes["sequence"][0].model
    embeddings = encoder.get_input_embeddings().weight
    total, asked = 0.0, 0
    for ids, real, labels in zip(*masked.values(), strict=True):
        length = real.sum()
        hidden = encoder(input_ids=ids[None, :length]).last_hidden_state[0]
        for place in (labels[:length] != -100).nonzero().flatten():
            scores = [math.exp(hidden[place] @ each) for each in embeddings]
            total -= math.log(scores[labels[place]] / sum(scores))
            asked += 1
    return total, asked


@pytest.mark.parametrize("packed", [True, False])
def test_the_loss_is_the_formula_s(base, packed):
    masked = masked_tokens(base.eval(), SEQUENCES)
    with torch.no_grad():
        total, asked = by_hand(base, masked)
        assert asked >= len(SEQUENCES)
        assert guessing_loss(base, masked, packed=packed).item() == pytest.approx(total, abs=1e-4)


def test_packed_or_padded_the_gradients_are_the_same(base):
    masked = masked_tokens(base.eval(), SEQUENCES)
    weights = [weight for name, weight in base.routes["sequence"][0].named_parameters() if "contact" not in name]
    both = [torch.autograd.grad(guessing_loss(base, masked, packed=packed), weights) for packed in (True, False)]
    for packed, padded in zip(*both, strict=True):
        torch.testing.assert_close(packed, padded, atol=1e-5, rtol=1e-4)


def test_perplexity_counts_each_distinct_sequence_once_however_they_are_cut(base, monkeypatch):
    masked = masked_tokens(base.eval(), sorted(SEQUENCES, key=len), seed=7)
    with torch.no_grad():
        total, asked = by_hand(base, masked)
    for tokens, at_once in ((8, 1_000), (4_096, 1_000), (4_096, 2)):
        monkeypatch.setattr(validation, "_AT_ONCE", at_once)
        measured = Perplexity([*SEQUENCES, SEQUENCES[0]], tokens=tokens, seed=7)(base.train())
        assert base.training, "left as it was"
        assert measured["loss"] == pytest.approx(total / asked, abs=1e-5)
        assert measured["perplexity"] == pytest.approx(math.exp(total / asked), rel=1e-5)
        assert measured["score"] == -measured["loss"]


def test_the_masks_of_a_sequence_depend_on_no_other(base):
    """So several processes mask as one does, whichever of the rows are theirs."""
    examples = read_examples(pl.DataFrame({"sequence": SEQUENCES}), ["positive"], name="table")
    collate = Collator(base, examples, TrainConfig(objective="masked"), Batches(3, 3, seed=0))
    together = collate([0, 1, 2])
    assert together["inputs"] == {} == together["index"], "no vector is asked for"
    for row, number in enumerate(examples.roles["positive"]):
        alone = collate([row])["masked"]
        length = alone["input_ids"].shape[1]
        assert alone["labels"][0].tolist() == together["masked"]["labels"][number][:length].tolist()
        assert alone["input_ids"][0].tolist() == together["masked"]["input_ids"][number][:length].tolist()
