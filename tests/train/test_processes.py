"""Runs in processes of their own: killed in their midst, and two that train one model."""

import importlib.util
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from protrek_hm.model import ProTrek
from protrek_hm.train.history import read_history

RUN = Path(__file__).with_name("runs.py")
BALANCED = {"objective": "balanced", "epochs": 2, "batch_size": 8, "learning_rate": 5e-3}


@pytest.fixture
def table(full_triplets, tmp_path):
    full_triplets.write_csv(tmp_path / "table.csv")
    return tmp_path / "table.csv"


@pytest.fixture(scope="module")
def train():
    specification = importlib.util.spec_from_file_location("runs", RUN)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module.train


def start(*places, environment, **settings):
    given = [f"{key}={json.dumps(value)}" for key, value in settings.items()]
    command = [sys.executable, *map(str, (RUN, *places)), *given]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **environment}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_killed_between_checkpoints(saved_base, table, tmp_path, train):
    settings = {**BALANCED, "checkpoint_every": 2, "ema": 0.9, "tune": "lora"}
    killed = start(tmp_path / "run", saved_base, table, environment={}, die=5, **settings)
    whole = train(tmp_path / "whole", saved_base, table, **settings)
    _, told = killed.communicate(timeout=300)
    assert killed.returncode == -9, told
    assert (tmp_path / "run" / "checkpoints" / "checkpoint-4").is_dir(), "one epoch has three steps"
    resumed = train(tmp_path / "run", saved_base, table, **settings)
    assert resumed.model.fingerprint() == whole.model.fingerprint()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "rows"),
    [
        (BALANCED, 18),
        ({**BALANCED, "objective": "masked"}, 18),
        ({**BALANCED, "objective": "contrastive", "mlm": 0.5}, 17),  # eight, then nine: each protein is in two rows
    ],
    ids=["balanced", "masked", "contrastive"],
)
def test_two_processes_are_one_with_the_same_batch(saved_base, full_triplets, tmp_path, train, settings, rows):
    table = tmp_path / "table.csv"
    full_triplets.head(rows).write_csv(table)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}  # as torchrun sets it
    environments = [{**shared, "RANK": rank, "LOCAL_RANK": rank} for rank in ("0", "1")]
    two = [start(tmp_path / "two", saved_base, table, environment=each, **settings) for each in environments]
    one = train(tmp_path / "one", saved_base, table, **settings)
    for process in two:
        _, told = process.communicate(timeout=300)
        assert process.returncode == 0, told
    base, together = (ProTrek.from_pretrained(each, device="cpu") for each in (saved_base, tmp_path / "two"))
    losses = [read_history(tmp_path / name)["train_loss"].drop_nulls().to_list() for name in ("one", "two")]
    assert losses[1] == pytest.approx(losses[0], abs=1e-4)
    after = together.state_dict()
    assert together.fingerprint() != base.fingerprint()
    for name, weight in one.model.state_dict().items():
        if "key.bias" in name:  # no output depends on it: its gradient is rounding, which AdamW scales up
            continue
        torch.testing.assert_close(after[name], weight, atol=2e-5, rtol=1e-4)
