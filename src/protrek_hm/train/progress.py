"""A bar on stderr while a model trains: epoch, loss, rate, remaining time."""

from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments


class StepProgress(TrainerCallback):  # type: ignore[misc]
    """Shows each step's loss, and each epoch's validation accuracy on a line of its own."""

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
        self.bar = self.progress.add_task(
            "training", total=state.max_steps, completed=state.global_step, loss="…"
        )
        self.progress.start()

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        """Move the bar, or print a validation."""
        logs = logs or {}
        if "loss" in logs:
            self.progress.update(self.bar, completed=state.global_step, loss=f"{logs['loss']:.4f}")
        if "eval_accuracy" in logs:
            epoch, accuracy, loss = round(state.epoch or 0), logs["eval_accuracy"], logs["eval_loss"]
            self.progress.console.print(f"epoch {epoch}: validation accuracy {accuracy:.1%}, loss {loss:.4f}")

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Close the bar."""
        self.progress.stop()
