import numpy as np
import pytest

from protrek_hm.errors import ModelError
from protrek_hm.index.encoder import encode_unit


def test_vectors_are_float32_of_length_one(letter_encoder):
    vectors = encode_unit(letter_encoder(), ["AAC", "DDDD"], task="sequence")
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors[:, :3], [[2 / 5**0.5, 1 / 5**0.5, 0], [0, 0, 1]], rtol=1e-6)


def test_a_vector_without_direction_is_refused(letter_encoder):
    with pytest.raises(ModelError, match=r"no usable vector for text '123' \(2 such\)"):
        encode_unit(letter_encoder(), ["AC", "123", "456"], task="text")


def test_a_missing_route_is_named(letter_encoder):
    with pytest.raises(ModelError, match="no route for 'structure'; it encodes text, sequence"):
        encode_unit(letter_encoder(tasks=("text", "sequence")), ["dv"], task="structure")
