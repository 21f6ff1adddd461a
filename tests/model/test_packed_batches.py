"""Packed `encode` against SentenceTransformer's own; batches against their budget."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from protrek_hm.deadline import until
from protrek_hm.errors import GivenUpError, OptionError
from protrek_hm.model import packed_batches
from protrek_hm.model.packed_batches import Packing, encode_packed, token_batches

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
        return packed_batches.padded_forward(tower, token_ids)

    monkeypatch.setattr(packed_batches, "packed_forward", spy)
    monkeypatch.setattr(packed_batches, "_TOKENIZED_AT_ONCE", 2)
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
    monkeypatch.setattr(packed_batches, "can_pack", lambda tower: False)
    monkeypatch.setattr(packed_batches, "packed_forward", None)
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
    monkeypatch.setattr(packed_batches, "_TOKENIZED_AT_ONCE", 2)
    computed = []
    forward = packed_batches.packed_forward
    spy = lambda tower, ids: computed.extend(ids) or forward(tower, ids)  # noqa: E731
    monkeypatch.setattr(packed_batches, "packed_forward", spy)
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
    monkeypatch.setattr(packed_batches, "_TOKENIZED_AT_ONCE", 4)
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
