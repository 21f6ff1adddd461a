"""`protrek-hm model`: make a model, look at one, convert one, share one."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from protrek_hm.cli.console import tell_check
from protrek_hm.cli.data import parse_columns
from protrek_hm.cli.flags import Columns, Force

model_app = typer.Typer(name="model", help="Make, inspect, convert and share models.", no_args_is_help=True)

_Encoder = "Folder or hub name of a pretrained encoder for {}.  [default: a fresh one]"


@model_app.command("build")
def model_build(
    proteins: Annotated[
        Path | None,
        typer.Argument(help="Proteins whose texts give a fresh text tower its words; needless with --text-encoder."),
    ] = None,
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the new model.")],
    sequence_encoder: Annotated[str | None, typer.Option(help=_Encoder.format("sequences"))] = None,
    text_encoder: Annotated[str | None, typer.Option(help=_Encoder.format("texts"))] = None,
    structure_encoder: Annotated[
        str | None,
        typer.Option(help="The same for 3Di letters.  [default: no structure tower, see --structure-layers]"),
    ] = None,
    dimension: Annotated[
        int | None, typer.Option(help="Of the joint space.  [default: 1024 with a pretrained encoder, else --hidden]")
    ] = None,
    layers: Annotated[int, typer.Option(help="Transformer blocks of a fresh sequence tower.")] = 4,
    text_layers: Annotated[int, typer.Option(help="Transformer blocks of a fresh text tower.")] = 2,
    structure_layers: Annotated[
        int, typer.Option(min=0, help="Transformer blocks of a fresh structure tower; 0 makes none.")
    ] = 0,
    hidden: Annotated[int, typer.Option(help="Width of fresh towers.")] = 128,
    heads: Annotated[int, typer.Option(help="Attention heads of fresh towers; must divide --hidden.")] = 4,
    vocabulary: Annotated[int, typer.Option(help="Entries of a fresh WordPiece vocabulary.")] = 4000,
    max_residues: Annotated[
        int | None,
        typer.Option(help="Longer proteins are cut.  [default: 1022 in fresh towers, all that a pretrained one reads]"),
    ] = None,
    max_text_tokens: Annotated[
        int | None,
        typer.Option(help="Longer texts are cut.  [default: 510 in fresh towers, all that a pretrained one reads]"),
    ] = None,
    seed: Annotated[int, typer.Option(help="Fixes the random weights.")] = 42,
    column: Columns = None,
    licence: Annotated[str | None, typer.Option("--license", help="For the model card, such as apache-2.0.")] = None,
    force: Force = False,
) -> None:
    """Make a model to be trained. Of fresh towers, which need no network, or around pretrained encoders."""
    from protrek_hm.errors import OptionError
    from protrek_hm.files import new_folder, refuse_existing
    from protrek_hm.model.config import EncoderConfig, ModelConfig, TowerConfig

    def tower(encoder: str | None, blocks: int, limit: int | None, fresh: int) -> TowerConfig | EncoderConfig:
        if encoder is not None:
            return EncoderConfig(encoder, max_tokens=limit)
        return TowerConfig(layers=blocks, hidden=hidden, heads=heads, max_tokens=fresh if limit is None else limit)

    read = [Path(each) for each in (sequence_encoder, text_encoder, structure_encoder, proteins) if each is not None]
    refuse_existing(output, force=force, inputs=read, folder=True)
    limit = None if max_residues is None else max_residues + 2
    structure = (
        tower(structure_encoder, structure_layers, limit, 1024) if structure_encoder or structure_layers else None
    )
    if dimension is None:
        dimension = 1024 if sequence_encoder or text_encoder or structure_encoder else hidden
    settings = ModelConfig(
        sequence=tower(sequence_encoder, layers, limit, 1024),
        text=tower(text_encoder, text_layers, None if max_text_tokens is None else max_text_tokens + 2, 512),
        structure=structure,
        dimension=dimension,
        vocabulary=vocabulary,
        seed=seed,
        license=licence,
    )
    if text_encoder is None and proteins is None:
        raise OptionError("proteins", None, "give a table whose texts teach the text tower words, or --text-encoder")
    texts = [] if proteins is None else _read_texts(proteins, parse_columns(column or []))

    from protrek_hm.model import ProTrek

    model = ProTrek.build(settings, texts=texts, device="cpu")
    with new_folder(output, force=force) as temporary:
        model.save_pretrained(str(temporary))
    typer.echo(f"{output}: {model.parameter_count:,} parameters, not trained yet")


def _read_texts(proteins: Path, columns: dict[str, str]) -> list[str]:
    from protrek_hm.data import read_proteins

    return list(read_proteins(proteins, columns=columns)["text"].drop_nulls())


@model_app.command("info")
def model_info(
    model: Annotated[str, typer.Argument(help="Folder or hub name of the model.")],
    *,
    format_: Annotated[
        Literal["json", "table"], typer.Option("--format", help="For programs, or for people.")
    ] = "json",
) -> None:
    """Say what a model is made of. Towers, parameters, dimensions, fingerprint, what was done to the weights."""
    import json

    from protrek_hm.model.info import describe_model

    made_of = describe_model(model)
    if format_ == "json":
        typer.echo(json.dumps(made_of, indent=2))
    else:
        _print_tables(made_of)


@model_app.command("check")
def model_check(model: Annotated[str, typer.Argument(help="Folder or hub name of the model.")]) -> None:
    """Compare a model with what was saved. Exit 1 if weights, settings or vocabularies are not as they were."""
    from protrek_hm.model.info import check_model

    tell_check(check_model(model), sound=f"{model}: as it was saved")


def _print_tables(made_of: dict[str, Any]) -> None:
    import json

    from rich.table import Column, Table

    from protrek_hm.figures.terminal import PlainConsole

    towers = Table("tower", "encoder", "blocks", "vocabulary", "reads", "parameters")
    for route, tower in made_of["towers"].items():
        numbers = (f"{tower[name]:,}" for name in ("vocabulary", "max_tokens", "parameters"))
        towers.add_row(route, tower["encoder"], f"{tower['layers']} × {tower['hidden']}", *numbers)
    facts = Table("fact", Column("value", overflow="fold"))
    for name in ("parameters", "dimension"):
        facts.add_row(name, f"{made_of[name]:,}")
    facts.add_row("temperature", f"{made_of['temperature']:.6g}")
    facts.add_row("license", made_of["license"] or "not stated")
    facts.add_row("fingerprint", made_of["fingerprint"])
    for step in made_of["history"]:
        facts.add_row(str(step.get("step")), json.dumps({k: v for k, v in step.items() if k != "step"}))
    console = PlainConsole()
    console.print(towers)
    console.print(facts)


@model_app.command("convert")
def model_convert(
    model: Annotated[str, typer.Argument(help="Folder, checkpoint (….pt) or hub name of the model.")],
    output: Annotated[Path, typer.Argument(help="Folder of the converted model.")],
    *,
    to: Annotated[
        Literal["official", "sentence-transformers"] | None,
        typer.Option(help="ProTrek's own layout, or ours.  [default: the other than that of the model]"),
    ] = None,
    licence: Annotated[
        str | None, typer.Option("--license", help="For the model card.  [default: the model's]")
    ] = None,
    force: Force = False,
) -> None:
    """Convert between ProTrek's layout and a SentenceTransformer. The same weights, nothing is lost."""
    from protrek_hm.model.convert import convert_model

    made = convert_model(model, output, to=to, license=licence, force=force)
    typer.echo(f"{output}: {'in ProTrek’s own layout' if made == 'official' else 'a SentenceTransformer'}")


@model_app.command("push")
def model_push(
    folder: Annotated[Path, typer.Argument(help="Folder of the model, or of the run that trained it.")],
    name: Annotated[str, typer.Argument(help="user/name on the hub; made if it is not there.")],
    *,
    public: Annotated[bool, typer.Option("--public", help="Let everybody see a new repository.")] = False,
    message: Annotated[str, typer.Option(help="What the commit says.")] = "Upload the model",
) -> None:
    """Upload a model to the Hugging Face hub. Private unless you say otherwise."""
    from protrek_hm.errors import MissingFileError
    from protrek_hm.model.info import describe_model
    from protrek_hm.model.locate import find_model, push

    if not folder.is_dir():
        raise MissingFileError(folder, "give the folder of a saved model")
    describe_model(folder)  # half a model is not shared
    typer.echo(push(find_model(folder), name, public=public, message=message))
