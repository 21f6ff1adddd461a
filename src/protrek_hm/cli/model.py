"""`protrek-hm model`: make a fresh model, look at one."""

from pathlib import Path
from typing import Annotated

import typer

model_app = typer.Typer(name="model", help="Make a fresh model, or look at one.", no_args_is_help=True)


@model_app.command("build")
def model_build(
    proteins: Annotated[Path, typer.Argument(help="Proteins whose texts give the words of the model.")],
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the new model.")],
    layers: Annotated[int, typer.Option(help="Transformer blocks of the sequence tower.")] = 4,
    text_layers: Annotated[int, typer.Option(help="Transformer blocks of the text tower.")] = 2,
    hidden: Annotated[int, typer.Option(help="Width of both towers and of the joint space.")] = 128,
    heads: Annotated[int, typer.Option(help="Attention heads; must divide --hidden.")] = 4,
    vocabulary: Annotated[int, typer.Option(help="Entries of the WordPiece vocabulary.")] = 4000,
    max_residues: Annotated[int, typer.Option(help="Longer proteins are cut.")] = 1022,
    seed: Annotated[int, typer.Option(help="Fixes the random weights.")] = 42,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the output.")] = False,
) -> None:
    """Make a model of ProTrek's architecture with random weights, to be trained. Needs no network."""
    from protrek_hm.data import read_proteins
    from protrek_hm.files import new_folder, refuse_existing
    from protrek_hm.model.config import ModelConfig, TowerConfig

    refuse_existing(output, force=force)
    settings = ModelConfig(
        sequence=TowerConfig(layers=layers, hidden=hidden, heads=heads, max_tokens=max_residues + 2),
        text=TowerConfig(layers=text_layers, hidden=hidden, heads=heads, max_tokens=512),
        dimension=hidden,
        vocabulary=vocabulary,
        seed=seed,
    )
    texts = read_proteins(proteins)["text"].drop_nulls().to_list()

    from protrek_hm.model import ProTrek

    model = ProTrek.build(settings, texts=texts, device="cpu")
    with new_folder(output, force=force) as temporary:
        model.save_pretrained(str(temporary))
    typer.echo(f"{output}: {model.parameter_count:,} parameters, not trained yet")


@model_app.command("info")
def model_info(
    model: Annotated[str, typer.Argument(help="Folder or hub name of the model.")],
) -> None:
    """Say what a model is made of, as JSON."""
    import json

    from protrek_hm.model import ProTrek

    typer.echo(json.dumps(ProTrek.from_pretrained(model, device="cpu").describe(), indent=2))
