"""Runs on disk against each other: the same figures as in one evaluation, and errors that say what to do."""

import json

import polars as pl
import pytest

from protrek_hm.errors import FileFormatError, MissingFileError, NothingFoundError, OptionError
from protrek_hm.evaluate import evaluate, write_evaluation
from protrek_hm.evaluate.compare import compare_runs, compare_seeds, read_run


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
    with pytest.raises(FileFormatError, match="its format is 1, not 2; evaluate again"):
        read_run(run)
    (run / "report.json").write_text(json.dumps(report), encoding="utf-8")
    (run / "predictions.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(FileFormatError, match=r"predictions\.parquet: damaged"):
        read_run(run)
    (run / "predictions.parquet").unlink()
    with pytest.raises(MissingFileError, match="give a folder that"):
        read_run(run)
