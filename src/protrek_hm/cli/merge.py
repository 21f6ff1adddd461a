"""`protrek-hm merge`: models between a base and what was tuned from it."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from protrek_hm.cli.flags import Device, Force, with_settings
from protrek_hm.merge.config import SweepConfig


@with_settings(SweepConfig, table="merge")
def merge(
    base: Annotated[str, typer.Argument(help="Folder or hub name of the model before fine-tuning.")],
    tuned: Annotated[list[str], typer.Argument(help="Model tuned from it; of several the mean is taken.")],
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the merged model.")],
    sweep: Annotated[
        bool, typer.Option("--sweep", help="Try α = 0 … 1 on validation triplets, and keep the best.")
    ] = False,
    alpha: Annotated[
        float | None, typer.Option(help="Instead of a sweep: how far from the base (0) to the tuned model (1).")
    ] = None,
    valid: Annotated[
        Path | None, typer.Option(help="Hard validation triplets.  [default: those that the tuned model's run read]")
    ] = None,
    easy: Annotated[
        Path | None, typer.Option(help="Easy validation triplets.  [default: those that the tuned model's run read]")
    ] = None,
    settings: SweepConfig,
    config: Path | None,
    device: Device = None,
    output_format: Annotated[
        Literal["table", "json"], typer.Option("--format", help="For people, or the sweep as JSON.")
    ] = "table",
    force: Force = False,
) -> None:
    """Interpolate weights between a base and its tuned model.

    Between the two lie models with most of the gain and little of the loss.
    """
    from protrek_hm.config import require
    from protrek_hm.files import refuse_existing

    require("alpha", alpha, "give either --sweep, or one --alpha", holds=sweep is (alpha is None))
    read = [each for each in (base, *tuned, valid, easy, config) if each is not None]
    refuse_existing(output, force=force, inputs=read, folder=True)
    from protrek_hm.merge.output import describe, write_merge
    from protrek_hm.merge.sweeping import read_validation
    from protrek_hm.merge.sweeping import sweep as run_sweep
    from protrek_hm.merge.weights import average_models, merge_models
    from protrek_hm.model import ProTrek

    tables = read_validation(tuned[0], valid, easy) if alpha is None else None
    start, *ends = (ProTrek.from_pretrained(path, device=device) for path in (base, *tuned))
    sources = {
        "base": {"path": base, "fingerprint": start.fingerprint()},
        "tuned": [{"path": path, "fingerprint": end.fingerprint()} for path, end in zip(tuned, ends, strict=True)],
    }
    goal = average_models(ends)
    result = (
        None
        if tables is None
        else run_sweep(
            start,
            goal,
            *tables,
            settings,
            progress=lambda point: typer.echo(
                f"α = {point.alpha:g}: hard {100 * point.hard.value:.1f} %, easy {100 * point.easy.value:.1f} %",
                err=True,
            ),
        )
    )
    place = alpha if result is None else result.chosen.alpha
    assert place is not None
    merged = merge_models(start, goal, alpha=place)
    write_merge(merged, output, alpha=place, sources=sources, result=result, force=force)
    if result is not None and output_format == "json":
        import json

        typer.echo(json.dumps(describe(result), indent=2, ensure_ascii=False))
    elif result is not None:
        from protrek_hm.merge.output import print_sweep

        print_sweep(result)
    typer.echo(f"model: {output / 'model'}", err=True)
