"""A run against the objective computed by hand, against itself, and against its own interruption."""

import json
import shutil
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from protrek_hm.errors import (
    MissingColumnError,
    ModelError,
    NothingFoundError,
    OptionError,
    OutputExistsError,
)
from protrek_hm.model import ProTrek
from protrek_hm.train import TrainConfig, fine_tune
from protrek_hm.train.history import StepProgress, read_history
from protrek_hm.train.validation import Validation

CONFIG = TrainConfig(objective="triplet", epochs=3, learning_rate=5e-3, batch_size=8)


def losses_by_hand(model, triplets, margin):
    scores = [model.score([text], [mine, twin])[0] for text, mine, twin in triplets.iter_rows()]
    return [max(0.0, wrong - right + margin) for right, wrong in scores]


@pytest.mark.parametrize("margin", [0.2, 0.7])
def test_the_first_loss_is_that_of_the_base(base, triplets, tmp_path, margin):
    expected = np.mean(losses_by_hand(base, triplets, margin))
    config = TrainConfig(
        objective="triplet", epochs=1, batch_size=100, margin=margin
    )  # fewer triplets than a batch holds
    run = fine_tune(base, triplets, config, tmp_path / "run")
    assert run.history["train_loss"].to_list() == [pytest.approx(expected, abs=1e-6)]


def test_a_whole_epoch_is_the_mean_of_its_batches(base, triplets, tmp_path):
    expected = np.mean(losses_by_hand(base, triplets, 0.2))
    config = TrainConfig(
        objective="triplet", epochs=1, batch_size=6, learning_rate=1e-12
    )  # so small that nothing moves
    history = fine_tune(base, triplets, config, tmp_path / "run").history
    assert history["step"].to_list() == [1, 2, 3]
    assert history["train_loss"].mean() == pytest.approx(expected, abs=1e-6)


def test_the_first_contrast_is_that_of_the_base(base, triplets, tmp_path):
    pairs = triplets.unique("anchor_text", maintain_order=True)
    scores = base.score(pairs["anchor_text"], pairs["anchor_seq"].to_list()) / base.temperature
    both = [table - np.log(np.exp(table).sum(axis=1, keepdims=True)) for table in (scores, scores.T)]
    config = TrainConfig(objective="contrastive", epochs=1)
    run = fine_tune(base, pairs.drop("hard_neg_seq"), config, tmp_path / "run")
    expected = -np.mean([np.diag(table) for table in both])
    assert run.history["train_loss"].to_list() == [pytest.approx(expected, abs=1e-5)]


def test_no_step_is_wasted_on_a_row_without_negatives(base, triplets, tmp_path):
    pairs = triplets.unique("anchor_seq", maintain_order=True)  # nine
    config = replace(CONFIG, objective="contrastive", epochs=2)
    run = fine_tune(base, pairs, config, tmp_path / "run")
    assert run.history["step"].to_list() == [1, 2], "one step an epoch, of nine rows instead of eight and one"
    assert run.history["train_loss"].min() > 0.1


def test_it_learns_the_twins(base, triplets, valid, tmp_path, capsys):
    before = base.fingerprint()
    run = fine_tune(base, triplets, replace(CONFIG, epochs=10), tmp_path / "run", valid=valid)
    assert run.history["train_loss"].tail(3).mean() < run.history["train_loss"].head(3).mean() / 4
    assert np.mean([loss == 0 for loss in losses_by_hand(run.model, triplets, 1e-9)]) > 0.8
    assert run.model.fingerprint() != before
    assert sorted(path.name for path in run.folder.iterdir()) == [
        "config.json", "log.jsonl", "loss_curve.pdf", "loss_curve.png", "loss_history.csv", "model"
    ]  # fmt: skip
    saved = ProTrek.from_pretrained(run.folder, device="cpu")
    trained = saved.history[-1]
    assert (trained["step"], trained["epochs"], trained["base"]) == ("train", 10, before)
    assert saved.fingerprint() == run.model.fingerprint()
    assert read_history(run.folder).equals(run.history)
    out, err = capsys.readouterr()
    assert out == "", "stdout is for results"
    assert "epoch 10: validation hard" in err


