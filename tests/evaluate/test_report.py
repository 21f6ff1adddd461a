"""The folder: complete, readable, repeatable, all or nothing."""

import json

import polars as pl
import pytest

from protrek_hm.errors import OutputExistsError
from protrek_hm.evaluate import evaluate, write_evaluation
from protrek_hm.evaluate.report.content import report
from protrek_hm.evaluate.report.predictions import predictions


@pytest.fixture(scope="module")
def evaluation(hard, easy, quick, letter_encoder):
    texts = letter_encoder()
    return evaluate({"base": texts, "tuned": letter_encoder()}, hard, easy, quick)


def test_folder_is_complete(evaluation, tmp_path):
    write_evaluation(evaluation, tmp_path / "results", provenance={"command": "protrek-hm evaluate"})
    pictures = ("1_accuracy_comparison", "2_score_distribution", "3_tsne", "4_score_change")
    expected = {
        "report.json",
        "predictions.parquet",
        *(f"{name}{end}" for name in pictures for end in (".png", ".pdf")),
    }
    assert {file.name for file in (tmp_path / "results").iterdir()} == expected
    content = json.loads((tmp_path / "results" / "report.json").read_text(encoding="utf-8"))
    assert content["format_version"] == 1
    assert content["provenance"] == {"command": "protrek-hm evaluate"}
    with pytest.raises(OutputExistsError):
        write_evaluation(evaluation, tmp_path / "results")


def test_nothing_is_left_of_a_failed_run(evaluation, tmp_path, monkeypatch):
    def fail(*_):
        raise RuntimeError("no picture today")

    monkeypatch.setattr("protrek_hm.evaluate.report.write.draw_all", fail)
    with pytest.raises(RuntimeError, match="no picture"):
        write_evaluation(evaluation, tmp_path / "results")
    assert list(tmp_path.iterdir()) == []


def test_report_holds_n_intervals_and_differences(evaluation):
    content = report(evaluation, provenance={})
    assert content["data"]["hard"] == {
        "rows": 120,
        "pairs": 60,
        "groups": 20,
        "group_basis": "components",
        "largest_group_share": 0.05,
    }
    for model in content["models"].values():
        for measure in model["measures"].values():
            low, high = measure["interval"]
            assert 0 <= low <= measure["value"] <= high <= 1
            assert measure["n"] > 0
    assert set(content["differences"]) == set(content["models"]["base"]["measures"])
    assert content["baselines"]["chance"]["measures"]["hard_group"] == pytest.approx(1 / 6)
    assert json.dumps(content, allow_nan=False) == json.dumps(report(evaluation, provenance={}), allow_nan=False)


def test_measures_can_be_recomputed_from_predictions(evaluation):
    frame = predictions(evaluation)
    assert frame.height == 2 * (120 + 60)
    hard = frame.filter((pl.col("set") == "hard") & (pl.col("model") == "base"))
    worth = (hard["score_positive"] - hard["score_negative"]).sign() * 0.5 + 0.5
    assert worth.mean() == pytest.approx(evaluation.models[0].estimates["hard_text_to_protein"].value)
    back = (hard["score_positive"] - hard["score_other_text"]).sign() * 0.5 + 0.5
    assert back.mean() == pytest.approx(evaluation.models[0].estimates["hard_protein_to_text"].value)


def test_predictions_without_other_texts_and_with_ids(oracle, hard, easy, quick):
    bare = hard.drop("hard_neg_text", "component").with_columns(anchor_id=pl.int_range(pl.len()))
    frame = predictions(evaluate({"oracle": oracle}, bare, easy, quick))
    assert frame.filter(pl.col("set") == "hard")["score_twin"].null_count() == 120
    assert frame["anchor_id"].to_list()[:2] == ["0", "1"]
