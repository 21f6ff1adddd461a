"""Encoding: order, once each, unit length."""

import numpy as np
import pytest

from protrek_hm.errors import ModelError
from protrek_hm.evaluate.cases import make_pool
from protrek_hm.evaluate.embed import encode_pool


def test_every_distinct_input_once_in_order(oracle, hard, easy):
    pool = make_pool([hard, easy])
    embeddings = encode_pool(oracle, pool, name="oracle")
    assert sorted(oracle.encoded) == sorted({*hard["anchor_text"], *hard["anchor_seq"]})
    assert np.linalg.norm(embeddings.sequences, axis=1) == pytest.approx(1.0)
    for inputs, task, vectors in (
        (pool.texts, "text", embeddings.texts),
        (pool.sequences, "sequence", embeddings.sequences),
    ):
        alone = oracle.encode(list(inputs), task=task, batch_size=1, show_progress_bar=False)
        np.testing.assert_allclose(vectors, alone / np.linalg.norm(alone, axis=1, keepdims=True), atol=1e-6)


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0])
def test_a_vector_without_direction_is_an_error_that_names_the_model(hard, value):
    class Broken:
        def encode(self, inputs, /, *, task, batch_size, show_progress_bar):
            return np.full((len(inputs), 2), value)

    with pytest.raises(ModelError, match=r"tuned gives no usable vector for text '"):
        encode_pool(Broken(), make_pool([hard]), name="tuned")
