"""The table says n, intervals, difference and baselines, and fits a terminal of 80 columns."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from protrek_hm.evaluate import evaluate
from protrek_hm.evaluate.statistics import Estimate
from protrek_hm.evaluate.table import print_results, verdict


def printed(evaluation):
    console = Console(file=io.StringIO(), width=80)
    print_results(evaluation, console)
    return console.file.getvalue()


def test_two_models(text_blind, oracle, hard, easy, quick):
    text = printed(evaluate({"base": text_blind, "tuned": oracle}, hard, easy, quick, train=easy))
    assert text.startswith("Leak check: LEAK; training saw 60 of 60 proteins")
    for part in (
        "n = 120",
        "20 groups",
        "tuned − base",
        "+50.0",
        "100.0",
        "[83.2, 100.0]",
        "chance",
        "16.7",
        "text-blind",
    ):
        assert part in text
    assert max(map(len, text.splitlines())) <= 80


def test_one_model_without_easy_cases(oracle, hard, quick):
    text = printed(evaluate({"only": oracle}, hard, config=quick))
    assert "easy" not in text
    assert "−" not in text


@pytest.mark.parametrize(
    ("hard_change", "easy_change", "parts"),
    [
        (
            (0.052, 0.01, 0.094),
            (-0.003, -0.02, 0.01),
            (
                "better than by base, by 5.2 points [1.0, 9.4], and",
                "is 0.3 points lower, within the interval [-2.0, 1.0].",
            ),
        ),
        (
            (-0.02, -0.03, -0.01),
            (0.02, 0.01, 0.03),
            (
                "worse than by base, by 2.0 points [-3.0, -1.0], and",
                "2.0 points higher, beyond the interval [1.0, 3.0].",
            ),
        ),
        (
            (0.02, -0.01, 0.05),
            (0.0001, -0.1, 0.1),
            ("about as well as by base (the difference of +2.0 points [-1.0, +5.0] may", "easy accuracy is unchanged."),
        ),
        ((0.02, None, None), (0.0, None, None), ("(the difference of +2.0 points has no interval: one group)",)),
    ],
)
def test_the_verdict_claims_what_the_intervals_allow(
    text_blind, oracle, hard, easy, quick, hard_change, easy_change, parts
):
    evaluation = evaluate({"base": text_blind, "tuned": oracle}, hard.head(12), easy.head(12), quick)
    changes = {"hard_text_to_protein": hard_change, "easy_text_to_protein": easy_change}
    differences = {key: Estimate(*change, n=100, groups=20) for key, change in changes.items()}
    said = verdict(replace(evaluation, differences=differences))
    assert [part for part in parts if part not in said] == []


def test_the_verdict_says_what_random_pairs_cost_both_ways(text_blind, oracle, hard, easy, quick):
    evaluation = evaluate({"base": text_blind, "tuned": oracle}, hard.head(12), easy.head(12), quick)
    changes = {
        "hard_text_to_protein": (0.1, 0.05, 0.2),
        "easy_text_to_protein": (-0.104, -0.288, 0.095),
        "easy_protein_to_text": (0.116, 0.004, 0.221),
    }
    differences = {key: Estimate(*change, n=100, groups=20) for key, change in changes.items()}
    assert verdict(replace(evaluation, differences=differences)).endswith(
        "; easy accuracy is 10.4 points lower, within the interval [-28.8, 9.5]"
        "; easy accuracy of proteins that choose texts is 11.6 points higher, beyond the interval [0.4, 22.1]."
    )


def test_the_verdict_on_one_model_and_on_a_leak(oracle, text_blind, hard, easy, quick):
    assert "better than the best baseline (" in verdict(evaluate({"only": oracle}, hard, config=quick))
    assert "not shown to be better than the best" in verdict(evaluate({"only": text_blind}, hard, config=quick))
    assert verdict(evaluate({"only": oracle}, hard, config=quick, train=easy)).endswith("this proves nothing.")
