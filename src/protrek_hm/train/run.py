"""Train a ProTrek with the sentence-transformers trainer; keep the weights that validate best.

A run folder holds `model/` (the best weights), `loss_history.csv`, `loss_curve.png`, `log.jsonl`, `config.json`
and, until the run is finished, `checkpoints/`, from which an interrupted run goes on.
"""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path

import polars as pl
import torch
from accelerate import PartialState  # type: ignore[import-untyped]
from transformers import TrainerCallback

from protrek_hm.data.schema import require_polars
from protrek_hm.errors import OptionError
from protrek_hm.files import new_folder
from protrek_hm.model.protrek import ProTrek
from protrek_hm.model.source import no_progress_bars
from protrek_hm.train.batches import Batches
from protrek_hm.train.config import TrainConfig
from protrek_hm.train.examples import (
    NEEDED,
    ROLES,
    Examples,
    as_pairs,
    check_routes,
    read_examples,
    structure_roles,
)
from protrek_hm.train.folder import (
    CHECKPOINTS,
    MODEL,
    IfExists,
    alone_in,
    begin,
    clear_checkpoints,
    digest_table,
    is_finished,
)
from protrek_hm.train.history import (
    EverySteps,
    JsonLines,
    Patience,
    StepProgress,
    history_frame,
    read_history,
    write_history,
)
from protrek_hm.train.objectives import Objective, check_negatives, encode_inputs
from protrek_hm.train.parameters import trainable_parameters
from protrek_hm.train.step import layers_computed_again
from protrek_hm.train.trainer import TwinTrainer, trainer_arguments
from protrek_hm.train.validation import Perplexity, Validation

_READ = tuple(column for _, column in ROLES.values())
_VALIDATED = (*_READ, "type")


@dataclass(frozen=True)
class TrainingRun:
    """A finished run: its folder, the model with the best weights, and what happened at each step."""

    folder: Path
    model: ProTrek
    history: pl.DataFrame


def fine_tune(
    model: ProTrek,
    table: pl.DataFrame,
    config: TrainConfig,
    folder: Path,
    *,
    valid: pl.DataFrame | None = None,
    if_exists: IfExists = "refuse",
    callbacks: Sequence[TrainerCallback] = (),
) -> TrainingRun:
    """Train `model` in place on `table` and save it below `folder`.

    Parameters
    ----------
    model
        The base; its weights change.
    table
        Triplets, as `read_triplets` gives; for "contrastive" and "masked" also proteins, as `read_proteins` gives,
        where rows without a text serve the masked-language loss alone.
    config
        Objective, what moves, epochs, rates.
    folder
        The run folder.
    valid
        A table that chooses the epoch to keep; without one the last epoch is kept. Never the test set.
    if_exists
        "refuse" raises if `folder` holds something, "resume" goes on from its last checkpoint (a finished run
        is left as it is), "overwrite" replaces the run in it, the model once the new one is whole, and leaves all
        other files alone.
    callbacks
        Further ones for the trainer.

    Raises
    ------
    OutputExistsError
        If the folder holds something and `if_exists` is "refuse".
    BusyError
        If another process trains in the folder.
    OutputError
        If something cannot be written.
    FileFormatError
        If a run is to be resumed whose checkpoints are damaged; they stay as they are.
    MissingColumnError, NothingFoundError, RecordError
        If a table lacks a column or rows, or a row lacks what the objective needs.
    OptionError
        If a run with other settings, data or base is to be resumed, or a setting does not fit the data.
    ModelError
        If the model lacks a route, the loss is no number any more, or a single input is too large for memory.
    """
    require_polars("table", table)
    state = PartialState(cpu=model.device.type == "cpu")  # the processes of torchrun find each other
    table, valid = as_pairs(table), None if valid is None else as_pairs(valid)
    if config.objective == "masked":
        table = table.unique("anchor_seq", keep="first", maintain_order=True)
    examples = _examples(table, valid, config)
    check_routes(examples, model.tasks)
    resolved = {
        **asdict(config),
        "table": digest_table(table, [*_READ, *([] if config.group is None else [config.group])]),
        "valid": digest_table(valid, _VALIDATED),
        "base": model.fingerprint(),
    }
    with alone_in(folder) if state.is_main_process else nullcontext():
        with state.main_process_first():
            checkpoint = begin(folder, resolved, "resume" if not state.is_main_process else if_exists)
        if is_finished(folder):
            model.load_state_dict(ProTrek.from_pretrained(folder, device=str(model.device)).state_dict())
            return TrainingRun(folder, model, read_history(folder))
        history = _train(model, examples, config, folder, valid=valid, checkpoint=checkpoint, callbacks=callbacks)
        model.record("train", **resolved)
        if state.is_main_process:
            batches = Batches(len(examples), config.batch_size, seed=config.seed, least=config.least_rows)
            write_history(history, folder, short_every=batches.short_every)
            with new_folder(folder / MODEL, force=True) as temporary:
                model.save_pretrained(str(temporary))
            clear_checkpoints(folder)
        state.wait_for_everyone()
    return TrainingRun(folder, model, history)


