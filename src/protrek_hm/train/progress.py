"""A bar on stderr while a model trains: epoch, loss, rate, remaining time."""

import math
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from protrek_hm.errors import ModelError


class StepProgress(TrainerCallback):
    """Shows each step's loss, and each epoch's validation accuracy on a line of its own.

    As a context it gives the terminal back, however the training ends.
    """

    def __init__(self) -> None:
        self.progress = Progress(
            TextColumn("training"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("loss {task.fields[loss]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Open the bar."""
        self.bar = self.progress.add_task("training", total=state.max_steps, completed=state.global_step, loss="…")
        self.progress.start()

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        """Move the bar, or print a validation.

        Raises
        ------
        ModelError
            If the loss is no number any more.
        """
        logs = logs or {}
        if "loss" in logs:
            if not math.isfinite(logs["loss"]):
                problem = f"the loss is {logs['loss']} after step {state.global_step}"
                raise ModelError(problem, "train anew with a lower learning rate (--lr)")
            self.progress.update(self.bar, completed=state.global_step, loss=f"{logs['loss']:.4f}")
        if "eval_accuracy" in logs:
            epoch, accuracy, loss = round(state.epoch or 0), logs["eval_accuracy"], logs["eval_loss"]
            self.progress.console.print(f"epoch {epoch}: validation accuracy {accuracy:.1%}, loss {loss:.4f}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.progress.stop()
