"""A run that is killed anywhere ends as one in one go; a damaged checkpoint is found, and never deleted unseen."""

import gc
import json
import os
import re
import resource
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import TrainerCallback

from protrek_hm.errors import BusyError, FileFormatError, ModelError, OutputError
from protrek_hm.files import MARKER, writing
from protrek_hm.model import ProTrek
from protrek_hm.train import TrainConfig, fine_tune
from protrek_hm.train.folder import damage
from protrek_hm.train.validation import Validation

CONFIG = TrainConfig(objective="triplet", epochs=2, learning_rate=5e-3, batch_size=3, checkpoint_every=2)
STEPS = 12  # six an epoch


class Killed(BaseException):
    """No code of ours catches it."""


class KillAfter(TrainerCallback):
    """Kills at the end of a step, before anything is logged or saved."""

    def __init__(self, step):
        self.step = step

    def on_step_end(self, args, state, control, **kwargs):
        if state.global_step == self.step:
            raise Killed


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr("protrek_hm.train.history._draw_curve", lambda *_: None)
    monkeypatch.setattr(gc, "collect", lambda *_: 0)


@pytest.fixture
def train(saved_base, triplets, valid):
    def train(folder, *callbacks, if_exists="resume", validation=valid, **settings):
        base = ProTrek.from_pretrained(saved_base, device="cpu")
        config = replace(CONFIG, **settings)
        return fine_tune(base, triplets, config, folder, valid=validation, if_exists=if_exists, callbacks=callbacks)

    return train


def last_line(run):
    line = json.loads((run.folder / "log.jsonl").read_text().splitlines()[-1])
    return line["step"], line["train_loss"]


def same(run, whole):
    weights = run.model.fingerprint() == whole.model.fingerprint()
    return weights and run.history.equals(whole.history) and last_line(run) == last_line(whole)


def test_killed_after_any_step(train, tmp_path):
    whole = train(tmp_path / "whole")
    for step in range(1, STEPS + 1):
        folder = tmp_path / f"killed-{step}"
        with pytest.raises(Killed):
            train(folder, KillAfter(step))
        left = [int(path.name.split("-")[1]) for path in (folder / "checkpoints").glob("checkpoint-*")]
        assert max(left, default=0) == (step - 1) // 2 * 2, "no more than two steps are lost"
        assert same(train(folder), whole), step
        assert {path.name for path in folder.iterdir()} == {path.name for path in whole.folder.iterdir()}


def kill_at(monkeypatch, event):
    """Kill before the `event`-th change of a name on the disk; what runs after that changes nothing, as if dead."""
    count = 0

    def dying(change):
        def counted(*args, **kwargs):
            nonlocal count
            count += 1
            if count == event:
                raise Killed
            return change(*args, **kwargs) if count < event else None

        return counted

    for owner, name in ((Path, "rename"), (Path, "replace"), (shutil, "rmtree"), (Path, "unlink"), (torch, "save")):
        monkeypatch.setattr(owner, name, dying(getattr(owner, name)))


def test_killed_at_a_change_of_the_disk(train, tmp_path, monkeypatch):
    settings = {"epochs": 1, "batch_size": 6, "checkpoint_every": 1}
    whole = train(tmp_path / "whole", **settings)
    names = {path.name for path in whole.folder.iterdir()}
    for event in range(2, 99, 3):  # all of them would take a minute
        folder = tmp_path / f"killed-{event}"
        with monkeypatch.context() as patch:
            kill_at(patch, event)
            try:
                train(folder, **settings)
                break
            except Killed:
                pass
        assert same(train(folder, **settings), whole), event
        assert {path.name for path in folder.iterdir()} == names, event
    assert 20 < event < 95


@pytest.mark.parametrize("step", [7, 19, 30])
def test_patience_is_not_lost(train, tmp_path, step):
    settings = {"epochs": 9, "learning_rate": 1e-12, "patience": 4, "checkpoint_every": None}  # nothing gets better
    whole = train(tmp_path / "whole", **settings)
    assert whole.history["epoch"].max() == 5
    killer = KillAtEnd() if step == 30 else KillAfter(step)  # stopped, and killed before the model was written
    with pytest.raises(Killed):
        train(tmp_path / "killed", killer, **settings)
    assert same(train(tmp_path / "killed", **settings), whole)


class KillAtEnd(TrainerCallback):
    def on_train_end(self, *_args, **_kwargs):
        raise Killed


class SaveBeforeValidation(TrainerCallback):
    """Asks for a checkpoint at an epoch's end, as earlier versions did."""

    def on_step_end(self, args, state, control, **kwargs):
        control.should_save |= state.global_step % 6 == 0