def _train(
    model: ProTrek,
    examples: Examples,
    config: TrainConfig,
    folder: Path,
    *,
    valid: pl.DataFrame | None,
    checkpoint: Path | None,
    callbacks: Sequence[TrainerCallback],
) -> pl.DataFrame:
    """Train `model` and give it the weights to keep; return what happened."""
    torch.set_float32_matmul_precision("highest" if config.precision == "fp32" else "high")
    validation = None if valid is None else _validation(valid, config)
    base = None if validation is None else validation.measure_base(model)
    objective = _objective(model, examples, config)
    progress = StepProgress(base)
    added: list[TrainerCallback] = [EverySteps(config.checkpoint_every)] if config.checkpoint_every else []
    if config.patience is not None:
        added.append(Patience(config.patience))
    with (
        trainable_parameters(
            model, config, tasks=[*examples.inputs], seed=config.seed, heads=config.objective != "masked"
        ),
        layers_computed_again(model, enabled=config.checkpoint_layers),
        no_progress_bars(),
        progress,
    ):
        trainer = TwinTrainer(
            model,
            objective,
            config,
            args=trainer_arguments(model, config, folder / CHECKPOINTS, validate=valid is not None),
            validation=validation,
            callbacks=[progress, JsonLines(folder, base), *added, *callbacks],
        )
        trainer.run(checkpoint)
    model.temperature = objective.temperature
    return history_frame(trainer.state.log_history)


def _examples(table: pl.DataFrame, valid: pl.DataFrame | None, config: TrainConfig) -> Examples:
    """Read the table, after making sure that all data are there and fit the settings."""
    needed, optional = list(NEEDED[config.objective]), []
    if config.objective == "contrastive" and config.mlm:  # a protein without a text is still read
        needed, optional = ["positive"], ["text"]
    if config.structures:
        optional += structure_roles(table, needed, name="training table")
    examples = read_examples(table, needed, name="training table", optional=optional, group=config.group)
    if valid is not None:
        roles = ["text", "positive", *(["negative"] if "hard_neg_seq" in valid.columns else [])]
        read_examples(valid, needed if config.objective == "masked" else roles, name="validation table")
    elif config.patience is not None:
        raise OptionError("patience", config.patience, "needs a validation table: it is what does not get better")
    check_negatives(examples, config)
    return examples


def _validation(valid: pl.DataFrame, config: TrainConfig) -> Validation | Perplexity:
    """Return what measures each epoch."""
    if config.objective == "masked":
        return Perplexity(valid["anchor_seq"].to_list(), tokens=config.tokens, seed=config.seed)
    return Validation(
        valid,
        margin=config.margin,
        tolerance=config.easy_tolerance,
        batch_size=2 * config.batch_size,
        seed=config.seed,
        structures=config.structures,
    )


def _objective(model: ProTrek, examples: Examples, config: TrainConfig) -> Objective:
    """Make the loss; the base, and a guide, judge the table once and for all before training."""
    options = {"batch_size": 2 * config.batch_size}
    distils = config.objective == "balanced" and config.distillation_weight > 0
    base = encode_inputs(model, examples, **options) if distils or config.guide == "base" else None
    guide = base
    if config.guide not in (None, "base"):
        guide = encode_inputs(ProTrek.from_pretrained(str(config.guide), device=str(model.device)), examples, **options)
    return Objective(
        examples, config, temperature=model.temperature, base=base, guide=None if config.guide is None else guide
    )
