"""`protrek-hm evaluate`: how well models tell twins apart."""

from pathlib import Path
from typing import Annotated, Literal

import typer


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
        Path | None, typer.Option(help="Training triplets, for the leak check and the text-blind baseline.")
    ] = None,
    batch_size: Annotated[int | None, typer.Option(help="Inputs per batch. [default: 32]")] = None,
    resamples: Annotated[int | None, typer.Option(help="Bootstrap draws per interval. [default: 2000]")] = None,
    seed: Annotated[int | None, typer.Option(help="Fixes intervals and pictures. [default: 42]")] = None,
    device: Annotated[str | None, typer.Option(help="cpu, cuda, …; the best there is by default.")] = None,
    config: Annotated[Path | None, typer.Option(help="TOML file with an [evaluate] table.")] = None,
    output_format: Annotated[
        Literal["table", "json"], typer.Option("--format", help="For people, or the report as JSON.")
    ] = "table",
    force: Annotated[bool, typer.Option("--force", help="Overwrite the output.")] = False,
) -> None:
    """Measure hard and easy accuracy with 95 % intervals, for one model or before and after."""
    from protrek_hm.config import read_toml, resolve
    from protrek_hm.data import read_triplets
    from protrek_hm.evaluate.config import EvaluateConfig
    from protrek_hm.evaluate.provenance import describe_inputs, name_models
    from protrek_hm.files import refuse_existing

    flags = {"batch_size": batch_size, "resamples": resamples, "seed": seed}
    settings = resolve(EvaluateConfig, read_toml(config, "evaluate"), flags)
    names = name_models(model)
    refuse_existing(output, force=force)
    tables = {"hard": test, "easy": easy, "train": train}
    frames = {role: read_triplets(path) for role, path in tables.items() if path is not None}

    from protrek_hm.cli.notices import tell_cuts
    from protrek_hm.evaluate.report.content import report
    from protrek_hm.evaluate.report.write import write_evaluation
    from protrek_hm.evaluate.run import evaluate as run_evaluation
    from protrek_hm.model import ProTrek

    models = {name: ProTrek.from_pretrained(path, device=device) for name, path in names.items()}
    for each in models.values():
        tell_cuts(each, [frame for role, frame in frames.items() if role != "train"])
    result = run_evaluation(
        models, frames["hard"], frames.get("easy"), settings, train=frames.get("train"), show_progress=True
    )
    given = {role: path for role, path in tables.items() if path is not None}
    fingerprints = {name: model.fingerprint() for name, model in models.items()}
    provenance = describe_inputs(given, names, fingerprints)
    write_evaluation(result, output, force=force, provenance=provenance)
    if output_format == "json":
        import json

        typer.echo(json.dumps(report(result, provenance=provenance), indent=2, ensure_ascii=False))
        return
    from protrek_hm.evaluate.table import print_results

    print_results(result)
    typer.echo(f"report and pictures: {output}", err=True)
