"""`protrek-hm train`: fine-tune a model on triplets, or train one on proteins with texts; or its twin head."""

from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from protrek_hm.cli.console import DefaultCommandGroup
from protrek_hm.cli.data import parse_columns
from protrek_hm.cli.flags import Columns, Device, Force, OnBadRecord, local, with_settings
from protrek_hm.locations import as_url
from protrek_hm.train.config import HeadTrainConfig, TrainConfig

if TYPE_CHECKING:
    import polars as pl

    from protrek_hm.config import Modality
    from protrek_hm.homology.lookup import Lookup
    from protrek_hm.model import ProTrek


train_app = typer.Typer(
    name="train",
    help="Fine-tune a model on twins, or train its twin head.\n\n"
    "`train TABLE -m MODEL -o DIR` is short for `train run TABLE …`.",
    cls=DefaultCommandGroup,
    no_args_is_help=True,
    rich_markup_mode=None,
)


@train_app.command("run")
@with_settings(TrainConfig, table="train", names={"learning_rate": "--lr"})
def train(
    tables: Annotated[
        list[Path],
        typer.Argument(
            help="Triplets as `mine` writes them, hard, easy or both; contrastive and masked read proteins, too."
        ),
    ],
    *,
    model: Annotated[str, typer.Option("--model", "-m", help="Folder or hub name of the base, or mini-base.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the run.", parser=local)],
    valid: Annotated[
        list[Path] | None,
        typer.Option(help="Tables that choose the epoch.  [default: …valid.csv beside …train.csv]"),
    ] = None,
    settings: TrainConfig,
    config: Path | None,
    report_to: Annotated[
        list[str] | None, typer.Option(help="Show the run in tensorboard or wandb, too; repeatable.")
    ] = None,
    column: Columns = None,
    on_bad_record: OnBadRecord = "error",
    device: Device = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an interrupted run.")] = False,
    force: Force = False,
) -> None:
    """Fine-tune a model to prefer a text's protein to its twin. The best epoch is kept."""
    from protrek_hm.errors import OutputExistsError, ProtectedOutputError
    from protrek_hm.files import LOCK, refuse_existing, write_json

    valid = _validation_files(tables) if valid is None else valid
    models = [Path(model), *([] if settings.guide is None else [Path(settings.guide)])]
    read = [*tables, *valid, *models, *([config] if config else [])]
    try:
        refuse_existing(output, force=force or resume, inputs=read, folder=True, replaced=False, carried=(LOCK,))
    except ProtectedOutputError:
        raise
    except OutputExistsError:
        raise OutputExistsError(output, resumable=(output / "config.json").is_file()) from None
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
    from protrek_hm.train.history import reporter

    callbacks = [reporter(name, output) for name in report_to or []]
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
            callbacks=callbacks,
        )
    except KeyboardInterrupt:
        _say("interrupted; the same command with --resume goes on", err=True)
        raise
    files = {"train": tables, "valid": valid}  # `merge` asks the same validation tables
    paths = {role: [as_url(file.resolve()) for file in each] for role, each in files.items()}
    write_json(output / "inputs.json", {"format_version": 1, **paths})
    _say(f"model: {run.folder / 'model'}")
    _say(f"curve: {run.folder / 'loss_curve.png'}")


@train_app.command("head")
@with_settings(HeadTrainConfig, table="head", names={"learning_rate": "--lr"})
def head(
    cases: Annotated[list[Path], typer.Argument(help="Case tables, as `mine twins` writes them; rows for training.")],
    *,
    model: Annotated[str, typer.Option("--model", "-m", help="Folder or name of the model that it stands beside.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of a copy of the model, with the head.")],
    valid: Annotated[
        list[Path] | None, typer.Option(help="Case tables that choose the step.  [default: the others' rows `valid`]")
    ] = None,
    scans: Annotated[
        Path | None, typer.Option(help="Also learn from all scores of scans: a table that `data twins dms` wrote.")
    ] = None,
    relatives: Annotated[
        list[Path] | None, typer.Option(help="Tables or FASTA of proteins; what relatives have at a site is read, too.")
    ] = None,
    settings: HeadTrainConfig,
    config: Path | None,
    device: Device = None,
    force: Force = False,
) -> None:
    """Train a twin head on cases and scans.

    It says which of two near-identical proteins a text fits, by what differs between them.
    """
    import polars as pl

    from protrek_hm.data.tables import read_table
    from protrek_hm.data.twins.case_table import read_cases
    from protrek_hm.files import refuse_existing
    from protrek_hm.model.locate import find_model

    read = [*cases, *(valid or []), *(relatives or []), *([scans] if scans else []), Path(model)]
    refuse_existing(output, force=force, inputs=[*read, *([config] if config else [])], folder=True)
    table = pl.concat([read_cases(path) for path in cases], how="diagonal_relaxed")
    checked = pl.concat([read_cases(path) for path in valid], how="diagonal_relaxed") if valid else table
    table, checked = table.filter(split="train"), checked.filter(split="valid")
    scanned = None if scans is None else read_table(scans).frame
    pool = read_pool(relatives or [])
    if checked.is_empty():
        _say("no row `valid`: the last step is kept, with a weight of 1", err=True)

    from protrek_hm.model import load_encoder
    from protrek_hm.train.head import save_with_head, train_head

    def report(step: int, loss: float, accuracy: float | None) -> None:
        _say(
            f"step {step:,}: loss {loss:.3f}" + (f", validation {accuracy:.1%}".replace("%", " %") if accuracy else "")
        )

    place = find_model(model)
    trained = train_head(
        table,
        settings,
        model=load_encoder(model, device=device),
        scans=scanned,
        valid=None if checked.is_empty() else checked,
        relatives=pool,
        report=report,
    )
    save_with_head(place, trained, output, force=force)
    _say(f"model: {output}, weight of the head beside the cosines {trained.weight:.3g}")


def read_pool(paths: list[Path]) -> "Lookup | None":
    """Lay out the distinct proteins of some files, to look for relatives among them; mutants of others are left out."""
    from protrek_hm.data import read_proteins
    from protrek_hm.homology.lookup import Lookup

    found: dict[str, None] = {}
    for path in paths:
        table = read_proteins(path, on_bad_record="skip")  # one id twice does no harm here
        if "wild_type" in table.columns:
            table = table.filter(table["wild_type"].is_null())
        found |= dict.fromkeys(table["sequence"])
    return Lookup.of(found) if found else None


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


def _with_text(table: "pl.DataFrame", settings: TrainConfig) -> "pl.DataFrame":
    """Leave proteins without a text out, if nothing is to be learned from them, and say so."""
    if "anchor_text" not in table.columns or settings.masking:
        return table
    kept = table.drop_nulls("anchor_text")
    if kept.height < table.height:
        without = table.height - kept.height
        _say(f"{without:,} of {table.height:,} rows have no text and are left out (--mlm reads them)", err=True)
    return kept


def _tell_cuts(model: "ProTrek", tables: list["pl.DataFrame"], settings: TrainConfig) -> None:
    """Say how many inputs are longer than the model's window, and what becomes of them."""
    from protrek_hm.model.inputs import count_cut, window

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
