"""`protrek-hm train`: fine-tune a model on triplets, or train one on proteins with texts."""

from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from protrek_hm.cli.data import parse_columns
from protrek_hm.cli.options import Columns, Device, Force, OnBadRecord

if TYPE_CHECKING:
    import polars as pl

    from protrek_hm.config import Modality
    from protrek_hm.model import ProTrek
    from protrek_hm.train import TrainConfig


def train(
    tables: Annotated[
        list[Path],
        typer.Argument(
            help="Triplets as `mine` writes them, hard, easy or both; contrastive and masked read proteins, too."
        ),
    ],
    *,
    model: Annotated[str, typer.Option("--model", "-m", help="Folder or hub name of the base, or mini-base.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the run.")],
    valid: Annotated[
        list[Path] | None,
        typer.Option(help="Tables that choose the epoch. [default: …valid.csv beside …train.csv]"),
    ] = None,
    objective: Annotated[
        Literal["triplet", "contrastive", "twin", "balanced", "masked"] | None,
        typer.Option(help="What to minimise. [default: balanced]"),
    ] = None,
    margin: Annotated[float | None, typer.Option(help="Wanted gap of two cosines (triplet). [default: 0.2]")] = None,
    structures: Annotated[
        bool | None, typer.Option("--structures", help="Texts learn to find structures, too, by the same objective.")
    ] = None,
    mlm: Annotated[float | None, typer.Option(help="Weight of guessing masked residues. [default: 0]")] = None,
    group: Annotated[
        str | None, typer.Option(help="Column: proteins of one group are not each other's negatives (contrastive).")
    ] = None,
    guide: Annotated[
        str | None, typer.Option(help="`base` or a model that judges which negatives are none (contrastive).")
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the rows. [default: 30]")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Rows a step, of all processes. [default: 16]")] = None,
    lr: Annotated[float | None, typer.Option(help="Peak learning rate. [default: 1e-5]")] = None,
    tune: Annotated[str | None, typer.Option(help="full, lora, last:N or heads. [default: full]")] = None,
    lr_text: Annotated[float | None, typer.Option(help="Peak rate of the text tower; 0 keeps it.")] = None,
    lr_sequence: Annotated[float | None, typer.Option(help="Peak rate of the sequence tower; 0 keeps it.")] = None,
    lr_structure: Annotated[float | None, typer.Option(help="Peak rate of the structure tower; 0 keeps it.")] = None,
    layer_decay: Annotated[
        float | None, typer.Option(help="Each layer's rate is this share of the next one's. [default: 1]")
    ] = None,
    lora_rank: Annotated[int | None, typer.Option(help="Rank of the adapters of --tune lora. [default: 8]")] = None,
    schedule: Annotated[
        Literal["linear", "cosine", "constant"] | None,
        typer.Option(help="How the rate falls. [default: linear]"),
    ] = None,
    ema: Annotated[
        float | None, typer.Option(help="Average the weights, keeping this share a step. [default: 0]")
    ] = None,
    patience: Annotated[int | None, typer.Option(help="Stop after so many epochs without a better one.")] = None,
    precision: Annotated[
        Literal["fp32", "tf32", "bf16"] | None, typer.Option(help="Of matrix products. [default: fp32]")
    ] = None,
    tokens: Annotated[int | None, typer.Option(help="Tokens encoded at once. [default: 4096]")] = None,
    cache: Annotated[bool | None, typer.Option("--cache", help="Gradient caching: batches of any size.")] = None,
    checkpoint_layers: Annotated[bool | None, typer.Option("--checkpoint-layers", help="Less memory, slower.")] = None,
    checkpoint_every: Annotated[int | None, typer.Option(help="Steps between further checkpoints.")] = None,
    tensorboard: Annotated[bool, typer.Option("--tensorboard", help="Log for TensorBoard, too.")] = False,
    seed: Annotated[int | None, typer.Option(help="Of order, crops and masks. [default: 42]")] = None,
    column: Columns = None,
    on_bad_record: OnBadRecord = "error",
    device: Device = None,
    config: Annotated[Path | None, typer.Option(help="TOML file with a [train] table.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an interrupted run.")] = False,
    force: Force = False,
) -> None:
    """Fine-tune a model so that texts prefer their protein to its twin; keep the best epoch."""
    from protrek_hm.config import read_toml, resolve
    from protrek_hm.errors import ProtectedOutputError
    from protrek_hm.files import LOCK, refuse_existing, write_json
    from protrek_hm.train.config import TrainConfig

    flags = {
        **{"objective": objective, "margin": margin, "mlm": mlm, "group": group, "guide": guide},
        **{"structures": structures},
        **{"epochs": epochs, "batch_size": batch_size, "learning_rate": lr, "tune": tune, "schedule": schedule},
        **{"lr_text": lr_text, "lr_sequence": lr_sequence, "lr_structure": lr_structure},
        **{"layer_decay": layer_decay, "lora_rank": lora_rank},
        **{"ema": ema, "patience": patience, "precision": precision, "tokens": tokens, "cache": cache},
        **{"checkpoint_layers": checkpoint_layers, "checkpoint_every": checkpoint_every, "seed": seed},
    }
    settings = resolve(TrainConfig, read_toml(config, "train"), flags)
    valid = _validation_files(tables) if valid is None else valid
    models = [Path(model), *([] if settings.guide is None else [Path(settings.guide)])]
    refuse_existing(
        output, force=force or resume, inputs=[*tables, *valid, *models], folder=True, replaced=False, carried=(LOCK,)
    )
    for each in models:
        if each.is_dir() and each.resolve() in output.resolve().parents:
            raise ProtectedOutputError(output, f"it lies in the model {each}")

    from protrek_hm.train.examples import read_tables

    reading = partial(read_tables, columns=parse_columns(column or []), on_bad_record=on_bad_record)
    table, validation = reading(tables), reading(valid) if valid else None
    if validation is None:
        _say("no validation table: the last epoch is kept (give one with --valid)", err=True)

    from protrek_hm.model import ProTrek
    from protrek_hm.train import fine_tune
    from protrek_hm.train.history import TensorBoard

    table = _with_text(table, settings)
    if validation is not None and settings.objective != "masked":
        validation = validation.drop_nulls("anchor_text")
    base = ProTrek.from_pretrained(model, device=device)
    _tell_cuts(base, [table] if validation is None else [table, validation], settings)
    try:
        run = fine_tune(
            base,
            table,
            settings,
            output,
            valid=validation,
            if_exists="resume" if resume else "overwrite" if force else "refuse",
            callbacks=[TensorBoard(output)] if tensorboard else [],
        )
    except KeyboardInterrupt:
        _say("interrupted; the same command with --resume goes on", err=True)
        raise
    files = {"train": tables, "valid": valid}  # `merge` asks the same validation tables
    paths = {role: [str(file.resolve()) for file in each] for role, each in files.items()}
    write_json(output / "inputs.json", {"format_version": 1, **paths})
    _say(f"model: {run.folder / 'model'}")
    _say(f"curve: {run.folder / 'loss_curve.png'}")


