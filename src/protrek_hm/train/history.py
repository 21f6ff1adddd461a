"""What happens beside the steps: a log, a bar, a table and a curve; when to save, and when to stop early."""

import json
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Self

import polars as pl
from matplotlib import rc_context
from matplotlib.axes import Axes
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from protrek_hm.config import require
from protrek_hm.errors import OptionError, in_percent
from protrek_hm.figures.style import AFTER, BEFORE, STYLE, new_figure, save_figure, spared
from protrek_hm.files import new_file
from protrek_hm.train.distributed import is_first_process

_COLUMNS = {
    "step": pl.Int64,
    "epoch": pl.Float64,
    "learning_rate": pl.Float64,
    "train_loss": pl.Float64,
    "valid_loss": pl.Float64,
    "valid_hard": pl.Float64,
    "valid_easy": pl.Float64,
    "valid_score": pl.Float64,
}
_TABLE = "loss_history.csv"
# The trainer's own `train_loss`, the mean of the whole run, is none of these
_LOGGED = {
    **{name: name for name in ("step", "epoch", "learning_rate")},
    **{"loss": "train_loss", "eval_loss": "valid_loss", "eval_score": "valid_score"},
    **{f"eval_{kind}_accuracy": f"valid_{kind}" for kind in ("hard", "easy")},
}


