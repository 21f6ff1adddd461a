"""The packed forward pass against the encoders' own, padded and alone; its gradients against theirs."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sentence_transformers.base.modules import Dense, Transformer
from sentence_transformers.sentence_transformer.modules import Pooling
from torch import nn
from transformers import BertConfig, BertModel, EsmConfig, EsmModel

from protrek_hm.deadline import until
from protrek_hm.errors import GivenUpError, OptionError
from protrek_hm.model import packed
from protrek_hm.model.packed import (
    Packing,
    can_pack,
    encode_packed,
    packed_forward,
    packed_tokens,
    padded_forward,
    segment_attention,
    token_batches,
)

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
    for ours, padded in zip(*grads, strict=True):
        assert (ours is None) == (padded is None)
        if ours is not None:
            torch.testing.assert_close(ours, padded, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", ENCODERS)
def test_the_mean_of_all_tokens(name):
    tower = make_tower(name)
    mean = nn.Sequential(tower[0], Pooling(16, pooling_mode="mean"))
    ids = [torch.tensor([0, 5, MASK, 7, 2]), torch.tensor([0, 2]), torch.tensor([0, 9, 9, 4, 4, 4, 2])]
    with torch.no_grad():
        alone = torch.cat([tower[0].model(input_ids=each[None]).last_hidden_state.mean(1) for each in ids])
        torch.testing.assert_close(packed_forward(mean, ids), alone, atol=2e-6, rtol=1e-5)


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
    assert can_pack(nn.Sequential(tower[0], Pooling(16, pooling_mode="mean")))
    assert not can_pack(nn.Sequential(tower[0], Pooling(16, pooling_mode="max"), tower[2]))


@pytest.mark.parametrize("task", ["text", "sequence", "structure"])
def test_padding_any_tower_gives_the_same(model, task):
    tower = model.routes[task]
    ids = [torch.tensor([0, 5, 6, 2]), torch.tensor([0, 7, 2]), torch.tensor([0, 2])]
    with torch.no_grad():
        torch.testing.assert_close(packed_forward(tower, ids), padded_forward(tower, ids), atol=2e-6, rtol=1e-5)


def written_out(query, key, value):
    scores = torch.einsum("qhd,khd->hqk", query, key) / query.shape[-1] ** 0.5
    return torch.einsum("hqk,khd->qhd", scores.softmax(-1), value).flatten(1)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 9)), min_size=1, max_size=6), st.integers(0, 99))
def test_each_segment_for_itself(sizes, seed):
    torch.manual_seed(seed)
    segments = [(torch.randn(asked, 2, 4), *torch.randn(2, keys, 2, 4)) for asked, keys in sizes]
    rows = [torch.cat(part) for part in zip(*segments, strict=True)]
    together = segment_attention(*rows, asked=[asked for asked, _ in sizes], lengths=[keys for _, keys in sizes])
    torch.testing.assert_close(together, torch.cat([written_out(*each) for each in segments]), atol=1e-6, rtol=1e-5)


def test_on_a_cpu_half_precision_is_computed_in_full(monkeypatch):
    torch.manual_seed(0)
    parts = [torch.randn(5, 2, 4, dtype=torch.bfloat16) for _ in range(3)]
    with torch.autocast("cpu", torch.bfloat16):
        found = segment_attention(*parts, asked=[5], lengths=[5])
    torch.testing.assert_close(found, written_out(*(part.float() for part in parts)).bfloat16())


def test_flash_attention_is_told_where_segments_end(monkeypatch):
    """Its own arithmetic needs a GPU; here each segment is computed from the ends that it is given."""

    def varlen_attn(query, key, value, query_ends, key_ends, most_queries, most_keys):
        assert query_ends.dtype == key_ends.dtype == torch.int32
        assert (most_queries, most_keys) == (2, 6)
        pairs = zip(query_ends[:-1], query_ends[1:], key_ends[:-1], key_ends[1:], strict=True)
        parts = [written_out(query[a:b], key[c:d], value[c:d]) for a, b, c, d in pairs]
        return torch.cat(parts).unflatten(1, query.shape[1:])

    varlen = pytest.importorskip("torch.nn.attention.varlen")
    monkeypatch.setattr(varlen, "varlen_attn", varlen_attn)
    query, key, value = torch.randn(3, 2, 8), *torch.randn(2, 10, 2, 8)
    wanted = segment_attention(query, key, value, asked=[1, 2], lengths=[4, 6])
    monkeypatch.setattr(packed, "_has_flash", lambda query: True)
    torch.testing.assert_close(segment_attention(query, key, value, asked=[1, 2], lengths=[4, 6]), wanted)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_flash_attention_agrees():
    torch.manual_seed(0)
    query, key, value = torch.randn(3, 90, 4, 16)
    wanted = segment_attention(query, key, value, asked=[40, 50], lengths=[40, 50])
    found = segment_attention(
        *(part.to("cuda", torch.bfloat16) for part in (query, key, value)), asked=[40, 50], lengths=[40, 50]
    )
    torch.testing.assert_close(found.float().cpu(), wanted, atol=0.02, rtol=0.02)


TASKS = ("text", "sequence", "structure")
SEQUENCES = ["MKV", "MKVLAGGW", "W", "MKV", "ACDEFGHIKLMNPQRSTVWYACDEFGHIKL", "MK<mask>V"]


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.integers(1, 30), max_size=20).map(lambda each: sorted(each, reverse=True)),
    st.integers(1, 60),
    st.none() | st.integers(1, 5),
    st.booleans(),
)
def test_batches_hold_all_in_order_within_the_budget(lengths, budget, most, padded):
    batches = list(token_batches(lengths, budget=budget, most=most, padded=padded))
    assert [at for batch in batches for at in batch] == list(range(len(lengths)))
    for batch in batches:
        size = len(batch) * lengths[batch.start] if padded else sum(lengths[at] for at in batch)
        assert len(batch) == 1 or (size <= budget and len(batch) <= (most or 99))
    for batch, following in zip(batches, batches[1:], strict=False):  # none could have taken one more
        grown = [*batch, following.start]
        size = len(grown) * lengths[batch.start] if padded else sum(lengths[at] for at in grown)
        assert size > budget or len(batch) == most


@pytest.mark.parametrize("task", TASKS)
@settings(max_examples=12, deadline=None)
@given(
    inputs=st.lists(st.text("acdkmg ", max_size=30).map("a{}".format), min_size=1, max_size=12),
    token_budget=st.none() | st.integers(1, 90),
    batch_size=st.integers(1, 6),
)
def test_packed_is_padded(model, task, inputs, token_budget, batch_size):
    inputs = [each if task == "text" else each.replace(" ", "") for each in inputs]
    inputs = [each.upper() if task == "sequence" else each for each in inputs]
    packed = model.encode(inputs, task=task, token_budget=token_budget, batch_size=batch_size)
    np.testing.assert_allclose(packed, model.encode(inputs, task=task, packed=False), atol=1e-6)


def test_each_distinct_input_is_computed_once_within_the_budget(model, monkeypatch):
    seen = []

    def spy(tower, token_ids):
        seen.append([len(each) for each in token_ids])
        return packed.padded_forward(tower, token_ids)

    monkeypatch.setattr(packed, "packed_forward", spy)
    monkeypatch.setattr(packed, "_TOKENIZED_AT_ONCE", 2)
    model.encode(SEQUENCES, task="sequence", token_budget=26)
    assert seen == [[20, 6], [10, 5], [3]]  # <mask> is one token; two inputs are tokenized at a time
    seen.clear()
    model.encode(SEQUENCES, task="sequence", batch_size=1)
    assert sorted(seen) == [[3], [5], [6], [10], [20]]


@pytest.mark.parametrize("inputs", [SEQUENCES, SEQUENCES[:1], [], "MKV", np.array(SEQUENCES), tuple(SEQUENCES)])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"convert_to_tensor": True},
        {"convert_to_numpy": False},
        {"normalize_embeddings": True, "truncate_dim": 3},
        {"truncate_dim": 5, "show_progress_bar": False, "device": "cpu"},
        {"precision": "binary"},
    ],
)
def test_options_are_honoured(model, inputs, options):
    packed = model.encode(inputs, task="sequence", **options)
    padded = model.encode(inputs, task="sequence", packed=False, **options)
    assert type(packed) is type(padded)
    if isinstance(packed, list):
        assert all(isinstance(each, torch.Tensor) for each in packed)
        packed, padded = (np.array([each.numpy() for each in found]) for found in (packed, padded))
    assert packed.dtype == padded.dtype
    assert packed.shape == padded.shape
    np.testing.assert_allclose(packed, padded, atol=1e-6)


@pytest.mark.parametrize(
    "options",
    [{"prompt": "MM"}, {"output_value": "token_embeddings"}, {"processing_kwargs": {"text": {"max_length": 4}}}],
)
def test_what_is_not_packed_goes_the_library_s_way(model, options):
    found = model.encode(["MKVLA", "W"], task="sequence", **options)
    wanted = model.encode(["MKVLA", "W"], task="sequence", packed=False, **options)
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(one, other)
    with pytest.raises(OptionError, match="packed encoding alone"):
        model.encode(["MKVLA", "W"], task="sequence", precision="bf16", **options)


def test_bad_options_are_refused(model):
    with pytest.raises(OptionError, match="precision = 'bf16': packed encoding alone"):
        model.encode(["MKV"], task="sequence", precision="bf16", packed=False)
    with pytest.raises(OptionError, match="token_budget = 0: must be at least 1"):
        model.encode(["MKV"], task="sequence", token_budget=0)
    with pytest.raises(ValueError, match="batch_size"):
        model.encode(["MKV"], task="sequence", batch_size=0)
    with pytest.raises(ValueError, match="'bf17' is not supported"):
        model.encode(["MKV"], task="sequence", precision="bf17")


@pytest.mark.parametrize("task", TASKS)
def test_bfloat16_is_near_and_of_length_one(model, task):
    inputs = ["a kinase", "binds", "g"] if task == "text" else ["ACDKM", "WW", "K"]
    full, reduced = (model.encode(inputs, task=task, precision=each) for each in ("float32", "bf16"))
    assert reduced.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(reduced, axis=1), 1, atol=1e-6)
    assert 1e-6 < np.abs(full - reduced).max() < 0.05


def test_a_tower_that_is_not_known_pads_inputs_of_like_length(model, monkeypatch):
    wanted = model.encode(SEQUENCES, task="sequence", packed=False)
    monkeypatch.setattr(packed, "can_pack", lambda tower: False)
    monkeypatch.setattr(packed, "packed_forward", None)
    np.testing.assert_allclose(model.encode(SEQUENCES, task="sequence", token_budget=12), wanted, atol=1e-6)


def test_encoding_ends_at_the_next_batch_when_nobody_waits_for_it(model):
    asked = []
    with pytest.raises(GivenUpError), until(lambda: asked.append("a batch") or len(asked) == 3):
        model.encode(["MKV", "MKVL", "MKVLA", "MKVLAA"], task="sequence", batch_size=1)
    assert len(asked) == 3


def test_nothing_follows_the_gradient_in_encode_but_everything_may(model):
    assert not model.encode(SEQUENCES, task="sequence", convert_to_tensor=True).requires_grad
    vectors = encode_packed(model.routes["sequence"], SEQUENCES, Packing(), task="sequence", finish=lambda each: each)
    assert vectors.requires_grad
    assert vectors.shape == (6, 8)


@pytest.mark.parametrize("options", [{}, {"packed": False}, {"precision": "bf16"}, {"convert_to_numpy": False}])
def test_inputs_that_are_read_alike_have_equal_vectors_to_the_last_bit(model, monkeypatch, options):
    """In batches of one, of three, and in tokenizing them two at a time: what differs is not read."""
    monkeypatch.setattr(packed, "_TOKENIZED_AT_ONCE", 2)
    computed = []
    forward = packed.packed_forward
    spy = lambda tower, ids: computed.extend(ids) or forward(tower, ids)  # noqa: E731
    monkeypatch.setattr(packed, "packed_forward", spy)
    sequence, text = "ACDEFGHIKLMNPQRSTV", "binds heme a kinase"
    alike = {
        "sequence": [sequence, "MKV", sequence + "A", "WW", sequence + "W" * 30, "M" * 12, sequence],
        "text": [text, "heme", text.upper(), "a", f"  {text}\n", "kinase " * 9, text.replace(" ", "   ")],
    }
    for task, inputs in alike.items():
        computed.clear()
        vectors = model.encode(inputs, task=task, batch_size=3, **options)
        assert len(computed) == (4 if options.get("packed", True) else 0)
        for number in (2, 4, 6):
            assert (vectors[number] == vectors[0]).all(), (task, number)
        assert len({tuple(each.tolist()) for each in vectors}) == 4
        alone = model.encode([inputs[1]], task=task, **options)
        np.testing.assert_allclose(alone[0], vectors[1], atol=1e-2 if options.get("precision") else 1e-6)


@pytest.mark.numeric
def test_the_order_of_inputs_changes_no_digit(model, monkeypatch):
    monkeypatch.setattr(packed, "_TOKENIZED_AT_ONCE", 4)
    rng = np.random.default_rng(0)
    inputs = ["".join(rng.choice(list("ACDEFGHIKL"), length)) for length in (9, 9, 9, 5, 5, 5, 5, 12, 3, 3, 3)]
    vectors = model.encode(inputs, task="sequence", token_budget=30)
    order = rng.permutation(len(inputs))
    turned = model.encode([inputs[each] for each in order], task="sequence", token_budget=30)
    np.testing.assert_array_equal(turned, vectors[order])


@pytest.mark.slow
def test_a_pool_of_processes_gives_the_same(model):
    wanted = model.encode(SEQUENCES, task="sequence")
    pool = model.start_multi_process_pool(["cpu", "cpu"])
    try:
        for options in ({}, {"packed": False}, {"precision": "bf16"}):
            found = model.encode(SEQUENCES, task="sequence", pool=pool, chunk_size=2, **options)
            np.testing.assert_allclose(found, wanted, atol=0.05 if options.get("precision") else 1e-6)
            assert (found[0] == found[3]).all()
    finally:
        model.stop_multi_process_pool(pool)


@pytest.mark.slow
def test_the_example_of_the_document_runs():
    text = (Path(__file__).parents[2] / "docs" / "encoding.md").read_text(encoding="utf-8")
    [python] = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    run = subprocess.run([sys.executable, "-c", python], capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    assert run.stdout == "True True\n"
