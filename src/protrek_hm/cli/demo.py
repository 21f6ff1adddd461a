"""`protrek-hm demo`: the whole way once, on bundled proteins."""

from pathlib import Path
from typing import Annotated

import typer

from protrek_hm.cli.flags import Force, local

Output = Annotated[Path, typer.Option("--output", "-o", help="Folder of everything it makes.", parser=local)]


def demo(
    *,
    output: Output = Path("demo"),
    seed: Annotated[int, typer.Option(help="Fixes splits, weights and simulated proteins.")] = 42,
    simulated: Annotated[
        bool, typer.Option("--simulated", help="On simulated families, whose truth is known, with a base trained here.")
    ] = False,
    force: Force = False,
) -> None:
    """Run the whole way once on real beta-lactamases, in some minutes.

    Mine twins, tune the package's small model, measure before and after, index, search; on two cores.
    """
    from protrek_hm.files import new_folder, refuse_existing

    refuse_existing(output, force=force, folder=True)

    import os
    import sys
    from contextlib import chdir

    # Towers this small gain little from a second thread, and on a busy machine lose much by it
    os.environ.setdefault("OMP_NUM_THREADS", "1")

    from protrek_hm.demo import AMONG, run_demo, run_simulated
    from protrek_hm.evaluate.table import print_results
    from protrek_hm.search.hits import each_alone
    from protrek_hm.search.render import write_answers

    with new_folder(output, force=force) as folder, chdir(folder):
        run = run_simulated if simulated else run_demo
        result = run(Path(), seed=seed, say=lambda line: typer.echo(line, err=True))
    print_results(result.evaluation)
    for search in result.searches:
        found = f"{search.found_before} before, {search.found_after} after"
        typer.echo(f"\n{search.answers} {search.among} do this; among the first {AMONG} hits stand {found}:")
        write_answers({search.query: each_alone(search.hits)}, sys.stdout, form="table", grouped=False)
    typer.echo("\nPictures:")
    for picture in sorted(output.rglob("*.png")):
        typer.echo(f"  {picture}")
