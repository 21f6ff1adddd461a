"""Tuning in one call: which split, what it leaves behind, how it goes on. The stages have tests of their own."""

import shutil
from dataclasses import replace

import polars as pl
import pytest

from protrek_hm.data.lactamases import load_lactamases
from protrek_hm.data.synthetic import SyntheticConfig, synthetic_families
from protrek_hm.errors import NothingFoundError, OptionError, OutputExistsError
from protrek_hm.index import read_info
from protrek_hm.model import ModelConfig, ProTrek, TowerConfig
from protrek_hm.tune import TuneConfig, run, tune

CONFIG = TuneConfig(evidence=("class:equal",), epochs=1)


@pytest.fixture(scope="module")
def lactamases():
    """Return every second protein: fewer pairs."""
    return load_lactamases().gather_every(2)


@pytest.fixture(scope="module")
def base(tmp_path_factory, lactamases):
    tower = TowerConfig(layers=1, hidden=16, heads=2, max_tokens=64)
    shape = ModelConfig(sequence=tower, text=tower, dimension=16, vocabulary=300)
    folder = tmp_path_factory.mktemp("models") / "base"
    ProTrek.build(shape, texts=lactamases["text"], device="cpu").save_pretrained(str(folder))
    return str(folder)


@pytest.fixture(scope="module", autouse=True)
def no_pictures():
    with pytest.MonkeyPatch.context() as quick:
        quick.setattr("protrek_hm.mine.output.draw_twin_cards", lambda *_, **__: None)
        quick.setattr("protrek_hm.evaluate.report.write.draw_all", lambda *_: {})
        quick.setattr("protrek_hm.evaluate.report.write.draw_cards", lambda *_, **__: None)
        quick.setattr("protrek_hm.evaluate.report.write.render_page", lambda *_: "")
        yield


@pytest.fixture(scope="module")
def finished(tmp_path_factory, lactamases, base):
    folder, lines = tmp_path_factory.mktemp("runs") / "run", []
    return tune(lactamases, base, folder, CONFIG, device="cpu", say=lines.append), folder, lines


@pytest.mark.slow
def test_everything_is_there_and_the_index_is_the_tuned_models(finished, lactamases):
    done, folder, lines = finished
    for name in ("mined/mining_report.json", "tuned/model/modules.json", "evaluation/report.html", "tune.json"):
        assert (folder / name).is_file(), name
    info = read_info(done.index)
    assert info.counts["records"] == lactamases.height
    assert info.model_sha256 == ProTrek.from_pretrained(done.model, device="cpu").fingerprint()
    assert [line[:3] for line in lines] == ["1/4", "1/4", "2/4", "3/4", "4/4"]
    assert done.query in set(lactamases["text"])


@pytest.mark.slow
def test_few_families_are_tested_on_unseen_members_with_intervals_over_proteins(finished):
    done, folder, lines = finished
    assert lines[1].endswith(run._MEMBERS_APART)
    read = pl.concat(pl.read_csv(folder / "mined" / f"hard_negatives_{side}.csv") for side in ("train", "valid"))
    test = pl.read_csv(folder / "mined" / "hard_negatives_test.csv")
    for column in ("anchor_id", "anchor_seq", "anchor_text"):
        assert set(read[column]).isdisjoint(test[column])
    evaluation = done.evaluation
    assert not evaluation.leaks.leaks
    assert [model.name for model in evaluation.models] == ["base", "tuned"]
    before, after = (model.estimates["hard_text_to_protein"] for model in evaluation.models)
    change = evaluation.differences["hard_text_to_protein"]
    assert before.groups == test["anchor_id"].n_unique()
    assert before.low < before.value < before.high
    assert change.value == pytest.approx(after.value - before.value)
    assert change.low <= change.value <= change.high


@pytest.mark.slow
def test_the_same_call_goes_on_and_another_is_refused(finished, lactamases, base):
    """Runs last of those that read `finished`: what a killed run lacks is taken away from it."""
    _, folder, _ = finished
    kept = [folder / "mined" / "hard_negatives_train.csv", folder / "tuned" / "model" / "modules.json"]
    written = [path.stat().st_mtime_ns for path in kept]
    shutil.rmtree(folder / "index")
    with pytest.raises(OptionError, match="was begun with"):
        tune(lactamases, base, folder, replace(CONFIG, seed=1), device="cpu")
    tune(lactamases, base, folder, CONFIG, device="cpu")
    assert [path.stat().st_mtime_ns for path in kept] == written
    assert (folder / "index" / "index.json").is_file()


def test_many_families_are_shared_out_whole():
    made = synthetic_families(SyntheticConfig(families=40, members=4, folds=4, vague=0.0, seed=1)).proteins
    result = run.mine(made, TuneConfig())
    assert result.config.split == "components"
    assert result.report.splits["test"]["components"] >= run.FAMILIES


def test_too_few_twins_are_refused_with_what_helps(lactamases):
    few = lactamases.filter(family="SHV beta-lactamase").head(5)
    with pytest.raises(NothingFoundError, match=r"pairs of twins are too few .*--evidence COLUMN:equal"):
        run.mine(few, CONFIG)


def test_a_folder_with_something_else_is_left_alone(tmp_path, lactamases, base):
    (tmp_path / "notes.md").write_text("mine")
    with pytest.raises(OutputExistsError):
        tune(lactamases, base, tmp_path, CONFIG, device="cpu")
    assert [path.name for path in tmp_path.iterdir()] == ["notes.md"]


@pytest.mark.parametrize("wrong", [{"evidence": ("class",)}, {"epochs": 0}, {"learning_rate": 0.0}])
def test_settings_are_checked(wrong):
    with pytest.raises(OptionError):
        TuneConfig(**wrong)
