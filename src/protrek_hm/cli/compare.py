"""`protrek-hm evaluate compare A B` and `evaluate seeds A B C`: runs that are on disk against each other."""

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from protrek_hm.cli.flags import Force

Format = Annotated[Literal["table", "json"], typer.Option("--format", help="For people, or JSON.")]
Output = Annotated[Path | None, typer.Option("--output", "-o", help="Also write the figures as JSON.")]


def compare(
    first: Annotated[Path, typer.Argument(help="Folder of an evaluation; of before and after, after counts.")],
    second: Annotated[Path, typer.Argument(help="Folder of another evaluation on the same table.")],
    *,
    output: Output = None,
    resamples: Annotated[int, typer.Option(min=100, help="Bootstrap draws per interval.")] = 2000,
    seed: Annotated[int, typer.Option(min=0, help="Fixes the draws.")] = 42,
    output_format: Format = "table",
    force: Force = False,
) -> None:
    """Compare two evaluations case by case. Differences with intervals, exact paired tests."""
    from protrek_hm.evaluate.compare import compare_runs, comparison_content, count_cases, read_run

    runs = [read_run(folder) for folder in (first, second)]
    found, counts = compare_runs(*runs, seed=seed, resamples=resamples), count_cases(*runs)
    for name, count in counts.items():
        if count.only_first or count.only_second:
            typer.echo(count.sentence(name), err=True)
    content = comparison_content(runs[0], runs[1], found, counts)
    _write(content, output, read=[first, second], force=force)
    if output_format == "json":
        typer.echo(json.dumps(content, indent=2, ensure_ascii=False))
        return
    from protrek_hm.evaluate.table import comparison_table
    from protrek_hm.figures.terminal import PlainConsole

    PlainConsole().print(comparison_table(found, [str(run.folder) for run in runs]))


def seeds(
    runs: Annotated[list[Path], typer.Argument(help="Folders of evaluations that differ in their seed alone.")],
    *,
    output: Output = None,
    output_format: Format = "table",
    force: Force = False,
) -> None:
    """Summarise several seeds. Mean, deviation, 95 % interval of the mean over runs."""
    from protrek_hm.evaluate.compare import compare_seeds, seeds_content

    found = compare_seeds(runs)
    content = seeds_content(runs, found)
    _write(content, output, read=runs, force=force)
    if output_format == "json":
        typer.echo(json.dumps(content, indent=2, ensure_ascii=False))
        return
    from protrek_hm.evaluate.table import seeds_table
    from protrek_hm.figures.terminal import PlainConsole

    PlainConsole().print(seeds_table(found))


def _write(content: dict[str, Any], output: Path | None, *, read: list[Path], force: bool) -> None:
    from protrek_hm.files import refuse_existing, write_json

    if output is not None:
        inputs = [run / name for run in read for name in ("report.json", "predictions.parquet")]
        refuse_existing(output, force=force, inputs=inputs)
        write_json(output, content)
