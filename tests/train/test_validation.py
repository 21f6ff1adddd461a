"""Accuracy and loss against the table read row by row; which epoch is preferred."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protrek_hm.evaluate.cases import make_cases, make_pool
from protrek_hm.evaluate.scores import case_scores, cosine_scorer, encode_pool
from protrek_hm.merge.sweeping import both_directions
from protrek_hm.train.validation import Validation, selection_score

OPTIONS = {"margin": 0.2, "tolerance": 0.003, "batch_size": 3, "seed": 0}


class Letters:
    """Texts and sequences as vectors of their first letters' kinds."""

    def encode(self, inputs, *, task, batch_size, show_progress_bar):
        self.encoded = [*getattr(self, "encoded", []), *inputs]
        angles = {"A": 0.0, "C": 0.5, "D": 1.0, "E": 2.5}
        return np.array([[np.cos(angles[each[0]]), np.sin(angles[each[0]])] for each in inputs])


def test_row_by_row():
    rows = [("A", "A", "C"), ("A", "D", "C"), ("D", "C", "E"), ("C", "A", "D"), ("C", "A", "DD")]
    table = pl.DataFrame(rows, schema=["anchor_text", "anchor_seq", "hard_neg_seq"], orient="row")
    model = Letters()
    result = Validation(table, **OPTIONS)(model)
    # cosines: 1 > cos .5; cos 1 < cos .5; cos .5 > cos 1.5; the last two are ties
    assert result["hard_accuracy"] == pytest.approx((1 + 0 + 1 + 0.5 + 0.5) / 5)
    gaps = [1 - np.cos(0.5), np.cos(1) - np.cos(0.5), np.cos(0.5) - np.cos(1.5), 0, 0]
    assert result["loss"] == pytest.approx(np.mean([max(0, 0.2 - gap) for gap in gaps]))
    assert len(model.encoded) == 3 + 5, "each distinct text and sequence once"
    assert "easy_accuracy" not in result


class Tied:
    """Texts and proteins whose cosines tie, but for their last digits; some lie on a border of six decimals."""

    def encode(self, inputs, /, *, task, batch_size, show_progress_bar):
        angles = [0.0 if task == "text" else np.arccos(0.1234565) + int(each[1:]) * 1e-8 for each in inputs]
        return np.array([[np.cos(angle), np.sin(angle)] for angle in angles])


@pytest.mark.numeric
def test_ties_are_ties_wherever_they_lie():
    rows = [(f"A{i}", f"P{i}", f"P{(7 * i + 1) % 40}", f"A{(7 * i + 1) % 40}") for i in range(40)]
    columns = ["anchor_text", "anchor_seq", "hard_neg_seq", "hard_neg_text"]
    assert Validation(pl.DataFrame(rows, schema=columns, orient="row"), **OPTIONS)(Tied())["hard_accuracy"] == 0.5


def test_accuracy_is_what_a_merge_measures_with_the_functions_of_evaluate(base):
    """Twins without a text, with the same text in another spelling, tied with the anchor: the same worth of each."""
    rows = [
        ("Binds iron.", "MKV", "MRV", "Cuts sugar."),
        ("Binds iron.", "MKV", "MRV", "binds\u00a0iron"),
        ("Cuts sugar.", "MRV", "MKV", None),
        ("Cuts sugar.", "MRVW", "MKV", "Binds iron"),
    ]
    table = pl.DataFrame(rows, schema=["anchor_text", "anchor_seq", "hard_neg_seq", "hard_neg_text"], orient="row")
    pool = make_pool([table])
    scores = case_scores(make_cases(table, pool), cosine_scorer(encode_pool(base, pool, name="base")))
    assert Validation(table, **OPTIONS)(base)["hard_accuracy"] == both_directions(scores).mean()


def test_both_ways_and_both_kinds():
    columns = ["anchor_text", "anchor_seq", "hard_neg_seq", "hard_neg_text", "type"]
    rows = [("A", "A", "C", "C", "hard"), ("A", "D", "C", "E", "hard"), ("A", "A", "E", "E", "easy")]
    result = Validation(pl.DataFrame(rows, schema=columns, orient="row"), **OPTIONS)(Letters())
    # text to protein: right, wrong, right; protein to text: right, cos 1 > cos 1.5: right, right
    assert result["hard_accuracy"] == pytest.approx((1 + 0.5) / 2)
    assert result["easy_accuracy"] == 1


def test_the_model_s_own_numbers(base, valid):
    scores = [base.score([text], [mine, other])[0] for text, mine, other in valid.iter_rows()]
    result = Validation(valid, **OPTIONS)(base)
    assert result["hard_accuracy"] == np.mean([mine > other for mine, other in scores])
    assert result["loss"] == pytest.approx(np.mean([max(0, other - mine + 0.2) for mine, other in scores]), abs=1e-6)


def test_proteins_are_held_against_each_other():
    proteins = pl.DataFrame({"sequence": ["A", "C", "D", "E"], "text": ["A", "C", "D", "E"]})
    result = Validation(proteins, **OPTIONS)(Letters())
    assert result["easy_accuracy"] == 1
    assert "hard_accuracy" not in result


accuracies = st.floats(0, 1)


@given(accuracies, accuracies, accuracies, accuracies)
def test_easy_within_the_tolerance_first_then_hard(hard, easy, other_hard, other_easy):
    def score(hard, easy, loss=0.1):
        return selection_score(hard=hard, easy=easy, base_easy=0.9, tolerance=0.01, loss=loss)

    kept, other_kept = easy >= 0.89, other_easy >= 0.89
    if kept and not other_kept:
        assert score(hard, easy) >= score(other_hard, other_easy)
    if kept and other_kept and hard > other_hard + 1e-6:
        assert score(hard, easy) > score(other_hard, other_easy)
    assert score(hard, easy, loss=0.1) > score(hard, easy, loss=0.2), "a tie goes to the lower loss"
