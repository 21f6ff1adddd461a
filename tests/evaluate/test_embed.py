"""Encoding: order, once each, unit length."""

import numpy as np
import pytest

from protrek_hm.errors import FileFormatError
from protrek_hm.evaluate.cases import make_pool
from protrek_hm.evaluate.embed import encode_pool, encode_sorted


def test_longest_first_in_given_order_back(letter_encoder):
    encoder = letter_encoder()
    items = ["KR", "KKKK", "R", "RRK"]
    vectors = encode_sorted(encoder, items, task="sequence")
    assert encoder.encoded == ["KKKK", "RRK", "KR", "R"]
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1.0)
    for item, vector in zip(items, vectors, strict=True):
        assert vector == pytest.approx(encode_sorted(letter_encoder(), [item], task="sequence")[0])


def test_every_distinct_input_once(oracle, hard, easy):
    pool = make_pool([hard, easy])
    encode_pool(oracle, pool, name="oracle")
    assert sorted(oracle.encoded) == sorted({*hard["anchor_text"], *hard["anchor_seq"]})


def test_zero_vectors_stay_zero(letter_encoder):
    assert not encode_sorted(letter_encoder(), ["???"], task="text").any()


def test_nan_is_an_error_that_names_the_model():
    class Broken:
        def encode(self, inputs, /, *, task, batch_size, show_progress_bar):
            return np.full((len(inputs), 2), np.nan)

    with pytest.raises(FileFormatError, match=r"tuned: its text encoder gives NaN"):
        encode_sorted(Broken(), ["a"], task="text", name="tuned")
