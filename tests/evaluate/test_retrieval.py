"""Retrieval in every direction: the truth scores 1, ignorance chance, groups are those of the cases."""

import numpy as np
import polars as pl
import pytest

from protrek_hm.evaluate import EvaluateConfig, evaluate
from protrek_hm.evaluate.eval_set import make_eval_set
from protrek_hm.evaluate.retrieval import METRICS, Records, retrieve
from protrek_hm.evaluate.scores import Embeddings


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
    by_sequence = result.retrieval["sequence_to_text"]
    assert (by_sequence.estimates["auc"].value, by_sequence.estimates["mrr"].ties) == (0.5, 60)
    for name, chance in by_sequence.chance.items():
        assert by_sequence.estimates[name].value == pytest.approx(chance)


@pytest.mark.numeric
def test_last_digits_decide_nothing(text_blind, hard, easy, quick):
    class Noisy:
        """Gives alike inputs vectors that differ in their last digits, as batches, threads and processors do."""

        def encode(self, inputs, /, **options):
            vectors = text_blind.encode(inputs, **options)
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
            return vectors + np.random.default_rng(len(inputs)).uniform(-3e-8, 3e-8, vectors.shape)

    exact, noisy = evaluate({"exact": text_blind, "noisy": Noisy()}, hard, easy, quick).models
    assert {key: each.value for key, each in noisy.estimates.items()} == {
        key: each.value for key, each in exact.estimates.items()
    }
    for key, direction in exact.retrieval.items():
        assert noisy.retrieval[key].estimates == direction.estimates


@pytest.mark.parametrize("spelled", ["TEXT  of {}", "text\u00a0of {}.", "text of\u200b {}\n"])
def test_a_text_in_two_spellings_is_one_text(spelled, hard, quick):
    """Two proteins share a text, and another is that of one protein alone; who knows the truth is right everywhere."""
    first, second, third = hard["anchor_seq"].unique(maintain_order=True).to_list()[:3]
    shared, other = "text of both", "text of one"
    rows = [
        (first, shared, third, other),
        (second, spelled.format("both"), third, other),
        (third, other, first, spelled.format("both")),
        (third, spelled.format("one"), second, shared),
    ]
    frame = pl.DataFrame(rows, schema=["anchor_seq", "anchor_text", "hard_neg_seq", "hard_neg_text"], orient="row")

    class Knows:
        def encode(self, inputs, /, *, task, batch_size, show_progress_bar):
            known = {first: 0, second: 0, third: 1}
            return np.eye(2)[[known[each] if task == "sequence" else int("one" in each) for each in inputs]]

    (result,) = evaluate({"knows": Knows()}, frame, config=quick).models
    assert result.retrieval["text_to_sequence"].ranks.pool == 3
    assert result.retrieval["sequence_to_text"].ranks.pool == 2
    for direction in result.retrieval.values():
        assert {name: each.value for name, each in direction.estimates.items()} == dict.fromkeys(METRICS, 1.0)
    assert {key: each.value for key, each in result.estimates.items()} == dict.fromkeys(result.estimates, 1.0)
    assert result.estimates["hard_group"].n == 2, "a pair in another spelling is the same pair"
    turned = evaluate({"knows": Knows()}, frame.reverse(), config=quick).models[0].retrieval
    assert {key: each.ranks.pool for key, each in turned.items()} == {"text_to_sequence": 3, "sequence_to_text": 2}


def test_a_twin_with_the_same_text_in_another_spelling_is_right_too(quick):
    rows = [("MKK", "binds iron", "MRR", "Binds iron."), ("MDD", "cuts", "MRR", None)]
    frame = pl.DataFrame(rows, schema=["anchor_seq", "anchor_text", "hard_neg_seq", "hard_neg_text"], orient="row")

    class Prefers:
        def encode(self, inputs, /, *, task, batch_size, show_progress_bar):
            angles = {"MRR": 0.1, "MKK": 0.2, "MDD": 1.5, "cuts": 1.5}
            return np.array([[np.cos(angle), np.sin(angle)] for angle in (angles.get(each, 0.0) for each in inputs)])

    evaluation = evaluate({"prefers": Prefers()}, frame, config=quick)
    assert evaluation.models[0].retrieval["text_to_sequence"].estimates["recall@1"].value == 1.0
    assert any("1 of the 2 hard cases ask nothing: both proteins have one text" in each for each in evaluation.caveats)


@pytest.mark.parametrize("components", [True, False])
def test_the_order_of_rows_and_their_number_change_nothing(guesser, text_blind, hard, easy, quick, components):
    tables = [each if components else each.drop("component") for each in (hard, easy)]
    turned = [each.sample(fraction=1, shuffle=True, seed=1) for each in tables]
    twice = [pl.concat([each, each]) for each in turned]
    figures = [
        {
            (model.name, key, name): (estimate.value, estimate.low, estimate.high)
            for model in evaluate({"guesser": guesser, "blind": text_blind}, *each, quick).models
            for key, found in [("cases", model), *model.retrieval.items()]
            for name, estimate in found.estimates.items()
        }
        for each in (tables, turned, twice)
    ]
    for key, expected in figures[0].items():
        assert figures[1][key] == pytest.approx(expected, rel=1e-12), key
        assert figures[2][key][0] == pytest.approx(expected[0], rel=1e-12), key


def test_two_models_differ_by_query(text_blind, oracle, hard, quick):
    evaluation = evaluate({"base": text_blind, "tuned": oracle}, hard, config=quick)
    difference = evaluation.retrieval_differences["sequence_to_text"]["mrr"]
    assert difference.value == pytest.approx(1 - np.mean(1 / np.arange(1, 61)))  # any place is as likely
    assert difference.n == 60


def test_validation_is_not_looked_for(oracle, hard, quick):
    test, valid = (hard.filter(pl.col("component") < 10 if first else pl.col("component") >= 10) for first in (1, 0))
    (result,) = evaluate({"oracle": oracle}, test, config=quick, valid=valid).models
    assert result.retrieval["text_to_sequence"].ranks.pool == 30


def test_without_components_linked_records_are_one_group(hard, easy):
    bare = [frame.drop("component") for frame in (hard, easy)]
    assert len(np.unique(make_eval_set(*bare).records.groups)) == 20


def test_a_twin_without_a_text_of_its_own_is_in_the_way_but_asks_nothing():
    table = {"anchor_seq": ["MK"], "anchor_text": ["a"], "hard_neg_seq": ["MR"]}
    eval_set = make_eval_set(pl.DataFrame(table))
    found = retrieve(eval_set.records, Embeddings(np.eye(2)[:1], np.eye(2)), EvaluateConfig())
    assert found["text_to_sequence"].ranks.pool == 2
    assert found["sequence_to_text"].estimates["mrr"].n == 1


def test_a_further_kind_of_input_is_a_further_column():
    three = np.arange(3)
    items = {"text": three, "sequence": three, "structure": np.array([0, -1, 1])}
    looked_for = {"text": three, "sequence": three, "structure": three[:2]}
    records = Records(items, looked_for, three, np.ones(3, dtype=bool))
    embeddings = Embeddings(np.eye(3), np.eye(3), np.eye(3)[[0, 2]])
    found = retrieve(records, embeddings, EvaluateConfig())
    assert len(found) == 6
    assert found["structure_to_text"].estimates["recall@1"].n == 2
    assert all(each.estimates["mrr"].value == 1.0 for each in found.values())