def test_the_epoch_that_validates_best_is_kept(base, triplets, valid, tmp_path):
    run = fine_tune(base, triplets, replace(CONFIG, epochs=8, seed=4), tmp_path / "run", valid=valid)
    validated = run.history.drop_nulls("valid_score")
    assert validated["epoch"].to_list() == [0, 1, 2, 3, 4, 5, 6, 7, 8], "the base, and each epoch"
    trained = validated.tail(8)
    best = trained.row(trained["valid_score"].arg_max(), named=True)
    assert best["valid_hard"] > trained["valid_hard"].min(), "the epochs differ, or this shows nothing"
    kept = Validation(valid, margin=0.2, tolerance=0.003, batch_size=16, seed=0)(run.model)
    assert kept["hard_accuracy"] == best["valid_hard"]
    assert kept["loss"] == pytest.approx(best["valid_loss"], abs=1e-6)


def test_training_stops_when_nothing_gets_better(base, triplets, valid, tmp_path):
    config = replace(CONFIG, epochs=9, learning_rate=1e-12, patience=2)
    run = fine_tune(base, triplets, config, tmp_path / "run", valid=valid)
    assert run.history["epoch"].max() == 3
    with pytest.raises(OptionError, match="patience = 2: needs a validation table"):
        fine_tune(base, triplets, config, tmp_path / "other")


def test_the_log_has_a_line_for_each_step(base, triplets, valid, tmp_path):
    run = fine_tune(base, triplets, CONFIG, tmp_path / "run", valid=valid)
    lines = [json.loads(line) for line in (run.folder / "log.jsonl").read_text().splitlines()]
    assert lines[0]["step"] == 0
    assert lines[0]["eval_hard_accuracy"] == run.history["valid_hard"][0]
    assert [line["loss"] for line in lines if "loss" in line] == run.history["train_loss"].drop_nulls().to_list()


def test_the_same_seed_gives_the_same_weights(saved_base, triplets, tmp_path):
    runs = []
    for name, seed in (("first", 1), ("again", 1), ("other", 2)):
        base = ProTrek.from_pretrained(saved_base, device="cpu")
        runs.append(fine_tune(base, triplets, replace(CONFIG, epochs=2, seed=seed), tmp_path / name))
    first, again, other = (run.model.fingerprint() for run in runs)
    assert first == again != other
    assert runs[0].history.equals(runs[1].history)


def test_guessing_residues_moves_the_sequence_encoder_alone(base, triplets, tmp_path):
    before = {name: weight.clone() for name, weight in base.state_dict().items()}
    proteins = triplets.select(sequence="anchor_seq")
    config = replace(CONFIG, objective="masked", epochs=6)
    run = fine_tune(base, proteins, config, tmp_path / "run", valid=proteins)
    moved = {name for name, weight in run.model.state_dict().items() if not weight.equal(before[name])}
    assert moved, "neither the text tower nor the projection"
    assert all(name.startswith("0.sub_modules.sequence.0.") for name in moved)
    losses = run.history["valid_loss"].drop_nulls().to_list()
    assert losses[-1] < losses[0]
    assert run.history["valid_score"].drop_nulls().to_list() == [-loss for loss in losses]
    assert (tmp_path / "run" / "loss_curve.png").stat().st_size > 0


def stop_at(step):
    """Return an `on_log` that stops as by Ctrl-C once so many steps are done."""
    whole = StepProgress.on_log

    def stop(self, args, state, control, **kwargs):
        if state.global_step == step:
            raise KeyboardInterrupt
        whole(self, args, state, control, **kwargs)

    return stop


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"objective": "balanced", "checkpoint_every": 1, "learn_temperature": True, "patience": 9},
        {"objective": "contrastive", "mlm": 0.5, "checkpoint_every": 2},
        {"objective": "masked", "checkpoint_every": 2, "batch_size": 3},
    ],
)
def test_an_interrupted_run_ends_as_one_in_one_go(saved_base, full_triplets, valid, tmp_path, monkeypatch, settings):
    config = replace(CONFIG, **settings)

    def run(folder, if_exists="refuse"):
        base = ProTrek.from_pretrained(saved_base, device="cpu")
        validation = valid if "patience" in settings else None
        return fine_tune(base, full_triplets, config, folder, valid=validation, if_exists=if_exists)

    whole = run(tmp_path / "whole")
    with monkeypatch.context() as patch:
        patch.setattr(StepProgress, "on_log", stop_at(8))  # in the midst of the third epoch of three steps
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path / "begun")
    assert not (tmp_path / "begun" / "model").exists()
    moved = (tmp_path / "begun").rename(tmp_path / "moved")
    last = moved / "checkpoints" / f"checkpoint-{7 if settings.get('checkpoint_every') == 1 else 6}"
    broken = moved / "checkpoints" / "checkpoint-8"  # cut off while it was written
    shutil.copytree(last, broken)
    (broken / "optimizer.pt").write_bytes((broken / "optimizer.pt").read_bytes()[:100])
    (moved / "checkpoints" / "checkpoint-12").mkdir()

    resumed = run(moved, if_exists="resume")
    assert resumed.model.fingerprint() == whole.model.fingerprint()
    assert resumed.model.temperature == whole.model.temperature
    assert resumed.history.equals(whole.history)
    assert not (moved / "checkpoints").exists()
    steps = [json.loads(line)["step"] for line in (moved / "log.jsonl").read_text().splitlines()]
    assert steps == sorted(steps)

    again = run(moved, if_exists="resume")  # nothing left to do
    assert again.model.fingerprint() == whole.model.fingerprint()
    assert again.history.equals(whole.history)


