"""Each caveat appears when it should."""

import polars as pl

from protrek_hm.evaluate import evaluate


def test_a_sound_evaluation_has_none(oracle, hard, easy, quick):
    assert evaluate({"oracle": oracle}, hard, easy, quick).caveats == ()


def test_chance_within_the_interval_is_named(text_blind, hard, quick):
    caveats = " ".join(evaluate({"blind": text_blind}, hard, config=quick).caveats)
    assert "blind, hard, text → protein: 50.0%, within its interval no better than 'chance' (50.0%)" in caveats


def test_ties_are_named(text_blind, hard, quick):
    caveats = " ".join(evaluate({"blind": text_blind}, hard, config=quick).caveats)
    assert "blind, hard, protein → text: 120 of 120 cases are ties" in caveats


def test_few_groups_and_a_dominant_one(oracle, hard, quick):
    few = evaluate({"oracle": oracle}, hard.filter(pl.col("component") < 3), config=quick)
    assert few.caveats[0] == "The hard cases form only 3 components: their intervals are rough."
    lopsided = pl.concat([hard, *[hard.filter(pl.col("component") == 0)] * 30])
    caveats = evaluate({"oracle": oracle}, lopsided, config=quick).caveats
    assert "One of the 20 components holds 62% of the hard cases." in caveats


def test_a_leak_comes_first(oracle, hard, quick):
    caveats = evaluate({"oracle": oracle}, hard, config=quick, train=hard).caveats
    assert caveats[0].startswith("Leak check: LEAK; training saw 60 of 60 proteins")
