"""Scores against a naive loop."""

import numpy as np
import pytest

from protrek_hm.evaluate.cases import make_cases, make_pool
from protrek_hm.evaluate.embed import Embeddings, encode_pool
from protrek_hm.evaluate.scores import case_scores, cosine_scorer


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


def test_rounding_errors_of_single_precision_are_ties():
    rng = np.random.default_rng(0)
    one = rng.normal(size=64)
    one /= np.linalg.norm(one)
    text = np.tile(one, (1, 1))
    proteins = np.stack([one, (one + 1e-9).astype(np.float64)])
    scores = cosine_scorer(Embeddings(texts=text, sequences=proteins))(np.array([0, 0]), np.array([0, 1]))
    assert scores[0] == scores[1]


def test_equal_vectors_score_equally_wherever_they_stand():
    rng = np.random.default_rng(0)
    texts = rng.normal(size=(1, 320))
    sequences = np.repeat(rng.normal(size=(1, 320)), 10_001, axis=0)
    positions = np.arange(10_001)
    scores = cosine_scorer(Embeddings(texts, sequences))(np.zeros_like(positions), positions)
    assert len(np.unique(scores)) == 1


def test_a_missing_text_leaves_its_row_unknown(oracle, hard):
    frame = hard.drop("hard_neg_text")
    pool = make_pool([frame])
    scores = case_scores(make_cases(frame, pool), cosine_scorer(encode_pool(oracle, pool, name="oracle")))
    assert np.isnan(scores[:, 1]).all()
    assert not np.isnan(scores[:, 0]).any()
