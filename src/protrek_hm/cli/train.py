"""`protrek-hm train`: fine-tune a model on triplets."""

from itertools import islice
from pathlib import Path
from typing import Annotated, Literal

import typer


def train(
    triplets: Annotated[
        list[Path],
        typer.Argument(help="Training triplets, as `mine` writes them; hard and easy files may be mixed."),
    ],
    *,
    model: Annotated[str, typer.Option("--model", "-m", help="Folder or hub name of the base.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the run.")],
    valid: Annotated[
        list[Path] | None,
        typer.Option(help="Triplets that choose the epoch. [default: …valid.csv beside …train.csv]"),
    ] = None,
    objective: Annotated[
        Literal["triplet", "contrastive"] | None, typer.Option(help="What to minimise. [default: triplet]")
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the triplets. [default: 30]")] = None,
    lr: Annotated[float | None, typer.Option(help="Peak learning rate. [default: 1e-5]")] = None,
    margin: Annotated[float | None, typer.Option(help="Wanted gap of the two cosines. [default: 0.2]")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Triplets a step. [default: 16]")] = None,
    seed: Annotated[int | None, typer.Option(help="Fixes the order of the triplets. [default: 42]")] = None,
    device: Annotated[str | None, typer.Option(help="cpu, cuda, …; the best there is by default.")] = None,
    config: Annotated[Path | None, typer.Option(help="TOML file with a [train] table.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an interrupted run.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the output.")] = False,
) -> None:
    """Fine-tune a model so that texts prefer their protein to its twin; keep the best epoch."""
    from protrek_hm.config import read_toml, resolve
    from protrek_hm.data import read_triplets
    from protrek_hm.files import refuse_existing
    from protrek_hm.train.config import TrainConfig

    flags = {
        "objective": objective,
        "epochs": epochs,
        "learning_rate": lr,
        "margin": margin,
        "batch_size": batch_size,
        "seed": seed,
    }
    settings = resolve(TrainConfig, read_toml(config, "train"), flags)
    refuse_existing(output, force=force or resume)
    import polars as pl

    valid = _validation_files(triplets) if valid is None else valid
    tables = {
        role: pl.concat([read_triplets(file) for file in files], how="diagonal_relaxed") if files else None
        for role, files in (("train", triplets), ("valid", valid))
    }
    if not valid:
        typer.echo("no validation triplets: the last epoch is kept (give some with --valid)", err=True)

    from protrek_hm.cli.notices import tell_cuts
    from protrek_hm.model import ProTrek
    from protrek_hm.train import fine_tune

    base = ProTrek.from_pretrained(model, device=device)
    tell_cuts(base, [table for table in tables.values() if table is not None])
    try:
        run = fine_tune(
            base,
            tables["train"],
            settings,
            output,
            valid=tables["valid"],
            if_exists="resume" if resume else "overwrite" if force else "refuse",
        )
    except KeyboardInterrupt:
        typer.echo("interrupted; the same command with --resume goes on", err=True)
        raise
    typer.echo(f"model: {run.folder / 'model'}")
    typer.echo(f"curve: {run.folder / 'loss_curve.png'}")


def _validation_files(triplets: list[Path]) -> list[Path]:
    """Find the file that `mine` wrote for validation beside each training file, unless it is empty."""
    beside = (file.with_name(file.name.replace("train", "valid")) for file in triplets)
    return [file for file in beside if file not in triplets and file.is_file() and _has_records(file)]


def _has_records(table: Path) -> bool:
    with table.open(encoding="utf-8", errors="replace") as lines:
        return len(list(islice(lines, 2))) == 2
