import sys
from types import SimpleNamespace

import pytest
from matplotlib.axes import Axes

from protrek_hm.errors import OptionError
from protrek_hm.train.history import history_frame, read_history, reporter, write_history

LOG = [
    {"step": 1, "epoch": 0.5, "loss": 0.5, "learning_rate": 1e-5, "grad_norm": 3.0},
    {"step": 2, "epoch": 1.0, "loss": 0.4, "learning_rate": 5e-6, "grad_norm": 2.0},
    {"step": 2, "epoch": 1.0, "eval_loss": 0.3, "eval_hard_accuracy": 0.75, "eval_score": 1.7, "eval_runtime": 0.1},
    {"step": 2, "epoch": 1.0, "train_runtime": 9.0, "total_flos": 0.0, "train_loss": 0.45},
]


def test_a_row_a_step():
    rows = history_frame(LOG).rows()
    assert rows == [(1, 0.5, 1e-5, 0.5, None, None, None, None), (2, 1.0, 5e-6, 0.4, 0.3, 0.75, None, 1.7)]


def test_it_is_read_as_it_was_written(tmp_path):
    history = history_frame(LOG)
    write_history(history, tmp_path)
    assert read_history(tmp_path).equals(history)
    assert (tmp_path / "loss_curve.png").stat().st_size > 10_000
    write_history(history.head(1), tmp_path)  # without a validation


def test_the_curve_leaves_out_the_short_last_step_of_an_epoch(tmp_path, monkeypatch):
    drawn = []
    plot = Axes.plot
    monkeypatch.setattr(
        Axes, "plot", lambda self, x, *rest, **style: drawn.append([*x]) or plot(self, x, *rest, **style)
    )
    history = history_frame([{"step": step, "epoch": step / 3, "loss": 0.5} for step in range(1, 7)])
    write_history(history, tmp_path, short_every=3)
    assert drawn[0] == [1 / 3, 2 / 3, 4 / 3, 5 / 3]


def test_what_reports_a_run_and_is_not_installed_is_named(tmp_path, monkeypatch):
    for module in ("wandb", "torch.utils.tensorboard"):
        monkeypatch.setitem(sys.modules, module, None)
    for name, remedy in (("wandb", "pip install wandb"), ("tensorboard", r"protrek-hm\[tensorboard\]")):
        with pytest.raises(OptionError, match=remedy):
            reporter(name, tmp_path)
    with pytest.raises(OptionError, match="must be one of tensorboard, wandb"):
        reporter("mlflow", tmp_path)


@pytest.mark.parametrize("first", [True, False])
def test_weights_and_biases_gets_each_line_of_the_first_process(tmp_path, monkeypatch, first):
    told = []
    run = SimpleNamespace(log=lambda numbers, step: told.append((step, numbers)), finish=lambda: told.append("end"))
    begin = lambda **given: told.append(given) or run  # noqa: E731
    monkeypatch.setitem(sys.modules, "wandb", SimpleNamespace(init=begin))
    monkeypatch.delenv("WANDB_PROJECT", raising=False)
    callback = reporter("wandb", tmp_path / "tuned")
    state = SimpleNamespace(is_world_process_zero=first, log_history=LOG[2:3], global_step=2)
    for event in (callback.on_train_begin, callback.on_log, callback.on_train_end):
        event(None, state, None)
    lines = {name.replace("eval_", "valid/"): value for name, value in LOG[2].items()}
    about = {"project": "protrek-hm", "name": "tuned", "dir": str(tmp_path / "tuned")}
    assert told == ([about, (2, lines), "end"] if first else [])
