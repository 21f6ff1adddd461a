"""The table says n, intervals, difference and baselines, and fits a terminal of 80 columns."""

import io

from rich.console import Console

from protrek_hm.evaluate import evaluate
from protrek_hm.evaluate.table import print_results


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
