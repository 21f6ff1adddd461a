"""Attention by segments against softmax written out, one query and one head at a time."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from protrek_hm.model import packed_attention
from protrek_hm.model.packed_attention import segment_attention


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
    monkeypatch.setattr(packed_attention, "_has_flash", lambda query: True)
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
