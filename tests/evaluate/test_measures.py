"""Areas with intervals, and a threshold that never saw the test."""

import polars as pl
import pytest

from protrek_hm.evaluate import evaluate
from protrek_hm.evaluate.eval_set import make_eval_set
from protrek_hm.evaluate.metrics import auroc, best_threshold, threshold_scores
from protrek_hm.evaluate.scores import case_scores, cosine_scorer, encode_pool


def test_truth_gets_full_marks(oracle, hard, easy, quick):
    (result,) = evaluate({"oracle": oracle}, hard, easy, quick, valid=hard).models
    for found in result.discrimination.values():
        assert {name: each.value for name, each in found.estimates.items()} == dict.fromkeys(
            ("auroc", "average_precision", "precision", "recall", "f1"), 1.0
        )
        assert found.margin["q05"] > 0


def test_ignorance_gets_half(text_blind, hard, quick):
    (result,) = evaluate({"blind": text_blind}, hard, config=quick).models
    area = result.discrimination["hard"].estimates["auroc"]
    assert area.value == pytest.approx(0.5)  # each protein is right as often as it is wrong
    assert area.low <= 0.5 <= area.high
    assert "f1" not in result.discrimination["hard"].estimates


def test_the_threshold_comes_from_validation(letter_encoder, hard, quick):
    test, valid = (hard.filter(pl.col("component") % 2 == side) for side in (0, 1))
    (result,) = evaluate({"letters": letter_encoder()}, test, config=quick, valid=valid).models
    found = result.discrimination["hard"]
    eval_set = make_eval_set(test, valid=valid)
    scores = case_scores(eval_set.valid, cosine_scorer(encode_pool(letter_encoder(), eval_set.pool, name="letters")))
    assert found.threshold == best_threshold(scores[:, 0, 0], scores[:, 0, 1])
    right, wrong = result.scores["hard"][:, 0, 0], result.scores["hard"][:, 0, 1]
    assert found.estimates["f1"].value == threshold_scores(right, wrong, found.threshold)["f1"]
    assert found.estimates["auroc"].value == auroc(right, wrong)