def history_frame(log: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    """Turn the trainer's log into one row a step; a step without a validation has nulls there.

    >>> log = [{"step": 2, "epoch": 1.0, "loss": 0.5}, {"step": 2, "epoch": 1.0, "eval_hard_accuracy": 0.75}]
    >>> history_frame(log).select("step", "train_loss", "valid_hard").rows()
    [(2, 0.5, 0.75)]
    """
    rows: dict[int, dict[str, Any]] = {}
    for entry in log:
        known = {_LOGGED[name]: value for name, value in entry.items() if name in _LOGGED}
        rows.setdefault(entry["step"], {}).update(known)
    return pl.DataFrame([rows[step] for step in sorted(rows)], schema=_COLUMNS)


def validation_scores(log: Iterable[Mapping[str, Any]]) -> dict[int, float]:
    """Return the score of each step that was validated, but of the base, at step 0, which is never what is kept."""
    return {entry["step"]: entry["eval_score"] for entry in log if "eval_score" in entry and entry["step"]}


def best_step(log: Iterable[Mapping[str, Any]]) -> int | None:
    """Return the step whose validation is the best so far, the first of equal ones; None before any.

    >>> best_step([{"step": 0, "eval_score": 9}, {"step": 2, "eval_score": 1}, {"step": 4, "eval_score": 1}])
    2
    """
    scores = validation_scores(log)
    return max(scores, key=scores.__getitem__, default=None)


def validations_since_best(log: Iterable[Mapping[str, Any]]) -> int:
    """Count the validations after the best one.

    >>> validations_since_best([{"step": 2, "eval_score": 2}, {"step": 4, "eval_score": 1}, {"step": 5, "loss": 1}])
    1
    """
    scores = [*validation_scores(log).values()]
    return len(scores) - 1 - scores.index(max(scores)) if scores else 0


def write_history(history: pl.DataFrame, folder: Path, *, short_every: int | None = None) -> None:
    """Write `loss_history.csv` and `loss_curve.png` (with its PDF) into `folder`.

    short_every: so many steps make an epoch whose last one has fewer rows than the others. The curve leaves it out: the
    mean of a few rows is noise.
    """
    with new_file(folder / _TABLE) as temporary:
        history.write_csv(temporary)
    picture = folder / "loss_curve.png"
    with spared(picture):
        _draw_curve(history, picture, short_every)


def read_history(folder: Path) -> pl.DataFrame:
    """Read what `write_history` wrote."""
    return pl.read_csv(folder / _TABLE, schema=_COLUMNS)


@rc_context(STYLE)
def _draw_curve(history: pl.DataFrame, path: Path, short_every: int | None) -> None:
    trained = history.drop_nulls("train_loss")
    if short_every is not None:
        trained = trained.filter(pl.col("step") % short_every != 0)
    validated = history.drop_nulls("valid_score")
    figure = new_figure(6.0, 3.2)
    losses = figure.add_subplot()
    smooth = trained["train_loss"].rolling_mean(max(1, trained.height // 20), min_samples=1)
    losses.plot(trained["epoch"], trained["train_loss"], color=BEFORE, alpha=0.3, linewidth=0.6)
    losses.plot(trained["epoch"], smooth, color=BEFORE, label="training loss")
    losses.set(title="Training", xlabel="epoch", ylabel="loss", ylim=(0, None))
    if validated["valid_hard"].count() or validated["valid_easy"].count():
        _draw_validation(validated, losses.twinx())
    elif validated.height:
        losses.plot(validated["epoch"], validated["valid_loss"], color=AFTER, marker=".", label="validation loss")
    handles = [handle for axes in figure.axes for handle in axes.get_legend_handles_labels()[0]]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    save_figure(figure, path)


def _draw_validation(validated: pl.DataFrame, axes: Axes) -> None:
    axes.spines["right"].set_visible(True)
    axes.set(ylabel="validation accuracy (%)", ylim=(0, 102))
    trained = validated.filter(pl.col("step") > 0)  # the base, at step 0, is never what is kept
    best = trained["valid_score"].arg_max()
    for kind, style in (("hard", "-"), ("easy", "--")):
        curve = validated.drop_nulls(f"valid_{kind}")
        if not curve.height:
            continue
        axes.plot(curve["epoch"], 100 * curve[f"valid_{kind}"], style, color=AFTER, marker=".", label=f"valid, {kind}")
        if best is not None:
            point = (trained["epoch"][best], 100 * trained[f"valid_{kind}"][best])
            axes.plot(*point, marker="o", markersize=9, markerfacecolor="none", color=AFTER)


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
            raise OptionError("report_to", "tensorboard", wanted) from error
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


class WeightsAndBiases(TrainerCallback):
    """Writes what the trainer logs to Weights & Biases, as a run that bears the name of `folder`.

    Project, mode (such as offline) and key are wandb's own environment variables; the project is protrek-hm by default.

    Raises
    ------
    OptionError
        If wandb is not installed.
    """

    def __init__(self, folder: Path) -> None:
        try:
            import wandb
        except ImportError as error:
            raise OptionError("report_to", "wandb", "wandb is not installed; pip install wandb") from error
        self.folder, self.wandb = folder, wandb

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Begin the run."""
        project = os.environ.get("WANDB_PROJECT", "protrek-hm")
        first = state.is_world_process_zero
        self.run = self.wandb.init(project=project, name=self.folder.name, dir=str(self.folder)) if first else None

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Write the numbers of a line."""
        if self.run is not None:
            numbers = {name.replace("eval_", "valid/"): value for name, value in state.log_history[-1].items()}
            self.run.log(numbers, step=state.global_step)

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """End the run."""
        if self.run is not None:
            self.run.finish()


_REPORTERS: Mapping[str, Callable[[Path], TrainerCallback]] = {"tensorboard": TensorBoard, "wandb": WeightsAndBiases}


def reporter(name: str, folder: Path) -> TrainerCallback:
    """Return what shows the numbers of the run `folder` in another program while it goes on: tensorboard or wandb.

    Raises
    ------
    OptionError
        If the program is another one, or not installed.
    """
    require("report_to", name, f"must be one of {', '.join(_REPORTERS)}", holds=name in _REPORTERS)
    return _REPORTERS[name](folder)


class StepProgress(TrainerCallback):
    """Shows each step's loss; prints the validation of the base and of each epoch, and which epoch is kept.

    Without a validation, and where there is no terminal for a bar, each epoch's mean loss has a line. Of several
    processes the first one prints. As a context it gives the terminal back, however the training ends.

    base: what validation said of the base.
    """

    def __init__(self, base: Mapping[str, float] | None = None) -> None:
        self.base = base
        self.losses: list[float] = []
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
        if self.base is not None and not state.global_step:
            self.progress.console.print(f"base: {describe_validation(self.base)}")

    def on_epoch_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Print the mean loss, if no validation follows and there is no bar."""
        if self.base is None and self.losses and not self.progress.console.is_terminal:
            loss = sum(self.losses) / len(self.losses)
            self.progress.console.print(f"epoch {round(state.epoch or 0)}: training loss {loss:.4f}")
        self.losses = []

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Print which epoch is kept."""
        if (best := best_step(state.log_history)) is not None:
            epoch = next(each["epoch"] for each in state.log_history if each["step"] == best and "eval_score" in each)
            self.progress.console.print(f"kept: epoch {round(epoch)}")

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
            self.losses.append(logs["loss"])
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
    'validation hard 50.0 %, loss 0.2500'
    """
    kinds = [
        f"{kind} {in_percent(measured[f'{kind}_accuracy'])}"
        for kind in ("hard", "easy")
        if f"{kind}_accuracy" in measured
    ]
    if "perplexity" in measured:
        kinds = [f"perplexity {measured['perplexity']:.2f}"]
    return f"validation {', '.join(kinds)}, loss {measured['loss']:.4f}"
