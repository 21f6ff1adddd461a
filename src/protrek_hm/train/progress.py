"""A bar on stderr while a model trains: epoch, loss, rate, remaining time."""

from collections.abc import Mapping
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from protrek_hm.train.distributed import is_first_process


class StepProgress(TrainerCallback):
    """Shows each step's loss, and each epoch's validation on a line of its own; of several processes the first does.

    As a context it gives the terminal back, however the training ends.
    """

    def __init__(self) -> None:
        self.progress = Progress(
            TextColumn("training"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("loss {task.fields[loss]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True, quiet=not is_first_process()),
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
        """Move the bar, or print a validation."""
        logs = logs or {}
        if "loss" in logs:
            self.progress.update(self.bar, completed=state.global_step, loss=f"{logs['loss']:.4f}")
        if "eval_score" in logs:
            shown = describe_validation({name.removeprefix("eval_"): value for name, value in logs.items()})
            self.progress.console.print(f"epoch {round(state.epoch or 0)}: {shown}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.progress.stop()


def describe_validation(measured: Mapping[str, float]) -> str:
    """Say in a line what `Validation` or `Perplexity` measured.

    >>> describe_validation({"hard_accuracy": 0.5, "loss": 0.25, "score": 1.5})
    'validation hard 50.0%, loss 0.2500'
    """
    kinds = [
        f"{kind} {measured[f'{kind}_accuracy']:.1%}" for kind in ("hard", "easy") if f"{kind}_accuracy" in measured
    ]
    if "perplexity" in measured:
        kinds = [f"perplexity {measured['perplexity']:.2f}"]
    return f"validation {', '.join(kinds)}, loss {measured['loss']:.4f}"
