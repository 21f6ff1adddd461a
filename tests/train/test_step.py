"""Parts, caches, packing and little memory: the same loss and the same gradients as everything at once."""

import math

import numpy as np
import polars as pl
import pytest
import torch

from protrek_hm.errors import ModelError
from protrek_hm.model import ModelConfig, ProTrek, TowerConfig
from protrek_hm.train import TrainConfig, validation
from protrek_hm.train.batches import Batches, Collator, mask_tokens
from protrek_hm.train.examples import read_examples
from protrek_hm.train.objectives import Objective
from protrek_hm.train.step import BatchEncoder, Step, guessing_loss, layers_computed_again
from protrek_hm.train.validation import Perplexity

ROLES = ["text", "positive", "negative"]


def make_model():
    tower = TowerConfig(layers=2, hidden=16, heads=2, max_tokens=20)
    texts = ["Binds potassium.", "Carries heme.", "Recognises tryptophan."]
    return ProTrek.build(
        ModelConfig(sequence=tower, text=tower, dimension=8, vocabulary=100), texts=texts, device="cpu"
    )


def loss_and_gradients(model, triplets, *, dropout=0.0, **settings):
    """Return what a step over all triplets gives."""
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = dropout
    config = TrainConfig(objective="triplet", **settings)
    examples = read_examples(triplets, ROLES, name="table")
    batch = Collator(model, examples, config, Batches(18, 18, seed=0))(range(18))
    model.train()
    model.zero_grad()
    torch.manual_seed(0)
    with layers_computed_again(model, enabled=config.checkpoint_layers):
        parts = Step(model, Objective(examples, config, temperature=0.1), config)(batch)
    gradients = {name: weight.grad.clone() for name, weight in model.named_parameters() if weight.grad is not None}
    return parts["triplet"].item(), gradients


def agree(one, other, tolerance=1e-5):
    assert one[0] == pytest.approx(other[0], abs=tolerance)
    assert one[1].keys() == other[1].keys()
    for name, gradient in one[1].items():
        torch.testing.assert_close(gradient, other[1][name], atol=tolerance, rtol=1e-3)


def by_autograd(model, triplets):
    """The plain way: one graph from the tokens to the loss, each column on its own."""
    model.train()
    model.zero_grad()
    vectors = []
    for column, task in (("anchor_text", "text"), ("anchor_seq", "sequence"), ("hard_neg_seq", "sequence")):
        features = model.preprocess(triplets[column].to_list(), task=task)
        vectors.append(model({**features, "task": task})["sentence_embedding"])
    text, positive, negative = vectors
    loss = torch.relu((text * negative).sum(1) - (text * positive).sum(1) + 0.2).mean()
    loss.backward()
    return loss.item(), {name: w.grad.clone() for name, w in model.named_parameters() if w.grad is not None}


@pytest.mark.parametrize(
    "settings",
    [
        {"encoding": "columns"},
        {},
        {"tokens": 15},
        {"tokens": 15, "cache": True},
        {"checkpoint_layers": True},
    ],
)
def test_every_way_is_the_plain_way(triplets, settings):
    model = make_model()
    agree(loss_and_gradients(model, triplets, **settings), by_autograd(model, triplets))


def test_columns_are_the_plain_way_to_the_last_bit(triplets):
    model = make_model()
    loss, gradients = loss_and_gradients(model, triplets, encoding="columns")
    expected, by_hand = by_autograd(model, triplets)
    assert loss == expected
    assert all(torch.equal(gradient, by_hand[name]) for name, gradient in gradients.items())


def test_half_precision_is_near(triplets):
    model = make_model()
    half, full = (loss_and_gradients(model, triplets, precision=precision) for precision in ("bf16", "fp32"))
    agree(half, full, tolerance=0.02)
    assert all(gradient.dtype == torch.float32 for gradient in half[1].values())
    assert half[0] != full[0]


def test_dropout_is_the_same_when_computed_again(triplets):
    runs = [loss_and_gradients(make_model(), triplets, dropout=0.3, tokens=40, cache=cache) for cache in (True, False)]
    agree(*runs)


def failing(monkeypatch, *, above, during):
    """Let memory run out where more than so many inputs are encoded at once, with or without a graph."""
    whole = BatchEncoder._forward

    def forward(self, task, features):
        graph = torch.is_grad_enabled()
        if len(features["input_ids"]) > above and (during == "always" or (during == "backward") == self.cache):
            raise RuntimeError(
                "[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory: 9 bytes"
            )
        assert graph or self.cache
        return whole(self, task, features)

    monkeypatch.setattr(BatchEncoder, "_forward", forward)


@pytest.mark.parametrize("cache", [False, True])
def test_the_run_goes_on_in_smaller_parts(triplets, monkeypatch, caplog, cache):
    model = make_model()
    expected = by_autograd(model, triplets)
    failing(monkeypatch, above=3, during="always")
    agree(loss_and_gradients(model, triplets, cache=cache), expected)
    assert "out of memory: going on with" in caplog.text


def test_memory_that_runs_out_on_the_way_back(triplets, monkeypatch):
    model = make_model()
    expected = by_autograd(model, triplets)
    whole, failures = BatchEncoder._backward, []

    def backward(self, gradients):
        whole(self, gradients)
        if len(failures) < 2:  # after gradients have been added
            failures.append(self.tokens)
            raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(BatchEncoder, "_backward", backward)
    agree(loss_and_gradients(model, triplets), expected)
    assert len(failures) == 2


def test_a_single_input_too_large(triplets, monkeypatch):
    failing(monkeypatch, above=0, during="always")
    with pytest.raises(
        ModelError, match="memory does not hold a single input of .* tokens .*; use --checkpoint-layers"
    ):
        loss_and_gradients(make_model(), triplets)


def test_other_errors_are_not_hidden(triplets, monkeypatch):
    def forward(*_args):
        raise RuntimeError("size mismatch")

    monkeypatch.setattr(BatchEncoder, "_forward", forward)
    with pytest.raises(RuntimeError, match="size mismatch"):
        loss_and_gradients(make_model(), triplets)


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
