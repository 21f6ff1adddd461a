"""The sentence-transformers trainer, with our batches, losses and checkpoints."""

import math
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, cast

import torch
from sentence_transformers import SentenceTransformerTrainer, SentenceTransformerTrainingArguments
from torch import Tensor
from torch.nn.utils import get_total_norm
from transformers import PrinterCallback, ProgressCallback, Trainer, TrainerCallback

from protrek_hm.errors import ModelError
from protrek_hm.files import read_json
from protrek_hm.model.protrek import ProTrek
from protrek_hm.train.batches import Batches, Collator, Loader
from protrek_hm.train.config import TrainConfig
from protrek_hm.train.distributed import new_folder_of_all, process_count, process_rank, wait_for_all
from protrek_hm.train.examples import ROLES
from protrek_hm.train.folder import (
    STATE,
    checkpoint_of,
    damage,
    damaged,
    forget_checkpoints,
    load_weights,
    save_weights,
    seal,
)
from protrek_hm.train.history import best_step, validation_scores
from protrek_hm.train.objectives import Objective
from protrek_hm.train.parameters import WeightAverage, parameter_groups
from protrek_hm.train.step import Step
from protrek_hm.train.validation import Perplexity, Validation

_MOST_NAMES = 20


class TwinTrainer(SentenceTransformerTrainer):
    """Trains `model` in place on the rows of `objective.examples`.

    What the stock trainer does with batches, the loss and the weights of a checkpoint is replaced; its loop, schedule,
    logs, evaluation and resumption stay. Three private methods are overridden, for which it has no public hook; each
    says why.
    """

    def __init__(
        self,
        model: ProTrek,
        objective: Objective,
        config: TrainConfig,
        *,
        args: SentenceTransformerTrainingArguments,
        validation: Validation | Perplexity | None,
        callbacks: Sequence[TrainerCallback],
    ) -> None:
        self.protrek, self.config = model, config
        self.objective: Objective = objective
        examples = objective.examples
        self.batches = Batches(
            len(examples),
            config.batch_size,
            seed=config.seed,
            block=config.block,
            least=config.least_rows,
            rank=process_rank(),
            processes=process_count(),
        )
        self.collator = Collator(model, examples, config, self.batches)
        self.average = WeightAverage(model, config.ema) if config.ema else None
        super().__init__(
            model=model,
            args=args,
            loss=objective,
            evaluator=validation,
            data_collator=self.collator,  # type: ignore[arg-type]
            optimizers=(_optimizer(model, objective, config, args), None),  # type: ignore[arg-type]
            callbacks=[*([] if self.average is None else [self.average]), *callbacks],
        )
        self.step = Step(model, objective, config)
        for printing in (ProgressCallback, PrinterCallback):  # they print to stdout, which belongs to results
            self.remove_callback(printing)

    def add_model_card_callback(self, default_args_dict: dict[str, Any]) -> None:
        """Do nothing: our card is written by the model."""

    def get_train_dataloader(self) -> Loader:
        """Return the loader of this process's share of the batches."""
        return Loader(self.batches, self.collator)

    def training_step(self, model: Any, inputs: dict[str, Any], num_items_in_batch: Any = None) -> Tensor:
        """Add the gradients of one batch to the weights, and return its loss.

        Raises
        ------
        ModelError
            If the loss is no number any more, or memory does not hold a single input.
        """
        self.model.train()
        self.current_rows = inputs["rows"].tolist()
        parts = self.step(self._prepare_inputs(inputs))
        loss = sum(parts.values(), torch.zeros((), device=self.args.device))
        self._must_be_finite("loss", loss.item())
        gradients = [weights.grad for weights in self.protrek.parameters() if weights.grad is not None]
        self._must_be_finite("gradient", get_total_norm(gradients).item())
        if len(parts) > 1:
            self.track_loss_components(parts)
        return loss

    def _must_be_finite(self, what: str, value: float) -> None:
        if math.isfinite(value):
            return
        names = [self.objective.examples.names[row] for row in self.current_rows]
        more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
        listed = ", ".join(names[:_MOST_NAMES]) + more
        problem = f"the {what} is {value} at step {self.state.global_step + 1}, on {listed}"
        raise ModelError(problem, "train anew with a lower learning rate (--lr)")

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """Measure the weights that would be kept: their average, if one is held."""
        with nullcontext() if self.average is None else self.average.applied():
            measured = super().evaluate(*args, **kwargs)
        if not math.isfinite(measured["eval_score"]):
            problem = f"the validation's score is {measured['eval_score']} after step {self.state.global_step}"
            raise ModelError(problem, "give another validation table, or a lower learning rate (--lr)")
        return measured

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Log; the mean loss at the end is of all steps, where the stock trainer counts those since the last start."""
        if "train_loss" in logs:
            losses = [entry["loss"] for entry in self.state.log_history if "loss" in entry]
            logs["train_loss"] = math.fsum(losses) / len(losses)
        super().log(logs, start_time)

    def run(self, checkpoint: Path | None) -> None:
        """Train, from the beginning or from a checkpoint, and end with the weights that are to be kept.

        Raises
        ------
        ModelError
            If the loss is no number any more, or memory does not hold a single input.
        OutputError, FileFormatError
            If a checkpoint cannot be written, or that of the best epoch is damaged when its weights are to be read.
        """
        if self.evaluator is not None and checkpoint is not None:
            state = read_json(checkpoint / STATE)
            validated = state["global_step"] in validation_scores(state["log_history"])
            self.args.eval_on_start = state["global_step"] % len(self.batches) == 0 and not validated
        self.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint))
        best = best_step(self.state.log_history)
        if best is not None:
            place = checkpoint_of(Path(str(self.args.output_dir)), best)
            if (problem := damage(place)) is not None:
                raise damaged(place, problem)
            self._load_from_checkpoint(str(place))
        if self.average is not None:
            self.average.apply()

    # A run that stopped early, and died before it wrote its model, must not take a step when it is resumed: the trainer
    # looks at `should_training_stop` only after one
    def _run_epoch(self, *args: Any, **kwargs: Any) -> None:
        if not self.control.should_training_stop:
            super()._run_epoch(*args, **kwargs)  # type: ignore[no-untyped-call]

    # The stock checkpoint is written in place and file by file, and `on_save` comes after that: a run killed meanwhile
    # would leave half of one. Nor does it hold the objective's weights or adapters
    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        self.store_flos()
        place = checkpoint_of(Path(str(self.args.output_dir)), self.state.global_step)
        with new_folder_of_all(place) as folder:
            self._save_rng_state(str(folder))
            self._save_optimizer_and_scheduler(str(folder))
            wait_for_all()  # before all that they wrote is sealed
            if self.args.should_save:
                save_weights(folder, self.protrek, self.objective)
                if self.average is not None:
                    self.average.save(folder)
                self.state.save_to_json(str(folder / STATE))
                seal(folder)
        if self.args.should_save:
            forget_checkpoints(place.parent, but={self.state.global_step, best_step(self.state.log_history)})

    # Reads what `_save_checkpoint` wrote, into the same modules: the stock one builds a SentenceTransformer of it
    def _load_from_checkpoint(self, checkpoint_path: str, model: Any = None) -> None:
        load_weights(Path(checkpoint_path), self.protrek, self.objective)
        if self.average is not None:
            self.average.load(Path(checkpoint_path))


def _optimizer(
    model: ProTrek, objective: Objective, config: TrainConfig, args: SentenceTransformerTrainingArguments
) -> torch.optim.Optimizer:
    """Return AdamW with a rate for each part of the model, and for the temperature if it is learned."""
    groups = parameter_groups(model, config)
    if config.learn_temperature:
        groups.append({"params": [objective.log_temperature], "lr": config.learning_rate, "weight_decay": 0.0})
    kind, options = Trainer.get_optimizer_cls_and_kwargs(args)
    return cast("torch.optim.Optimizer", kind(groups, **options))


def trainer_arguments(
    model: ProTrek, config: TrainConfig, checkpoints: Path, *, validate: bool
) -> SentenceTransformerTrainingArguments:
    """Return what the stock trainer is told; the learning rates are those of `parameter_groups`."""
    return SentenceTransformerTrainingArguments(
        output_dir=str(checkpoints),
        num_train_epochs=config.epochs,
        learning_rate=config.learning_rate,
        lr_scheduler_type=config.schedule,
        warmup_steps=config.warmup,
        weight_decay=config.weight_decay,
        max_grad_norm=config.max_gradient,
        per_device_train_batch_size=max(1, config.batch_size // process_count()),
        seed=config.seed,
        data_seed=config.seed,
        use_cpu=model.device.type == "cpu",
        router_mapping={role: str(task) for role, (task, _) in ROLES.items()},
        logging_steps=1,
        logging_nan_inf_filter=False,  # a loss that is no number is an error, not to be smoothed over
        eval_strategy="epoch" if validate else "no",
        save_strategy="epoch",
        dataloader_pin_memory=False,
        dataloader_drop_last=process_count() > 1,  # our loader drops nothing; without it the trainer prints a warning
        report_to="none",
        disable_tqdm=True,
    )
