"""The packed forward pass against the encoders' own, padded and alone; its gradients against theirs."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sentence_transformers.base.modules import Dense, Transformer
from sentence_transformers.sentence_transformer.modules import Pooling
from torch import nn
from transformers import BertConfig, BertModel, EsmConfig, EsmModel

from protrek_hm.model.packed import can_pack, packed_forward, packed_tokens, padded_forward

SIZES = {"vocab_size": 30, "hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 24}
MASK = 29
ENCODERS = {
    "esm-2": (EsmModel, EsmConfig, {"position_embedding_type": "rotary", "token_dropout": True}),
    "esm-1b": (EsmModel, EsmConfig, {"token_dropout": True, "emb_layer_norm_before": True}),
    "bert": (BertModel, BertConfig, {"hidden_act": "relu"}),
}


def make_tower(name):
    """Put an encoder, with weights of a size that tells, into a tower that needs no tokenizer."""
    model, config, options = ENCODERS[name]
    torch.manual_seed(1)
    settings = {**SIZES, "max_position_embeddings": 64, "pad_token_id": 1, "initializer_range": 0.3, **options}
    encoder = model(
        config(**settings, **({"mask_token_id": MASK} if model is EsmModel else {})), add_pooling_layer=False
    )
    transformer = Transformer.__new__(Transformer)
    nn.Module.__init__(transformer)
    transformer.model = encoder
    return nn.Sequential(transformer, Pooling(16, pooling_mode="cls"), Dense(16, 5)).eval()


TOWERS = {name: make_tower(name) for name in ENCODERS}
tokens = st.lists(st.sampled_from([0, *range(3, 20), MASK]), min_size=1, max_size=40)


def first_tokens(tower, ids, *, padded):
    """Do what the library does: all in a padded table, or each input alone."""
    transformer, _, dense = tower
    if padded:
        table = nn.utils.rnn.pad_sequence(ids, batch_first=True, padding_value=1)
        hidden = transformer.model(input_ids=table, attention_mask=(table != 1).long()).last_hidden_state[:, 0]
    else:
        hidden = torch.cat([transformer.model(input_ids=each[None]).last_hidden_state[:, 0] for each in ids])
    return dense({"sentence_embedding": hidden})["sentence_embedding"]


@pytest.mark.parametrize("name", ENCODERS)
@settings(max_examples=25, deadline=None)
@given(st.lists(tokens, min_size=1, max_size=6))
def test_it_is_the_encoder_s_own_forward(name, inputs):
    ids = [torch.tensor(each) for each in inputs]
    tower = TOWERS[name]
    if name != "bert":  # a wholly masked input is zeros over zero
        ids = [torch.cat([each, each.new_tensor([5])]) for each in ids]
    with torch.no_grad():
        found = packed_forward(tower, ids)
        for padded in (True, False):
            torch.testing.assert_close(found, first_tokens(tower, ids, padded=padded), atol=2e-6, rtol=1e-5)


@pytest.mark.parametrize("name", ENCODERS)
def test_all_tokens_are_those_of_each_input_alone(name):
    ids = [torch.tensor(each) for each in ([0, 5, MASK, 7, 2], [0, 2], [0, 9, 9, 4, 4, 4, 2])]
    encoder = TOWERS[name][0].model
    with torch.no_grad():
        alone = torch.cat([encoder(input_ids=each[None]).last_hidden_state[0] for each in ids])
        torch.testing.assert_close(packed_tokens(TOWERS[name], ids), alone, atol=2e-6, rtol=1e-5)


@pytest.mark.parametrize("name", ENCODERS)
def test_gradients_are_those_of_the_padded_pass(name):
    tower = make_tower(name)
    ids = [torch.tensor([0, 5, MASK, 7, 2]), torch.tensor([0, 2]), torch.tensor([0, 9, 9, 4, 4, 4, 2])]
    weights = [weight for part, weight in tower.named_parameters() if "contact_head" not in part]
    grads = []
    for vectors in (packed_forward(tower, ids), first_tokens(tower, ids, padded=True)):
        grads.append(torch.autograd.grad(vectors.pow(3).sum(), weights, allow_unused=True))
    for packed, padded in zip(*grads, strict=True):
        assert (packed is None) == (padded is None)
        if packed is not None:
            torch.testing.assert_close(packed, padded, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", ENCODERS)
def test_weights_of_another_type(name):
    tower, ids = make_tower(name), [torch.tensor([0, 5, 6, 2]), torch.tensor([0, 2])]
    with torch.no_grad():
        full, half = packed_forward(tower, ids), packed_forward(tower.to(torch.bfloat16), ids)
    assert half.dtype == torch.bfloat16
    assert torch.cosine_similarity(full, half.float()).min() > 0.99


def test_dropout_is_on_while_training():
    tower, ids = make_tower("bert"), [torch.tensor([0, 5, 6, 2])]
    assert torch.equal(packed_forward(tower, ids), packed_forward(tower, ids))
    tower.train()
    assert not torch.equal(packed_forward(tower, ids), packed_forward(tower, ids))


def test_adapters_in_the_encoder_count():
    tower, ids = make_tower("esm-2"), [torch.tensor([0, 5, 6, 2]), torch.tensor([0, 2])]
    attention = tower[0].model.encoder.layer[1].attention.self
    attention.query = nn.Sequential(attention.query, nn.Linear(16, 16))
    with torch.no_grad():
        torch.testing.assert_close(packed_forward(tower, ids), first_tokens(tower, ids, padded=True))


@pytest.mark.parametrize("name", ENCODERS)
def test_what_is_known(name):
    tower = make_tower(name)
    assert can_pack(tower)
    assert not can_pack(tower[0])
    assert not can_pack(nn.Sequential(tower[0], Pooling(16, pooling_mode="mean"), tower[2]))


@pytest.mark.parametrize("task", ["text", "sequence", "structure"])
def test_padding_any_tower_gives_the_same(model, task):
    tower = model.routes[task]
    ids = [torch.tensor([0, 5, 6, 2]), torch.tensor([0, 7, 2]), torch.tensor([0, 2])]
    with torch.no_grad():
        torch.testing.assert_close(packed_forward(tower, ids), padded_forward(tower, ids), atol=2e-6, rtol=1e-5)
