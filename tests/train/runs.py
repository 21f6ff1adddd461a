"""A training run; as a process of its own `python runs.py FOLDER BASE TABLE [SETTING=VALUE …]`, also under torchrun.

With `die=STEP` it kills itself, as by `kill -9`, at the end of that step.
"""

import json
import os
import signal
import sys
from pathlib import Path

import polars as pl
import torch
from transformers import TrainerCallback

from protrek_hm.model import ProTrek
from protrek_hm.train import TrainConfig, fine_tune


class Die(TrainerCallback):
    def __init__(self, step):
        self.step = step

    def on_step_end(self, args, state, control, **kwargs):
        if state.global_step == self.step:
            os.kill(os.getpid(), signal.SIGKILL)


def train(folder, base, table, *, die=0, **settings):
    rows = pl.read_csv(table)
    return fine_tune(
        ProTrek.from_pretrained(base, device="cpu"),
        rows,
        TrainConfig(**settings),
        Path(folder),
        valid=rows,
        if_exists="resume",
        callbacks=[Die(die)],
    )


if __name__ == "__main__":
    torch.set_num_threads(1)
    places, settings = sys.argv[1:4], sys.argv[4:]
    train(*places, **{key: json.loads(value) for key, value in (each.split("=") for each in settings)})
