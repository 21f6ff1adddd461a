"""`protrek-hm evaluate ec` and `evaluate retrieval`: public scoreboards; their files are the user's."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from protrek_hm.cli.flags import Device, Force

Model = Annotated[str, typer.Option("--model", "-m", help="Model folder or hub name.")]
Output = Annotated[Path | None, typer.Option("--output", "-o", help="Also write figures and predictions as JSON.")]
BatchSize = Annotated[int, typer.Option(min=1, help="Inputs per batch.")]
Seed = Annotated[int, typer.Option(min=0, help="Fixes the intervals.")]
Format = Annotated[Literal["table", "json"], typer.Option("--format", help="For people, or JSON.")]
Cache = Annotated[Path | None, typer.Option(help="Folder of embeddings to use and to add to.")]


def ec(
    train: Annotated[Path, typer.Argument(help="Labelled enzymes in CLEAN's or CARE's format, such as split100.csv.")],
    test: Annotated[Path, typer.Argument(help="Enzymes to label, same formats: New-392, Price-149, a split of CARE.")],
    *,
    model: Model,
    texts: Annotated[Path | None, typer.Option(help="What each class does, such as CARE's text2EC.csv.")] = None,
    output: Output = None,
    cache: Cache = None,
    batch_size: BatchSize = 32,
    device: Device = None,
    seed: Seed = 42,
    output_format: Format = "table",
    force: Force = False,
) -> None:
    """Transfer enzyme classes, and rate them as CLEAN and CARE do. By text, and by the nearest labelled protein."""
    from protrek_hm.evaluate.scoreboards.files import read_class_texts, read_enzymes
    from protrek_hm.files import refuse_existing

    if output is not None:
        refuse_existing(output, force=force, inputs=[train, test, *([texts] if texts else [])])
    known, asked = read_enzymes(train), read_enzymes(test)
    class_texts = None if texts is None else read_class_texts(texts)

    from protrek_hm.evaluate.scoreboards.ec import ec_content, ec_table, rate, transfer_all

    encoder = _load(model, device, cache)
    transfers = transfer_all(encoder, known, asked, class_texts, batch_size=batch_size)
    results = [rate(each, asked, seed=seed) for each in transfers]
    shared = known.shared_with(asked)
    typer.echo(f"{shared} of {len(asked.sequences)} test proteins stand in training, too", err=True)
    if class_texts is None:
        typer.echo("no --texts: classes are not looked for by text", err=True)
    content = ec_content(results, asked, shared=shared)
    _give(content, lambda: ec_table(results), output, output_format)


def retrieval(
    data: Annotated[Path, typer.Argument(help="ProTrek's test folder, or a protein table.")],
    *,
    model: Model,
    section: Annotated[
        list[str] | None,
        typer.Option(help="Text column that is a section of the table. May be repeated.  [default: text]"),
    ] = None,
    output: Output = None,
    cache: Cache = None,
    batch_size: BatchSize = 32,
    device: Device = None,
    seed: Seed = 42,
    output_format: Format = "table",
    force: Force = False,
) -> None:
    """Rank all texts for each protein, and the reverse. MAP, MRR and AUC by section, as ProTrek does."""
    from protrek_hm.data import read_proteins
    from protrek_hm.evaluate.scoreboards.files import read_protrek_folder, sections_of_table
    from protrek_hm.files import refuse_existing

    if output is not None:
        refuse_existing(output, force=force, inputs=[data])
    if data.is_dir():
        sections = read_protrek_folder(data)
    else:
        sections = sections_of_table(read_proteins(data), section or ["text"], name=data)

    from protrek_hm.evaluate.scoreboards.sections import retrieve_sections, sections_content, sections_table

    encoder = _load(model, device, cache)
    results = retrieve_sections(encoder, sections, batch_size=batch_size, seed=seed, show_progress=True)
    _give(sections_content(results), lambda: sections_table(results), output, output_format)


def _load(model: str, device: str | None, cache: Path | None) -> Any:
    from protrek_hm.model import ProTrek
    from protrek_hm.model.cached import CachedEncoder

    loaded = ProTrek.from_pretrained(model, device=device)
    return loaded if cache is None else CachedEncoder(loaded, cache)


def _give(content: dict[str, Any], table: Any, output: Path | None, output_format: str) -> None:
    import json

    from protrek_hm.figures.terminal import PlainConsole
    from protrek_hm.files import write_json

    if output is not None:
        write_json(output, content)
    if output_format == "json":
        typer.echo(json.dumps(content, indent=2, ensure_ascii=False))
    else:
        PlainConsole().print(table())
