"""Whole runs in which only a part of the model moves, or the average of the weights is kept."""

from dataclasses import replace

import pytest
import torch

from protrek_hm.model import ProTrek
from protrek_hm.train import TrainConfig, fine_tune
from protrek_hm.train.history import StepProgress
from protrek_hm.train.validation import Validation

CONFIG = TrainConfig(objective="triplet", epochs=3, learning_rate=5e-3, batch_size=6)  # three steps an epoch


def moved(model, saved_base):
    before = ProTrek.from_pretrained(saved_base, device="cpu").state_dict()
    after = model.state_dict()
    assert before.keys() == after.keys(), "a plain model"
    return {name for name, weight in after.items() if not torch.equal(weight, before[name])}


@pytest.mark.parametrize(
    ("settings", "parts"),
    [
        ({"tune": "heads"}, (".2.linear.",)),
        ({"tune": "last:1", "lr_text": 0}, (".sequence.0.model.encoder.", ".sequence.2.linear.")),
        ({"tune": "lora", "lora_rank": 2}, (".2.linear.", ".encoder.layer.")),
        ({"tune": "full", "lr_sequence": 0, "layer_decay": 0.5}, (".text.",)),
    ],
)
def test_only_that_part_moves(base, saved_base, triplets, tmp_path, settings, parts):
    run = fine_tune(base, triplets, replace(CONFIG, epochs=1, **settings), tmp_path / "run")
    names = moved(run.model, saved_base)
    for part in parts:
        assert any(part in name for name in names), part
    assert all(any(part in name for part in parts) for name in names)
    loaded = ProTrek.from_pretrained(run.folder, device="cpu")
    assert loaded.fingerprint() == run.model.fingerprint()


def test_structures_that_nobody_gave_change_nothing(triplets, tmp_path):
    from protrek_hm.model import ModelConfig, TowerConfig

    tower = TowerConfig(layers=1, hidden=16, heads=2, max_tokens=20)
    config = ModelConfig(sequence=tower, text=tower, structure=tower, dimension=8, vocabulary=100)
    model = ProTrek.build(config, texts=["Binds potassium."], device="cpu")
    before = {name: weight.clone() for name, weight in model.routes["structure"].state_dict().items()}
    fine_tune(model, triplets, replace(CONFIG, epochs=1, weight_decay=0.9), tmp_path / "run")
    assert all(torch.equal(weight, before[name]) for name, weight in model.routes["structure"].state_dict().items())


def test_the_cosine_falls_as_it_should(base, triplets, tmp_path):
    config = replace(CONFIG, schedule="cosine", warmup=0.0, epochs=2)
    rates = fine_tune(base, triplets, config, tmp_path / "run").history["learning_rate"]
    expected = [5e-3 * (1 + torch.tensor(torch.pi * step / 6).cos().item()) / 2 for step in range(6)]
    assert rates.to_list() == pytest.approx(expected)


class KeepWeights(StepProgress):
    """Copies the weights after each step."""

    def __init__(self, model):
        super().__init__()
        self.model, self.seen = model, []

    def on_step_end(self, args, state, control, **kwargs):
        self.seen.append({name: weight.detach().clone() for name, weight in self.model.named_parameters()})

    def on_train_begin(self, args, state, control, **kwargs):
        pass

    def on_log(self, args, state, control, logs=None, **kwargs):
        pass


def test_the_average_is_kept(base, triplets, tmp_path):
    start = {name: weight.detach().clone() for name, weight in base.named_parameters()}
    keep = KeepWeights(base)
    run = fine_tune(base, triplets, replace(CONFIG, ema=0.3), tmp_path / "run", callbacks=[keep])
    name = "0.sub_modules.text.2.linear.weight"
    mean = start[name]
    for step, weights in enumerate(keep.seen, start=1):
        share = min(0.3, (1 + step) / (10 + step))
        mean = share * mean + (1 - share) * weights[name]
    assert len(keep.seen) == 9
    torch.testing.assert_close(run.model.state_dict()[name], mean)
    saved = ProTrek.from_pretrained(run.folder, device="cpu")
    assert torch.equal(saved.state_dict()[name], run.model.state_dict()[name])


def test_the_average_is_what_is_validated(base, triplets, valid, tmp_path):
    run = fine_tune(base, triplets, replace(CONFIG, ema=0.9), tmp_path / "run", valid=valid)
    validated = run.history.drop_nulls("valid_loss")
    measured = Validation(valid, margin=CONFIG.margin, tolerance=0.003, batch_size=12, seed=0)(run.model)
    assert any(measured["loss"] == pytest.approx(loss, abs=1e-6) for loss in validated["valid_loss"])


@pytest.mark.parametrize(("settings", "validated"), [({"tune": "lora", "ema": 0.5}, True), ({"ema": 0.5}, False)])
def test_an_interrupted_run_ends_as_one_in_one_go(
    saved_base, triplets, valid, tmp_path, monkeypatch, settings, validated
):
    def run(folder, if_exists="refuse"):
        base = ProTrek.from_pretrained(saved_base, device="cpu")
        config = replace(CONFIG, **settings)
        return fine_tune(base, triplets, config, folder, valid=valid if validated else None, if_exists=if_exists)

    whole = run(tmp_path / "whole")
    with monkeypatch.context() as patch:
        patch.setattr(StepProgress, "on_log", _stop)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path / "begun")
    resumed = run(tmp_path / "begun", if_exists="resume")
    assert resumed.model.fingerprint() == whole.model.fingerprint()
    assert resumed.history.equals(whole.history)


def _stop(self, args, state, control, **kwargs):
    if state.global_step == 8:
        raise KeyboardInterrupt