def test_a_run_that_dies_at_its_last_breath(saved_base, triplets, valid, tmp_path, monkeypatch):
    def run(folder, if_exists="refuse"):
        base = ProTrek.from_pretrained(saved_base, device="cpu")
        return fine_tune(base, triplets, CONFIG, folder, valid=valid, if_exists=if_exists)

    whole = run(tmp_path / "whole")
    with monkeypatch.context() as patch:
        patch.setattr("protrek_hm.train.run.write_history", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path / "begun")
    resumed = run(tmp_path / "begun", if_exists="resume")
    assert resumed.model.fingerprint() == whole.model.fingerprint()


def _interrupt(*_args, **_options):
    raise KeyboardInterrupt


def test_what_is_there_is_not_lost(base, triplets, tmp_path):
    (tmp_path / "thesis.txt").write_text("all my work")
    for if_exists in ("refuse", "resume"):
        with pytest.raises(OutputExistsError):
            fine_tune(base, triplets, CONFIG, tmp_path, if_exists=if_exists)
    assert (tmp_path / "thesis.txt").exists()
    fine_tune(base, triplets, replace(CONFIG, epochs=1), tmp_path, if_exists="overwrite")
    first = read_history(tmp_path)
    fine_tune(base, triplets, replace(CONFIG, epochs=2), tmp_path, if_exists="overwrite")
    assert read_history(tmp_path).height == 2 * first.height
    assert (tmp_path / "thesis.txt").exists()


def test_only_the_same_run_is_resumed(saved_base, triplets, valid, tmp_path):
    def run(data=triplets, config=CONFIG, model=saved_base, **options):
        loaded = ProTrek.from_pretrained(model, device="cpu")
        return fine_tune(loaded, data, config, tmp_path / "run", if_exists="resume", **options)

    run()  # nothing there yet: it is begun
    for changed, name in (
        ({"config": replace(CONFIG, learning_rate=1e-4)}, "learning_rate = 0.0001: .* was begun with 0.005"),
        ({"data": triplets.reverse()}, "table = '18 rows, "),
        ({"valid": valid}, "valid = '6 rows, "),
        ({"model": tmp_path / "run"}, "base = "),
    ):
        with pytest.raises(OptionError, match=name):
            run(**changed)
    run(triplets.with_columns(seq_similarity=0.9))  # a column that training does not read


def test_data_that_cannot_be_trained_on(base, triplets, tmp_path):
    run = tmp_path / "run"
    with pytest.raises(MissingColumnError, match="no column 'hard_neg_seq'"):
        fine_tune(base, triplets.drop("hard_neg_seq"), CONFIG, run)
    with pytest.raises(MissingColumnError, match="validation table: no column 'anchor_text'"):
        fine_tune(base, triplets, CONFIG, run, valid=triplets.drop("anchor_text"))
    with pytest.raises(NothingFoundError, match="training table: no rows"):
        fine_tune(base, triplets.clear(), CONFIG, run)
    with pytest.raises(NothingFoundError, match="validation table: no rows"):
        fine_tune(base, triplets, CONFIG, run, valid=pl.DataFrame(schema=triplets.schema))
    with pytest.raises(OptionError, match="two rows"):
        fine_tune(base, triplets.head(1), replace(CONFIG, objective="contrastive"), run)
    assert not run.exists()


def test_a_loss_that_is_no_number_is_an_error(base, triplets, tmp_path):
    with pytest.raises(
        ModelError, match=r"the (loss|gradient) is nan at step \d+, on row \d+, row .*lower learning rate"
    ):
        fine_tune(base, triplets, replace(CONFIG, learning_rate=1e38, warmup=0.0), tmp_path / "run")
