"""Train a ProTrek on triplets with the sentence-transformers trainer; keep the weights that validate best.

A run folder holds `model/` (the best weights), `loss_history.csv`, `loss_curve.png`, `config.json` and, until
the run is finished, `checkpoints/`, from which an interrupted run goes on.
"""

import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars as pl
from datasets import Dataset
from sentence_transformers import SentenceTransformerTrainer, SentenceTransformerTrainingArguments
from transformers import PrinterCallback, ProgressCallback

from protrek_hm.errors import MissingColumnError, NothingFoundError, OptionError
from protrek_hm.files import new_folder
from protrek_hm.model.protrek import ProTrek
from protrek_hm.model.source import no_progress_bars
from protrek_hm.train.config import TrainConfig
from protrek_hm.train.folder import CHECKPOINTS, MODEL, IfExists, begin, digest, is_finished
from protrek_hm.train.history import history_frame, read_history, write_history
from protrek_hm.train.losses import make_loss
from protrek_hm.train.progress import StepProgress
from protrek_hm.train.validation import TwinAccuracy

COLUMNS = ("anchor_text", "anchor_seq", "hard_neg_seq")
_ROLES = dict(zip(COLUMNS, ("text", "positive", "negative"), strict=True))
_ROUTES = {"text": "text", "positive": "sequence", "negative": "sequence"}


@dataclass(frozen=True)
class TrainingRun:
    """A finished run: its folder, the model with the best weights, and what happened at each step."""

    folder: Path
    model: ProTrek
    history: pl.DataFrame


class _Trainer(SentenceTransformerTrainer):
    """The trainer, without what it gathers for the stock model card."""

    def add_model_card_callback(self, default_args_dict: dict[str, Any]) -> None:
        """Do nothing: our card is written by the model."""


def fine_tune(
    model: ProTrek,
    triplets: pl.DataFrame,
    config: TrainConfig,
    folder: Path,
    *,
    valid: pl.DataFrame | None = None,
    if_exists: IfExists = "refuse",
) -> TrainingRun:
    """Train `model` in place on `triplets` and save it below `folder`.

    Parameters
    ----------
    model
        The base; its weights change.
    triplets
        Rows with `anchor_text`, `anchor_seq` and (for the objective "triplet") `hard_neg_seq`, as
        `read_triplets` gives.
    config
        Objective, epochs, rates.
    folder
        The run folder.
    valid
        Triplets that choose the epoch to keep; without them the last epoch is kept. Never the test set.
    if_exists
        "refuse" raises if `folder` holds something, "resume" goes on from its last checkpoint (a finished run
        is left as it is), "overwrite" replaces the run in it and leaves all other files alone.

    Raises
    ------
    OutputExistsError
        If the folder holds something and `if_exists` is "refuse".
    MissingColumnError, NothingFoundError
        If a table lacks a column or rows.
    OptionError
        If a run with other settings, data or base is to be resumed, or the contrastive objective has one row.
    ModelError
        If the loss is no number any more.
    """
    columns = _check(triplets, valid, config)
    resolved = {
        **asdict(config),
        "triplets": digest(triplets, columns),
        "valid": digest(valid, COLUMNS),
        "base": model.fingerprint(),
    }
    checkpoint = begin(folder, resolved, if_exists)
    if is_finished(folder):
        model.load_state_dict(ProTrek.from_pretrained(folder, device=str(model.device)).state_dict())
        return TrainingRun(folder, model, read_history(folder))
    progress = StepProgress()
    trainer = _Trainer(
        model=model,
        args=_arguments(config, model, folder / CHECKPOINTS, validate=valid is not None),
        train_dataset=Dataset.from_dict({_ROLES[column]: triplets[column].to_list() for column in columns}),
        loss=make_loss(model, config),
        evaluator=None
        if valid is None
        else TwinAccuracy(valid, margin=config.margin, batch_size=2 * config.batch_size),
        callbacks=[progress],
    )
    for printing in (ProgressCallback, PrinterCallback):  # they print to stdout, which belongs to results
        trainer.remove_callback(printing)
    with no_progress_bars(), progress:
        trainer.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint))
    history = history_frame(trainer.state.log_history)
    write_history(history, folder)
    with new_folder(folder / MODEL, force=True) as temporary:
        model.save_pretrained(str(temporary))
    shutil.rmtree(folder / CHECKPOINTS)
    return TrainingRun(folder, model, history)


def _check(triplets: pl.DataFrame, valid: pl.DataFrame | None, config: TrainConfig) -> Sequence[str]:
    """Return the columns that training reads, after making sure that all data are there."""
    columns = COLUMNS if config.objective == "triplet" else COLUMNS[:2]
    for name, frame, needed in (("training triplets", triplets, columns), ("valid triplets", valid, COLUMNS)):
        if frame is None:
            continue
        for column in needed:
            if column not in frame.columns:
                raise MissingColumnError(name, column, frame.columns, "give triplets as read_triplets does")
        if frame.is_empty():
            raise NothingFoundError(f"{name}: no rows; mine with wider thresholds, or more proteins")
    if config.objective == "contrastive" and triplets.height < 2:
        raise OptionError("objective", "contrastive", "needs two rows or more: they are each other's negatives")
    return columns


def _arguments(
    config: TrainConfig, model: ProTrek, checkpoints: Path, *, validate: bool
) -> SentenceTransformerTrainingArguments:
    return SentenceTransformerTrainingArguments(
        output_dir=str(checkpoints),
        num_train_epochs=config.epochs,
        learning_rate=config.learning_rate,
        warmup_steps=config.warmup,
        weight_decay=config.weight_decay,
        max_grad_norm=config.max_gradient,
        per_device_train_batch_size=config.batch_size,
        seed=config.seed,
        data_seed=config.seed,
        use_cpu=model.device.type == "cpu",
        router_mapping=_ROUTES,
        logging_steps=1,
        logging_nan_inf_filter=False,  # a loss that is no number is an error, not to be smoothed over
        eval_strategy="epoch" if validate else "no",
        save_strategy="epoch",
        save_total_limit=1,
        load_best_model_at_end=validate,
        metric_for_best_model="accuracy" if validate else None,
        greater_is_better=True if validate else None,
        dataloader_pin_memory=False,
        report_to="none",
        disable_tqdm=True,
    )
