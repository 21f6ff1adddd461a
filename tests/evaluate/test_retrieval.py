"""Retrieval in every direction: the truth scores 1, ignorance chance, groups are those of the cases."""

import numpy as np
import polars as pl
import pytest

from protrek_hm.evaluate import EvaluateConfig, evaluate
from protrek_hm.evaluate.embed import Embeddings
from protrek_hm.evaluate.exam import make_exam
from protrek_hm.evaluate.retrieval import METRICS, Records, retrieve


def test_who_knows_the_truth_is_first_everywhere(oracle, hard, easy, quick):
    (result,) = evaluate({"oracle": oracle}, hard, easy, quick).models
    assert list(result.retrieval) == ["text_to_sequence", "sequence_to_text"]
    for direction in result.retrieval.values():
        assert {name: each.value for name, each in direction.estimates.items()} == dict.fromkeys(METRICS, 1.0)
        assert direction.estimates["mrr"].n == direction.ranks.pool == 60
        assert direction.estimates["mrr"].groups == 20


def test_who_ignores_text_gets_the_middle(text_blind, hard, quick):
    (result,) = evaluate({"blind": text_blind}, hard, config=quick).models
    by_text = result.retrieval["text_to_sequence"].estimates
    assert by_text["mean_rank"].value == pytest.approx(30.5)
    assert by_text["auc"].value == pytest.approx(0.5)
    by_sequence = result.retrieval["sequence_to_text"].estimates
    assert (by_sequence["auc"].value, by_sequence["mrr"].ties) == (0.5, 60)


def test_two_models_differ_by_query(text_blind, oracle, hard, quick):
    evaluation = evaluate({"base": text_blind, "tuned": oracle}, hard, config=quick)
    difference = evaluation.retrieval_differences["sequence_to_text"]["mrr"]
    assert difference.value == pytest.approx(1 - 1 / 30.5)
    assert difference.n == 60


def test_validation_is_not_looked_for(oracle, hard, quick):
    test, valid = (hard.filter(pl.col("component") < 10 if first else pl.col("component") >= 10) for first in (1, 0))
    (result,) = evaluate({"oracle": oracle}, test, config=quick, valid=valid).models
    assert result.retrieval["text_to_sequence"].ranks.pool == 30


def test_without_components_linked_records_are_one_group(hard, easy):
    bare = [frame.drop("component") for frame in (hard, easy)]
    assert len(np.unique(make_exam(*bare).records.groups)) == 20


def test_a_twin_without_a_text_of_its_own_is_in_the_way_but_asks_nothing():
    table = {"anchor_seq": ["MK"], "anchor_text": ["a"], "hard_neg_seq": ["MR"]}
    exam = make_exam(pl.DataFrame(table))
    found = retrieve(exam.records, Embeddings(np.eye(2)[:1], np.eye(2)), EvaluateConfig())
    assert found["text_to_sequence"].ranks.pool == 2
    assert found["sequence_to_text"].estimates["mrr"].n == 1


def test_a_further_kind_of_input_is_a_further_column():
    three = np.arange(3)
    items = {"text": three, "sequence": three, "structure": np.array([0, -1, 1])}
    records = Records(items, {"text": 3, "sequence": 3, "structure": 2}, three, np.ones(3, dtype=bool))
    embeddings = Embeddings(np.eye(3), np.eye(3), np.eye(3)[[0, 2]])
    found = retrieve(records, embeddings, EvaluateConfig())
    assert len(found) == 6
    assert found["structure_to_text"].estimates["recall@1"].n == 2
    assert all(each.estimates["mrr"].value == 1.0 for each in found.values())
