"""The folder: complete, readable, repeatable, all or nothing."""

import hashlib
import json

import numpy as np
import polars as pl
import pytest

from protrek_hm.errors import MissingFileError, OptionError, OutputExistsError
from protrek_hm.evaluate import evaluate, write_evaluation
from protrek_hm.evaluate.report.write import describe_inputs, name_models, predictions, report
from protrek_hm.files import MARKER


@pytest.fixture(scope="module")
def evaluation(hard, easy, quick, letter_encoder):
    class Some(letter_encoder):
        def encode(self, inputs, /, **options):
            return super().encode(inputs, **options)[:, : int(self.weights)] + 0.1

    named = hard.with_columns(anchor_id=pl.lit("A0A0P0ZL66_TEM-1"), hard_neg_id=pl.lit("beta-lactamase_SHV-12345"))
    return evaluate({"base": Some("8"), "tuned": Some("10")}, named, easy, quick)


PICTURES = (
    *("1_accuracy_comparison", "2_score_distribution", "3_tsne", "4_score_change", "5_accuracy_by_stratum"),
    *("6_reliability", "7_retrieval", "8_twins_won", "9_twins_lost"),
)


def test_folder_is_complete_and_its_page_opens_in_a_browser(evaluation, tmp_path, request):
    provenance = {"command": "protrek-hm evaluate", "tables": {"hard": {"path": "a & b.csv", "sha256": "12ab"}}}
    write_evaluation(evaluation, tmp_path / "results", provenance=provenance)
    files = {file.name: file for file in (tmp_path / "results").iterdir() if file.name != MARKER}
    expected = {"report.html", "report.json", "predictions.parquet"}
    assert set(files) == expected | {f"{name}{end}" for name in PICTURES for end in (".png", ".pdf")}
    assert all(file.stat().st_size > 5_000 for file in files.values())
    content = json.loads(files["report.json"].read_text(encoding="utf-8"))
    assert content["format_version"] == 2
    assert content["provenance"] == provenance
    with pytest.raises(OutputExistsError):
        write_evaluation(evaluation, tmp_path / "results")

    browser = request.getfixturevalue("browser")
    browser.open(files["report.html"].as_uri())
    script = "[...document.images].map(each => [each.naturalWidth > 300, each.alt.length > 20])"
    assert browser.evaluate(script) == [[True, True]] * 7
    assert browser.evaluate("document.title") == "Evaluation: base, tuned"
    browser.call("Emulation.setDeviceMetricsOverride", width=390, height=800, deviceScaleFactor=1, mobile=True)
    assert browser.evaluate("document.documentElement.scrollWidth") == 390  # a phone's: wide tables scroll on their own
    told = {"Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Network.loadingFailed"}
    assert [event for event in browser.events if event.get("method") in told] == []
    asked = [e["params"]["request"]["url"] for e in browser.events if e.get("method") == "Network.requestWillBeSent"]
    assert {url.partition(":")[0] for url in asked} <= {"file", "data"}
    browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    assert browser.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 27)"


@pytest.mark.usefixtures("light_pictures")
def test_page_says_what_was_measured(evaluation, tmp_path):
    write_evaluation(evaluation, tmp_path / "results", provenance={"command": "protrek-hm evaluate <x>"})
    page = (tmp_path / "results" / "report.html").read_text(encoding="utf-8")
    assert "On 120 hard cases in 20 components, tuned finds the right protein for" in page
    assert evaluation.leaks.sentence() in page
    assert "protrek-hm evaluate &lt;x&gt;" in page
    assert page.count("<mark>") >= 12
    assert "http" not in page.replace("http-equiv", "")
    for words in ("length only", "text-blind bound", "text shuffled, tuned", "ECE", "R@10", "McNemar"):
        assert words in page


@pytest.mark.usefixtures("light_pictures")
def test_embeddings_outlive_the_evaluation_that_is_replaced(evaluation, tmp_path):
    kept = tmp_path / "results" / "embeddings" / "some.safetensors"
    kept.parent.mkdir(parents=True)
    kept.write_text("vectors")
    write_evaluation(evaluation, tmp_path / "results")  # a folder with nothing else is no evaluation yet
    assert kept.read_text() == "vectors"
    with pytest.raises(OutputExistsError):
        write_evaluation(evaluation, tmp_path / "results")
    write_evaluation(evaluation, tmp_path / "results", force=True)
    assert kept.read_text() == "vectors"


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


def test_tied_scores_are_written_as_equal(evaluation):
    frame = predictions(evaluation)
    scores = frame.select(pl.col("^score_.*$")).to_numpy()
    gaps = np.abs(scores[:, :, None] - scores[:, None, :])
    assert ((gaps == 0) | (gaps > 1e-6)).all()
    kept = np.concatenate([each.scores[name].reshape(-1, 4) for name in evaluation.sets for each in evaluation.models])
    assert np.abs(kept - scores).max() < 1e-6
    assert (kept != scores).any()


@pytest.mark.usefixtures("light_pictures")
def test_the_page_calls_a_tie_a_tie(hard, quick, tmp_path):
    class Noisy:
        """All proteins, and all texts, have one vector but for its last digits."""

        def encode(self, inputs, /, *, task, **options):
            return np.array([[0.6, 0.8]]) + np.random.default_rng(len(task)).uniform(-3e-8, 3e-8, (len(inputs), 2))

    evaluation = evaluate({"noisy": Noisy()}, hard, config=quick)
    write_evaluation(evaluation, tmp_path / "results")
    page = (tmp_path / "results" / "report.html").read_text(encoding="utf-8")
    assert page.count("<td>tie</td>") == 3
    assert "right</span>" not in page


def test_predictions_without_other_texts_and_with_ids(oracle, hard, easy, quick):
    bare = hard.drop("hard_neg_text", "component").with_columns(anchor_id=pl.int_range(pl.len()))
    frame = predictions(evaluate({"oracle": oracle}, bare, easy, quick))
    assert frame.filter(pl.col("set") == "hard")["score_twin"].null_count() == 120
    assert frame["anchor_id"].to_list()[:2] == ["0", "1"]


def test_names_are_as_short_as_they_can_be():
    assert list(name_models(["a/b/model", "a/c/model"])) == ["b/model", "c/model"]
    assert list(name_models(["model", "other"])) == ["model", "other"]


def test_the_same_model_by_two_paths_is_refused(tmp_path, monkeypatch):
    (tmp_path / "model").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OptionError, match="given twice"):
        name_models(["model", str(tmp_path / "model")])


def test_checksums(tmp_path):
    table = tmp_path / "test.csv"
    table.write_bytes(b"anchor_seq\n")
    told = describe_inputs({"hard": table}, {"base": "models/base"}, {"base": "f00"})
    assert told["tables"]["hard"] == {
        "path": str(table),
        "sha256": hashlib.sha256(b"anchor_seq\n").hexdigest(),
    }
    assert told["models"] == {"base": {"path": "models/base", "weights_sha256": "f00"}}
    with pytest.raises(MissingFileError):
        describe_inputs({"hard": tmp_path / "none"}, {}, {})
