"""What a run does beside its steps: it writes `log.jsonl`, shows a bar, asks for checkpoints, and stops early."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from protrek_hm.errors import OptionError
from protrek_hm.train.distributed import is_first_process
from protrek_hm.train.history import validations_since_best

LOG = "log.jsonl"


class JsonLines(TrainerCallback):
    """Writes what the trainer logs; a resumed run's file begins with what its checkpoint knew.

    base: what validation said of the base; it becomes the line of step 0.
    """

    def __init__(self, folder: Path, base: Mapping[str, float] | None) -> None:
        self.path, self.base = folder / LOG, base

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Begin the file."""
        if not state.log_history and self.base is not None:
            entry = {f"eval_{name}": value for name, value in self.base.items()}
            state.log_history.append({**entry, "epoch": 0.0, "step": 0})
        if state.is_world_process_zero:
            lines = [json.dumps(entry) + "\n" for entry in state.log_history]
            self.path.write_text("".join(lines), encoding="utf-8")

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Add a line."""
        if state.is_world_process_zero:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(state.log_history[-1]) + "\n")


class EverySteps(TrainerCallback):
    """Asks for a checkpoint every so many steps, but at an epoch's end, where one follows the validation."""

    def __init__(self, steps: int) -> None:
        self.steps = steps

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Ask, if it is time."""
        epoch = state.max_steps // state.num_train_epochs
        control.should_save |= state.global_step % self.steps == 0 and state.global_step % epoch != 0


class Patience(TrainerCallback):
    """Stops after so many epochs without a better one. It counts them in the log, which every checkpoint holds."""

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Stop at once if the run had stopped, and died before it wrote its model."""
        self.on_evaluate(args, state, control)

    def on_evaluate(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Stop, if it is time."""
        control.should_training_stop |= validations_since_best(state.log_history) >= self.epochs


class TensorBoard(TrainerCallback):
    """Writes what the trainer logs into `folder`/tensorboard.

    Raises
    ------
    OptionError
        If TensorBoard is not installed.
    """

    def __init__(self, folder: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            wanted = "TensorBoard is not installed; pip install 'protrek-hm[tensorboard]'"
            raise OptionError("tensorboard", "on", wanted) from error
        self.folder, self.open = folder / "tensorboard", SummaryWriter

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Open the file."""
        self.writer = self.open(str(self.folder)) if state.is_world_process_zero else None

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Write the numbers of a line."""
        if self.writer is not None:
            for name, value in state.log_history[-1].items():
                self.writer.add_scalar(name.replace("eval_", "valid/"), value, state.global_step)

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Close the file."""
        if self.writer is not None:
            self.writer.close()


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