def _say(message: str, *, err: bool = False) -> None:
    """Print, unless another process does: torchrun starts this command several times."""
    from protrek_hm.train.distributed import is_first_process

    if is_first_process():
        typer.echo(message, err=err)


def _validation_files(tables: list[Path]) -> list[Path]:
    """Find the file that `mine` wrote for validation beside each training file, unless it is empty."""
    beside = (file.with_name(file.name.replace("train", "valid")) for file in tables)
    return [file for file in beside if file not in tables and file.is_file() and _has_records(file)]


def _has_records(table: Path) -> bool:
    with table.open(encoding="utf-8", errors="replace") as lines:
        return len(list(islice(lines, 2))) == 2


def _with_text(table: "pl.DataFrame", settings: "TrainConfig") -> "pl.DataFrame":
    """Leave proteins without a text out, if nothing is to be learned from them, and say so."""
    if "anchor_text" not in table.columns or settings.masking:
        return table
    kept = table.drop_nulls("anchor_text")
    if kept.height < table.height:
        without = table.height - kept.height
        _say(f"{without:,} of {table.height:,} rows have no text and are left out (--mlm reads them)", err=True)
    return kept


def _tell_cuts(model: "ProTrek", tables: list["pl.DataFrame"], settings: "TrainConfig") -> None:
    """Say how many inputs are longer than the model's window, and what becomes of them."""
    from protrek_hm.model.window import count_cut, window

    fate = {"random": "each epoch reads another part of them, validation the first", "start": "the rest is not read"}
    endings: dict[Modality, str] = {"sequence": "seq"}
    if settings.objective != "masked":
        endings["text"] = "text"
    if settings.structures:
        endings["structure"] = "structure"
    for task, ending in endings.items():
        names = (f"anchor_{ending}", f"hard_neg_{ending}")
        columns = [table[name] for table in tables for name in names if name in table.columns]
        distinct = sorted({each for column in columns for each in column.drop_nulls()})
        if cut := count_cut(model, distinct, task=task):
            unit, end = ("residues", fate[settings.crop]) if task != "text" else ("tokens", fate["start"])
            longer = "is longer" if cut == 1 else "are longer"
            limit = f"{window(model, task):,} {unit}"
            _say(f"{cut:,} of {len(distinct):,} {task}s {longer} than the model's {limit}: {end}", err=True)
