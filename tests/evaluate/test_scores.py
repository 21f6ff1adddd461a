"""Encoding (order, once each, unit length), and scores against a naive loop."""

import numpy as np
import pytest

from protrek_hm.errors import ModelError
from protrek_hm.evaluate.cases import make_cases, make_pool
from protrek_hm.evaluate.metrics import group_score, text_to_protein
from protrek_hm.evaluate.scores import Embeddings, case_scores, cosine_scorer, encode_pool


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


def test_case_scores_equal_a_loop_over_the_table(oracle, hard):
    pool = make_pool([hard])
    scores = case_scores(make_cases(hard, pool), cosine_scorer(encode_pool(oracle, pool, name="oracle")))
    assert scores.shape == (hard.height, 2, 2)

    def vector(item, task):
        (found,) = oracle.encode([item], task=task, batch_size=1, show_progress_bar=False)
        return found / np.linalg.norm(found)

    for table, row in zip(scores[:12], hard.iter_rows(named=True), strict=False):
        for at, text in enumerate((row["anchor_text"], row["hard_neg_text"])):
            for place, sequence in enumerate((row["anchor_seq"], row["hard_neg_seq"])):
                assert table[at, place] == pytest.approx(vector(text, "text") @ vector(sequence, "sequence"), abs=1e-6)


@pytest.mark.numeric
@pytest.mark.parametrize("seed", range(20))
def test_rounding_errors_of_single_precision_are_ties(seed):
    rng = np.random.default_rng(seed)
    texts, proteins = (rng.normal(size=(400, 64)) for _ in range(2))
    texts, proteins = (each / np.linalg.norm(each, axis=1, keepdims=True) for each in (texts, proteins))
    other = proteins.astype(np.float32) + rng.uniform(-3e-8, 3e-8, proteins.shape).astype(np.float32)
    each = np.arange(400)
    score = cosine_scorer(Embeddings(texts=texts, sequences=np.concatenate([proteins, other])))
    tables = np.stack([score(each, each), score(each, each + 400)], axis=1)[:, None].repeat(2, axis=1)
    assert (text_to_protein(tables) == 0.5).all()
    assert group_score(tables) == pytest.approx(1 / 6)


@pytest.mark.numeric
def test_equal_vectors_score_equally_wherever_they_stand():
    rng = np.random.default_rng(0)
    texts, one = (each / np.linalg.norm(each) for each in rng.normal(size=(2, 1, 320)))
    sequences = np.repeat(one, 10_001, axis=0)
    positions = np.arange(10_001)
    scores = cosine_scorer(Embeddings(texts, sequences))(np.zeros_like(positions), positions)
    assert len(np.unique(scores)) == 1


def test_a_missing_text_leaves_its_row_unknown(oracle, hard):
    frame = hard.drop("hard_neg_text")
    pool = make_pool([frame])
    scores = case_scores(make_cases(frame, pool), cosine_scorer(encode_pool(oracle, pool, name="oracle")))
    assert np.isnan(scores[:, 1]).all()
    assert not np.isnan(scores[:, 0]).any()
