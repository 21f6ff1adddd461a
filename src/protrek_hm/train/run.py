"""Train a ProTrek on triplets with the sentence-transformers trainer; keep the weights that validate best.

A run folder holds `model/` (the best weights), `loss_history.csv`, `loss_curve.png`, `config.json` and, until
the run is finished, `checkpoints/`, from which an interrupted run goes on.
"""

import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars as pl
from datasets import Dataset
from sentence_transformers import SentenceTransformerTrainer, SentenceTransformerTrainingArguments
from transformers import PrinterCallback, ProgressCallback
from transformers.trainer_utils import get_last_checkpoint

from protrek_hm.errors import OptionError
from protrek_hm.files import new_folder, read_json, refuse_existing, write_json
from protrek_hm.model.protrek import ProTrek
from protrek_hm.model.source import no_progress_bars
from protrek_hm.train.config import TrainConfig
from protrek_hm.train.history import history_frame, write_history
from protrek_hm.train.losses import make_loss
from protrek_hm.train.progress import StepProgress
from protrek_hm.train.validation import TwinAccuracy

_ROUTES = {"text": "text", "positive": "sequence", "negative": "sequence"}


@dataclass(frozen=True)
class TrainingRun:
    """A finished run: its folder, the model with the best weights, and what happened at each step."""

    folder: Path
    model: ProTrek
    history: pl.DataFrame


class _Trainer(SentenceTransformerTrainer):  # type: ignore[misc]
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
    if_exists: str = "refuse",
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
        "refuse" raises if `folder` holds something, "resume" goes on from its last checkpoint, "overwrite"
        deletes it.

    Raises
    ------
    OutputExistsError
        If the folder holds something and `if_exists` is "refuse".
    OptionError
        If a run with other settings, data or base is to be resumed, or there are too few triplets for one
        batch.
    """
    if config.objective == "contrastive" and len(triplets) < 2:
        raise OptionError("triplets", len(triplets), "the contrastive objective needs at least two")
    resolved = {
        **asdict(config),
        "triplets": _digest(triplets),
        "valid": _digest(valid),
        "base": model.fingerprint(),
    }
    checkpoint = _prepare(folder, resolved, if_exists)
    trainer = _Trainer(
        model=model,
        args=_arguments(config, folder / "checkpoints", validate=valid is not None),
        train_dataset=_dataset(triplets, config),
        loss=make_loss(model, config),
        evaluator=None
        if valid is None
        else TwinAccuracy(valid, margin=config.margin, batch_size=2 * config.batch_size),
        callbacks=[StepProgress()],
    )
    for printing in (ProgressCallback, PrinterCallback):  # they print to stdout, which belongs to results
        trainer.remove_callback(printing)
    with no_progress_bars():
        trainer.train(resume_from_checkpoint=checkpoint)
    history = history_frame(trainer.state.log_history)
    write_history(history, folder)
    with new_folder(folder / "model", force=True) as temporary:
        model.save_pretrained(str(temporary))
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)
    return TrainingRun(folder, model, history)


def _prepare(folder: Path, resolved: dict[str, Any], if_exists: str) -> str | None:
    """Make the run folder ready; return the checkpoint to go on from, if any."""
    if if_exists == "resume" and (folder / "config.json").is_file():
        before = read_json(folder / "config.json")
        for name, value in resolved.items():
            if before.get(name) != value:
                raise OptionError(
                    name, value, f"{folder} was begun with {before.get(name)!r}; resume with that, or anew"
                )
        checkpoints = folder / "checkpoints"
        return get_last_checkpoint(str(checkpoints)) if checkpoints.is_dir() else None
    refuse_existing(folder, force=if_exists == "overwrite")
    shutil.rmtree(folder, ignore_errors=True)
    write_json(folder / "config.json", resolved)
    return None


def _dataset(triplets: pl.DataFrame, config: TrainConfig) -> Dataset:
    columns = {"text": "anchor_text", "positive": "anchor_seq", "negative": "hard_neg_seq"}
    if config.objective == "contrastive":
        del columns["negative"]
    return Dataset.from_dict({name: triplets[column].to_list() for name, column in columns.items()})


def _arguments(
    config: TrainConfig, checkpoints: Path, *, validate: bool
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
        router_mapping=_ROUTES,
        logging_steps=1,
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


def _digest(triplets: pl.DataFrame | None) -> str | None:
    """Name the data of a run, so that it is resumed with the same."""
    return None if triplets is None else f"{triplets.height} rows, {triplets.hash_rows(seed=0).sum():x}"
