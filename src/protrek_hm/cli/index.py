"""`protrek-hm index`: proteins encoded once, to be searched often."""

from pathlib import Path
from typing import Annotated, Literal

import typer

index_app = typer.Typer(name="index", help="Build and inspect indexes of proteins.", no_args_is_help=True)


@index_app.command("build")
def index_build(
    proteins: Annotated[Path, typer.Argument(help="Table (TSV, CSV, Parquet) or FASTA of proteins.")],
    *,
    model: Annotated[str, typer.Option("--model", "-m", help="Folder or hub id of the model.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the new index.")],
    batch_size: Annotated[int, typer.Option(help="Inputs per batch.")] = 32,
    precision: Annotated[
        Literal["float32", "bf16"], typer.Option(help="bf16 is sooner, and changes scores in the third decimal.")
    ] = "float32",
    device: Annotated[str | None, typer.Option(help="cpu, cuda, …; the best there is by default.")] = None,
    on_bad_record: Annotated[
        Literal["error", "skip"], typer.Option(help="Stop at a bad record, or leave it out.")
    ] = "error",
    force: Annotated[bool, typer.Option("--force", help="Overwrite the output.")] = False,
) -> None:
    """Encode all proteins of a file and write them as an index."""
    from protrek_hm.cli.notices import tell_cuts
    from protrek_hm.data import read_proteins
    from protrek_hm.files import refuse_existing
    from protrek_hm.index import IndexConfig, build_index
    from protrek_hm.model import ProTrek

    config = IndexConfig(batch_size, precision)
    refuse_existing(output, force=force)
    table = read_proteins(proteins, on_bad_record=on_bad_record)
    encoder = ProTrek.from_pretrained(model, device=device)
    tell_cuts(encoder, [table])
    info = build_index(
        table,
        encoder,
        output,
        config,
        model_name=model,
        source=proteins,
        force=force,
    )
    counts = ", ".join(f"{count} {name}" for name, count in info.counts.items())
    typer.echo(f"{output}: {counts} (vectors of {info.dimension}, model {model})")


@index_app.command("info")
def index_info(
    index: Annotated[Path, typer.Argument(help="Folder of the index.")],
    output_format: Annotated[
        Literal["table", "json"], typer.Option("--format", help="For people, or for programs.")
    ] = "table",
) -> None:
    """Say what an index holds, and what it was made from."""
    from dataclasses import asdict

    from protrek_hm.index import read_info

    size = sum(file.stat().st_size for file in index.glob("*")) if index.is_dir() else 0
    content = {**asdict(read_info(index)), "bytes": size}
    if output_format == "json":
        from json import dumps

        typer.echo(dumps(content, indent=2, ensure_ascii=False))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, show_header=False)
    for key, value in content.items():
        shown = ", ".join(f"{name} {each}" for name, each in value.items()) if isinstance(value, dict) else str(value)
        table.add_row(key.replace("_", " "), shown)
    Console().print(table)
