from itertools import product

import numpy as np
import pytest

from protrek_hm.errors import ModelError
from protrek_hm.model import ProTrek
from protrek_hm.model.encoder import Encoder, read_once, unit_vectors


def test_vectors_are_float32_of_length_one(letter_encoder):
    vectors = unit_vectors(letter_encoder(), ["AAC", "DDDD"], task="sequence")
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors[:, :3], [[2 / 5**0.5, 1 / 5**0.5, 0], [0, 0, 1]], rtol=1e-6)


def test_a_vector_without_direction_is_refused(letter_encoder):
    with pytest.raises(ModelError, match=r"base gives no usable vector for text '123' \(2 such\)"):
        unit_vectors(letter_encoder(), ["AC", "123", "456"], task="text", name="base")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_one_number_that_is_none_is_found_wherever_it_stands(value):
    names = [f"protein {row}" for row in range(5)]

    class Damaged:
        def encode(self, inputs, /, **_):
            return vectors[[names.index(each) for each in inputs]]

    for row, column in product(range(5), range(3)):
        vectors = np.ones((5, 3))
        vectors[row, column] = value
        with pytest.raises(ModelError, match=rf"for text 'protein {row}' \(1 such\)"):
            unit_vectors(Damaged(), [*names, names[0]], task="text")


def test_a_protrek_is_an_encoder(model):
    assert isinstance(model, ProTrek)
    assert isinstance(model, Encoder)
    assert unit_vectors(model, ["MKV", "MKV"], task="sequence").shape == (2, 8)


def test_each_distinct_input_is_encoded_once(letter_encoder):
    encoder = letter_encoder()
    vectors = unit_vectors(encoder, ["AC", "C", "AC"], task="text")
    assert encoder.encoded == ["AC", "C"]
    assert np.array_equal(vectors, unit_vectors(letter_encoder(), ["AC", "C"], task="text")[[0, 1, 0]])


def test_a_task_that_the_model_lacks_is_named(letter_encoder):
    with pytest.raises(ModelError, match="base has no route for 'structure'; it encodes text, sequence"):
        unit_vectors(letter_encoder(tasks=("text", "sequence")), ["dv"], task="structure", name="base")


def test_what_the_model_reads_alike_is_read_once(model):
    assert read_once(model, ["A Kinase", "a kinase", "lyase"], task="text") == (["A Kinase", "lyase"], [0, 0, 1])
