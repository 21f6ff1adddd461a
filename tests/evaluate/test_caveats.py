"""The leak check finds what was planted by hand, and each caveat appears when it should."""

from dataclasses import replace

import polars as pl
import pytest

from protrek_hm.evaluate import evaluate
from protrek_hm.evaluate.caveats import check_overlap, read_split_notes


def test_a_sound_evaluation_has_none(oracle, hard, easy, quick):
    assert evaluate({"oracle": oracle}, hard, easy, quick).caveats == ()


def test_chance_within_the_interval_is_named(text_blind, hard, quick):
    caveats = " ".join(evaluate({"blind": text_blind}, hard, config=quick).caveats)
    assert "blind, hard, text → protein: 50.0 %, within its interval no better than 'chance' (50.0 %)" in caveats


def test_ties_are_named(text_blind, hard, quick):
    caveats = " ".join(evaluate({"blind": text_blind}, hard, config=quick).caveats)
    assert "blind, hard, protein → text: 120 of 120 cases are ties" in caveats


def test_few_groups_and_a_dominant_one(oracle, hard, quick):
    few = evaluate({"oracle": oracle}, hard.filter(pl.col("component") < 3), config=quick)
    assert few.caveats[0] == "The hard cases form only 3 components: their intervals are rough."
    lopsided = pl.concat([hard, *[hard.filter(pl.col("component") == 0)] * 30])
    caveats = evaluate({"oracle": oracle}, lopsided, config=quick).caveats
    assert "One of the 20 components holds 62 % of the hard cases." in caveats


def test_a_leak_comes_first(oracle, hard, quick):
    caveats = evaluate({"oracle": oracle}, hard, config=quick, train=hard).caveats
    assert caveats[0].startswith("Leak check: LEAK; training saw 60 of 60 proteins")


@pytest.fixture
def sides(hard):
    return hard.filter(pl.col("component") >= 10), hard.filter(pl.col("component") < 10)


def test_clean(sides):
    test, train = sides
    found = check_overlap([test], train)
    assert not found.leaks
    assert found.sentence() == (
        "Leak check: clean; training saw 0 of 30 proteins and 0 of 30 texts of the test (exact matches), "
        "0 components shared."
    )


def test_planted_protein_in_any_role(sides):
    test, train = sides
    planted = train.with_columns(hard_neg_seq=pl.lit(test["anchor_seq"][0]))
    assert check_overlap([test], planted).shared_proteins == 1


@pytest.mark.parametrize("spelled", ["  TEXT  of {}\n", "text\u00a0of\u2003{}", "te\u00adxt of {}."])
def test_planted_text_in_another_spelling(sides, spelled):
    test, train = sides
    planted = train.with_columns(hard_neg_text=pl.lit(spelled.format(test["anchor_seq"][0])))
    found = check_overlap([test], planted)
    assert (found.shared_texts, found.shared_proteins, found.leaks) == (1, 0, True)


def test_shared_component_alone_is_a_leak(sides):
    test, train = sides
    found = check_overlap([test], train.with_columns(component=pl.lit(15)))
    assert (found.shared_components, found.leaks) == (1, True)
    assert check_overlap([test.drop("component")], train).shared_components is None


def test_a_table_that_holds_training_rows_says_so(sides, easy):
    test, _ = sides
    mixed = [test.with_columns(split=pl.lit("train")), easy.with_columns(split=pl.lit("test"))]
    found = check_overlap(mixed, None)
    assert found.leaks
    assert "The test table holds 60 rows of 'test', 60 rows of 'train'." in found.sentence()
    assert not check_overlap([test.with_columns(split=pl.lit("test"))], None).leaks


def test_what_mining_said_of_its_split_is_quoted_and_no_more(sides, tmp_path):
    test, train = sides
    told = train.with_columns(hard_neg_text=pl.lit(f"text of {test['anchor_seq'][0]}"))
    (tmp_path / "mining_report.json").write_text('{"split_notes": ["shared texts do not keep proteins together"]}')
    notes = read_split_notes(tmp_path / "test.csv", tmp_path / "train.csv")
    found = replace(check_overlap([test], told), notes=notes)
    assert found.leaks
    assert found.foretold
    assert found.sentence().startswith(
        "Leak check: as mining said of this split (shared texts do not keep proteins together); training saw 0 of 30 "
        "proteins and 1 of 30 texts"
    )
    planted = replace(
        check_overlap([test], train.with_columns(hard_neg_seq=pl.lit(test["anchor_seq"][0]))), notes=notes
    )
    assert planted.sentence().startswith("Leak check: LEAK")
    assert replace(check_overlap([test], train), notes=notes).sentence().startswith("Leak check: clean")
    assert read_split_notes(tmp_path / "test.csv", tmp_path / "other" / "train.csv") == ()
    assert read_split_notes(tmp_path / "test.csv", None) == ()