@pytest.mark.parametrize("settings", [{}, {"epochs": 1}, {"patience": 1, "epochs": 4, "learning_rate": 1e-12}])
def test_an_epoch_that_was_not_validated_is_so_first(train, tmp_path, monkeypatch, settings):
    whole = train(tmp_path / "whole", SaveBeforeValidation(), **settings)
    measure, asked = Validation.__call__, []

    def dying(*args, **kwargs):
        asked.append(1)
        if len(asked) == 2:  # the first time is that of the base
            raise Killed
        return measure(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(Validation, "__call__", dying)
        with pytest.raises(Killed):
            train(tmp_path / "killed", SaveBeforeValidation(), **settings)
    assert (tmp_path / "killed" / "checkpoints" / "checkpoint-6").is_dir()
    assert same(train(tmp_path / "killed", SaveBeforeValidation(), **settings), whole)


def flip(path):
    """Change one bit in the midst of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.fixture
def killed(train, tmp_path):
    """Return the checkpoints of a run that died after step 9: one of step 6, the best epoch, and one of step 8."""
    with pytest.raises(Killed):
        train(tmp_path / "killed", KillAfter(9))
    return tmp_path / "killed" / "checkpoints"


def test_a_flipped_bit_is_found(train, killed, tmp_path, caplog):
    whole = train(tmp_path / "whole")
    names = sorted(path.name for path in (killed / "checkpoint-8").iterdir() if not path.name.startswith("."))
    assert {"weights.safetensors", "optimizer.pt", "scheduler.pt", "trainer_state.json", "files.json"} < {*names}
    for name in names:
        folder = tmp_path / name
        shutil.copytree(killed.parent, folder)
        flip(folder / "checkpoints" / "checkpoint-8" / name)
        assert damage(folder / "checkpoints" / "checkpoint-8") is not None
        assert same(train(folder), whole)
        assert re.search(r"checkpoint-8: .* is (missing or )?damaged; going on from checkpoint-6$", caplog.messages[-1])


def test_damage_without_another_checkpoint_is_an_error(train, killed):
    for name in ("checkpoint-6", "checkpoint-8"):
        flip(killed / name / "weights.safetensors")
    before = sorted(killed.rglob("*"))
    with pytest.raises(FileFormatError, match=r"checkpoint-8: weights\S+ is damaged; put back a copy.*--force"):
        train(killed.parent)
    assert sorted(killed.rglob("*")) == before
    for name in ("files.json", MARKER):
        (killed / "checkpoint-8" / name).unlink()
    (killed / ".checkpoint-10.4194305.partial").mkdir()  # of a process that cannot be there any more
    (killed / ".checkpoint-10.4194305.partial" / "optimizer.pt").touch()
    anew = train(killed.parent, if_exists="overwrite")
    assert anew.history["step"].max() == STEPS


@pytest.mark.parametrize("missing", [True, False])
def test_the_best_checkpoint_is_needed(train, killed, missing):
    best = killed / "checkpoint-6"
    if missing:
        shutil.rmtree(best)
    else:
        os.truncate(best / "weights.safetensors", 100)
    problem = "it is missing" if missing else "weights.safetensors is damaged"
    with pytest.raises(FileFormatError, match=f"checkpoint-8: its best epoch is checkpoint-6, of which {problem}"):
        train(killed.parent)
    assert not (killed.parent / "model").exists()
    assert (killed / "checkpoint-8").is_dir()


class LoseBest(TrainerCallback):
    def on_train_end(self, args, *_args, **_kwargs):
        shutil.rmtree(Path(args.output_dir) / "checkpoint-6")


def test_the_best_checkpoint_may_be_lost_while_training(train, tmp_path):
    settings = {"learning_rate": 1e-12}  # the first epoch is as good as the second
    with pytest.raises(FileFormatError, match="checkpoint-6: it is missing; put back"):
        train(tmp_path / "run", LoseBest(), **settings)
    assert not (tmp_path / "run" / "model").exists()


def test_a_score_that_is_no_number_chooses_no_epoch(train, tmp_path, monkeypatch):
    measure = Validation.__call__
    monkeypatch.setattr(
        Validation, "__call__", lambda *args, **given: {**measure(*args, **given), "score": float("nan")}
    )
    with pytest.raises(ModelError, match="score is nan after step 6"):
        train(tmp_path / "run")


class TrainAgain(TrainerCallback):
    """Begins another training in the same folder, or tries to."""

    def __init__(self, again):
        self.again, self.refused = again, []

    def on_step_end(self, args, state, control, **kwargs):
        with pytest.raises(BusyError, match="run: another process is writing to it; try again"):
            self.again()
        self.refused.append(state.global_step)


@pytest.mark.parametrize("if_exists", ["resume", "overwrite"])
def test_two_trainings_do_not_share_a_folder(train, tmp_path, if_exists):
    again = TrainAgain(lambda: train(tmp_path / "run", if_exists=if_exists, seed=1))
    run = train(tmp_path / "run", again)
    assert len(again.refused) == STEPS
    assert same(run, train(tmp_path / "alone"))
    assert not (run.folder / ".lock").exists()
    with writing(run.folder), pytest.raises(BusyError):
        train(run.folder)


def test_the_old_model_goes_when_the_new_one_is_whole(train, tmp_path):
    old = train(tmp_path / "run", epochs=1, seed=1).model.fingerprint()
    with pytest.raises(Killed):
        train(tmp_path / "run", KillAfter(1), if_exists="overwrite")
    assert ProTrek.from_pretrained(tmp_path / "run", device="cpu").fingerprint() == old
    assert same(train(tmp_path / "run"), train(tmp_path / "whole"))


@pytest.mark.parametrize("room", [300, 5_000, 60_000])
def test_a_full_disk_is_one_line(train, tmp_path, room):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    whole = train(tmp_path / "whole")
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, limits[1]))  # a file cannot grow beyond it, as on a full disk
    try:
        with pytest.raises(OutputError, match="cannot be written") as caught:
            train(tmp_path / "run")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "\n" not in str(caught.value)
    assert same(train(tmp_path / "run"), whole)
