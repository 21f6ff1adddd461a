"""`protrek-hm evaluate FILE`: how well models tell twins apart; `evaluate compare` and others beside it."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from protrek_hm.cli.board import twins
from protrek_hm.cli.compare import compare, seeds
from protrek_hm.cli.console import DefaultCommandGroup, tell_cuts
from protrek_hm.cli.flags import Cluster, Device, Devices, Embeddings, Force, Precision, with_settings
from protrek_hm.cli.scoreboards import ec, retrieval
from protrek_hm.evaluate.config import EvaluateConfig

evaluate_app = typer.Typer(
    name="evaluate",
    help="Measure models, compare runs, run public scoreboards.\n\n"
    "`evaluate FILE -m MODEL -o DIR` is short for `evaluate run FILE …`.",
    cls=DefaultCommandGroup,
    no_args_is_help=True,
    rich_markup_mode=None,
)


@evaluate_app.command("run")
@with_settings(EvaluateConfig, table="evaluate")
def evaluate(
    test: Annotated[Path, typer.Argument(help="Hard test triplets, as `mine` writes them.")],
    *,
    model: Annotated[
        list[str],
        typer.Option("--model", "-m", help="Model folder or hub name; give it twice for before and after."),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the report.")],
    easy: Annotated[Path | None, typer.Option(help="Easy test triplets: random pairs.")] = None,
    train: Annotated[
        Path | None, typer.Option(help="Training triplets, for the leak check and the baselines that learn.")
    ] = None,
    valid: Annotated[
        Path | None, typer.Option(help="Validation triplets, which choose the threshold of precision and recall.")
    ] = None,
    settings: EvaluateConfig,
    config: Path | None,
    device: Device = None,
    devices: Devices = None,
    cluster: Cluster = None,
    precision: Precision = "float32",
    cache: Embeddings = None,
    output_format: Annotated[
        Literal["table", "json"], typer.Option("--format", help="For people, or the report as JSON.")
    ] = "table",
    force: Force = False,
) -> None:
    """Measure hard and easy accuracy with 95 % intervals. Of one model, or before and after."""
    from protrek_hm.data import read_triplets
    from protrek_hm.evaluate.report.write import EMBEDDINGS, describe_inputs, name_models, write_evaluation
    from protrek_hm.files import refuse_existing

    names = name_models(model)
    given = {"hard": test, "easy": easy, "train": train, "valid": valid}
    tables = {role: path for role, path in given.items() if path is not None}
    read = [*tables.values(), *map(Path, names.values()), *([config] if config else [])]
    refuse_existing(output, force=force, inputs=read, folder=True, carried=[EMBEDDINGS])
    frames = {role: read_triplets(path) for role, path in tables.items()}

    from protrek_hm.evaluate.caveats import read_split_notes
    from protrek_hm.evaluate.report.write import report
    from protrek_hm.evaluate.run import evaluate as run_evaluation
    from protrek_hm.evaluate.run import quote_split
    from protrek_hm.model import load_encoder
    from protrek_hm.model.cached import CachedEncoder
    from protrek_hm.workers import using

    loaded = {name: load_encoder(path, device=device) for name, path in names.items()}
    for each in loaded.values():
        tell_cuts(each, [frame for role, frame in frames.items() if role != "train"])
    place = cache or output / EMBEDDINGS
    models = {name: CachedEncoder(each, place, precision=precision) for name, each in loaded.items()}
    with using(cluster, devices, device=device):
        result = run_evaluation(
            models,
            frames["hard"],
            frames.get("easy"),
            settings,
            train=frames.get("train"),
            valid=frames.get("valid"),
            show_progress=True,
        )
    result = quote_split(result, read_split_notes(test, train))
    provenance = describe_inputs(tables, names, {name: each.fingerprint() for name, each in models.items()})
    write_evaluation(result, output, force=force, provenance=provenance)
    if output_format == "json":
        import json

        typer.echo(json.dumps(report(result, provenance=provenance), indent=2, ensure_ascii=False))
        return
    from protrek_hm.evaluate.table import print_results

    print_results(result)
    encoded = ", ".join(f"{name} {each.encoded}" for name, each in models.items())
    typer.echo(f"inputs encoded: {encoded}; report: {output / 'report.html'}", err=True)


evaluate_app.command("compare")(compare)
evaluate_app.command("seeds")(seeds)
evaluate_app.command("ec")(ec)
evaluate_app.command("retrieval")(retrieval)
evaluate_app.command("twins")(twins)
