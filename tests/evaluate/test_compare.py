"""Runs on disk against each other: the same figures as in one evaluation, and errors that say what to do."""

import json
from dataclasses import replace

import polars as pl
import pytest

from protrek_hm.errors import FileFormatError, MissingFileError, NothingFoundError, OptionError
from protrek_hm.evaluate import evaluate, write_evaluation
from protrek_hm.evaluate.compare import CaseCount, compare_runs, compare_seeds, count_cases, read_run


@pytest.fixture
def write(tmp_path, light_pictures, quick):
    def write(name, model, *tables, sha="ab"):
        provenance = {"tables": {"hard": {"path": "hard.csv", "sha256": sha}}}
        write_evaluation(evaluate({name: model}, *tables, config=quick), tmp_path / name, provenance=provenance)
        return tmp_path / name

    return write


def test_two_runs_say_what_one_run_of_both_says(write, text_blind, oracle, hard, easy, quick):
    first, second = write("base", text_blind, hard, easy), write("tuned", oracle, hard, easy)
    found = compare_runs(read_run(first), read_run(second), seed=quick.seed, resamples=quick.resamples)
    together = evaluate({"base": text_blind, "tuned": oracle}, hard, easy, quick)
    assert {each.key: each.difference for each in found} == together.differences
    assert {each.key: each.significance for each in found} == together.significance
    assert [each.second for each in found] == list(together.models[1].estimates.values())


def test_only_common_cases_count(write, oracle, guesser, hard):
    first = write("first", oracle, hard.head(60))
    second = write("second", guesser, hard)
    assert compare_runs(read_run(first), read_run(second))[0].difference.n == 60
    other = write("other", guesser, hard.with_columns(anchor_text=pl.col("anchor_text") + "!"))
    with pytest.raises(NothingFoundError, match="no case in common"):
        compare_runs(read_run(first), read_run(other))


def test_cases_are_joined_by_what_they_are(write, text_blind, oracle, hard, easy, quick):
    """In another order, in another spelling, with other names: the same cases."""
    options = {"seed": quick.seed, "resamples": quick.resamples}
    first, second = write("first", text_blind, hard, easy), write("second", oracle, hard, easy)
    expected = compare_runs(read_run(first), read_run(second), **options)
    mixed, mixed_easy = (
        each.sample(fraction=1, shuffle=True, seed=3).with_columns(
            anchor_id=pl.int_range(pl.len()), hard_neg_text=pl.col("hard_neg_text").str.replace_all(" ", "\u00a0")
        )
        for each in (hard, easy)
    )
    shuffled = write("shuffled", Spelled(oracle), mixed, mixed_easy)
    assert compare_runs(read_run(first), read_run(shuffled), **options) == expected
    turned = compare_runs(read_run(shuffled), read_run(first), **options)
    assert [each.difference.value for each in turned] == [-each.difference.value for each in expected]
    assert [each.difference.n for each in turned] == [each.difference.n for each in expected]
    assert count_cases(read_run(first), read_run(shuffled)) == {
        "hard": CaseCount(120, 0, 0),
        "easy": CaseCount(60, 0, 0),
    }


class Spelled:
    """Reads blanks of any kind as blanks."""

    def __init__(self, encoder):
        self.encoder = encoder

    def encode(self, inputs, /, **options):
        return self.encoder.encode([each.replace("\u00a0", " ") for each in inputs], **options)


def test_a_shorter_table_and_repeated_rows(write, guesser, oracle, hard):
    longer = write("longer", guesser, pl.concat([hard.head(60), hard.head(3), hard.head(3)]))
    shorter = write("shorter", oracle, pl.concat([hard.tail(70), hard.head(1), hard.head(1)]))
    assert count_cases(read_run(longer), read_run(shorter)) == {"hard": CaseCount(12, 54, 60)}
    found = {each.key: each.difference.n for each in compare_runs(read_run(longer), read_run(shorter))}
    assert found["hard_text_to_protein"] == 12, "ten rows, and one of them twice, are 12: rows 51 to 60, and row 1"


def test_tables_without_the_twins_texts_are_joined(write, oracle, guesser, hard):
    bare = hard.with_columns(hard_neg_text=pl.when(pl.col("component") > 9).then("hard_neg_text"))
    for table in (bare, hard.drop("hard_neg_text")):
        runs = [read_run(write(f"{name}{len(table.columns)}", model, rows)) for name, model, rows in (
            ("a", oracle, table), ("b", guesser, table.sample(fraction=1, shuffle=True, seed=2))
        )]  # fmt: skip
        assert count_cases(*runs) == {"hard": CaseCount(120, 0, 0)}
        assert compare_runs(*runs)[0].difference.n == 120


def test_a_pair_counts_whichever_of_its_rows_both_have(write, oracle, guesser, hard):
    """The first row of each pair stands in one table, the second in both."""
    pair = pl.concat_list("anchor_seq", "hard_neg_seq").list.sort()
    second = hard.filter(~pair.is_first_distinct())
    runs = [read_run(write(name, model, table)) for name, model, table in (("a", oracle, hard), ("b", guesser, second))]
    found = {each.key: each.difference.n for each in compare_runs(*runs)}
    assert found["hard_group"] == second.height == 60


def test_rows_that_differ_in_the_twin_s_text_are_two_cases(write, oracle, hard):
    other = hard.with_columns(hard_neg_text=pl.lit("another text"))
    runs = [read_run(write("a", oracle, hard)), read_run(write("b", oracle, pl.concat([other, hard])))]
    assert count_cases(*runs) == {"hard": CaseCount(120, 0, 120)}


def test_runs_of_an_older_version_are_joined_without_the_twin_s_text(write, oracle, guesser, hard):
    runs = [read_run(write("a", oracle, hard)), read_run(write("b", guesser, hard.reverse()))]
    before = [each.difference.value for each in compare_runs(*runs)]
    old = replace(runs[0], predictions=runs[0].predictions.drop("hard_neg_text"))
    assert [each.difference.value for each in compare_runs(old, runs[1])] == before


def test_seeds_are_summarised(write, oracle, guesser, hard):
    runs = [write("one", oracle, hard), write("two", guesser, hard), write("three", oracle, hard)]
    values = [read_run(run).report["models"][run.name]["measures"]["hard_group"]["value"] for run in runs]
    summary = compare_seeds(runs)["hard_group"]
    assert summary.values == tuple(values)
    assert summary.low < summary.mean < summary.high
    assert summary.mean == pytest.approx(sum(values) / 3)
    with pytest.raises(OptionError, match="at least two"):
        compare_seeds(runs[:1])
    with pytest.raises(OptionError, match=r"odd.* was evaluated on other tables than"):
        compare_seeds([*runs, write("odd", oracle, hard, sha="cd")])


def test_what_is_no_evaluation_is_told(write, tmp_path, oracle, hard):
    with pytest.raises(MissingFileError, match=r"report\.json"):
        read_run(tmp_path)
    run = write("run", oracle, hard)
    report = json.loads((run / "report.json").read_text(encoding="utf-8"))
    (run / "report.json").write_text(json.dumps({**report, "format_version": 1}), encoding="utf-8")
    with pytest.raises(FileFormatError, match="format_version 1, .* reads 2; evaluate again"):
        read_run(run)
    (run / "report.json").write_text(json.dumps(report), encoding="utf-8")
    (run / "predictions.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(FileFormatError, match=r"predictions\.parquet: damaged"):
        read_run(run)
    (run / "predictions.parquet").unlink()
    with pytest.raises(MissingFileError, match="give a folder that"):
        read_run(run)
