"""`protrek-hm index`: proteins encoded once, to be searched often."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import typer

from protrek_hm.cli.console import tell_check, tell_cuts
from protrek_hm.cli.data import parse_columns
from protrek_hm.cli.flags import (
    Cluster,
    Columns,
    Device,
    Devices,
    Force,
    ModelOrMini,
    OnBadRecord,
    changing,
    with_settings,
)
from protrek_hm.errors import counted
from protrek_hm.index.config import IndexConfig

index_app = typer.Typer(name="index", help="Build, change and inspect indexes of proteins.", no_args_is_help=True)

Files = Annotated[list[Path], typer.Argument(help="Tables (TSV, CSV, Parquet) or FASTA of proteins.")]
Folder = Annotated[Path, typer.Argument(help="Folder of the index.")]
ChangedFolder = Annotated[Path, typer.Argument(help="Folder of the index.", parser=changing)]


@index_app.command("build")
@with_settings(IndexConfig, without=["meaning"])
def index_build(
    proteins: Files,
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the new index.")],
    model: ModelOrMini = "mini",
    settings: IndexConfig,
    meaning: Annotated[
        bool, typer.Option(help="Also compare questions with the texts, by a sentence encoder.  [default: meaning]")
    ] = True,
    column: Columns = None,
    device: Device = None,
    devices: Devices = None,
    cluster: Cluster = None,
    force: Force = False,
) -> None:
    """Encode the proteins of files and write them as an index. Once interrupted, the same command continues."""
    from protrek_hm.index import build_index, read_files
    from protrek_hm.index.changes import refuse_other
    from protrek_hm.model import load_encoder
    from protrek_hm.workers import using

    refuse_other(output, force=force, inputs=[*proteins, Path(model)])
    table = read_files(proteins, columns=parse_columns(column or []), on_bad_record=settings.on_bad_record)
    encoder = load_encoder(model, device=device)
    tell_cuts(encoder, [table])
    settings = replace(settings, meaning=meaning)
    with using(cluster, devices, device=device):
        info = build_index(table, encoder, output, settings, model_name=model, source=proteins, force=force)
    counts = ", ".join(f"{count} {name}" for name, count in info.counts.items())
    typer.echo(f"{output}: {counts} (vectors of {info.dimension}, model {model})")


@index_app.command("add")
@with_settings(IndexConfig, without=["precision", "meaning", "shards"])
def index_add(
    index: ChangedFolder,
    proteins: Files,
    *,
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="Where the model of the index is now, if it has moved.")
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace proteins that the index has already, by id.")
    ] = False,
    settings: IndexConfig,
    column: Columns = None,
    device: Device = None,
    devices: Devices = None,
    cluster: Cluster = None,
) -> None:
    """Encode the proteins of files and add them to an index. Once interrupted, the same command continues."""
    from protrek_hm.index import add_to_index, read_files, read_info
    from protrek_hm.index.encoder import locate_model
    from protrek_hm.model import load_encoder
    from protrek_hm.workers import using

    before = read_info(index)
    table = read_files(proteins, columns=parse_columns(column or []), on_bad_record=settings.on_bad_record)
    encoder = load_encoder(model or locate_model(index, before), device=device)
    tell_cuts(encoder, [table])
    with using(cluster, devices, device=device):
        info = add_to_index(index, table, encoder, settings, source=proteins, replace_known=replace)
    typer.echo(f"{index}: {counted(len(table), 'record')} added, {info.counts['records']:,} in all")


@index_app.command("remove")
def index_remove(
    index: ChangedFolder,
    *,
    ids: Annotated[
        list[str] | None, typer.Option(help="Id of a protein, or @FILE with one a line; can be given several times.")
    ] = None,
    where: Annotated[
        str | None, typer.Option(help='Condition in SQL over the columns and length, such as "length < 30".')
    ] = None,
) -> None:
    """Remove records by id or by condition. `index compact` gives their room back."""
    from protrek_hm.errors import OptionError
    from protrek_hm.index import read_info, remove_from_index
    from protrek_hm.index.records import read_ids

    if not ids and where is None:
        raise OptionError("ids", None, "say what to remove, with --ids or --where")
    named = [name for each in ids or [] for name in read_ids(each)]
    count = remove_from_index(index, ids=named, where=where)
    typer.echo(f"{index}: {counted(count, 'record')} removed, {read_info(index).counts['records']:,} left")


@index_app.command("compact")
def index_compact(index: ChangedFolder) -> None:
    """Rewrite an index in one piece, without what was removed."""
    from protrek_hm.index import compact_index

    counts = compact_index(index).counts
    typer.echo(f"{index}: {', '.join(f'{count} {name}' for name, count in counts.items())}")


@index_app.command("split")
def index_split(
    index: Folder,
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the new index.")],
    shards: Annotated[int, typer.Option("--shards", help="How many.")],
    force: Force = False,
) -> None:
    """Split an index into shards for several machines.

    They answer together as the whole index does; nothing is encoded anew.
    """
    from protrek_hm.index import split_index

    counts = split_index(index, output, shards=shards, force=force).counts
    typer.echo(f"{output}: {counted(counts['records'], 'record')} in {counted(shards, 'shard')}")


@index_app.command("check")
def index_check(index: Folder) -> None:
    """Compare an index with its digests. Exit 1 if anything is not as it was written."""
    from protrek_hm.index import check_index

    tell_check(check_index(index), sound=f"{index}: as it was written")


@index_app.command("info")
def index_info(
    index: Folder,
    output_format: Annotated[
        Literal["table", "json"], typer.Option("--format", help="For people, or for programs.")
    ] = "table",
) -> None:
    """Say what an index holds, and what it was made from."""
    from dataclasses import asdict

    from protrek_hm.index.layout import read_manifest

    manifest = read_manifest(index)
    recall = {name: dict(each.recall) for name, each in manifest.engines.items()}
    more = {
        name: {str(each.neighbours): dict(each.recall) for each in engine.wider}
        for name, engine in manifest.engines.items()
    }
    size = sum(file.stat().st_size for file in index.rglob("*") if file.is_file())
    content = {
        **asdict(manifest.info),
        **({"shards": [asdict(each) for each in manifest.shards]} if manifest.shards else {}),
        "segments": len(manifest.segments),
        "recall": recall,
        "recall_of_more": more,
        "bytes": size,
    }
    if output_format == "json":
        from json import dumps

        typer.echo(dumps(content, indent=2, ensure_ascii=False))
        return
    from rich.table import Table

    from protrek_hm.figures.terminal import print_table

    table = Table(box=None, show_header=False, pad_edge=False)
    sources = [
        f"{each['file']} ({each['bytes']:,} bytes, SHA-256 {each['sha256'][:12]}…)" for each in content["sources"]
    ]
    shards = [f"{each.name}: {counted(each.records, 'record')}" for each in manifest.shards]
    for key, value in {**content, "shards": "\n".join(shards), "sources": "\n".join(sources)}.items():
        shown = (
            ", ".join(f"{name} {each}" for name, each in value.items()) if isinstance(value, dict) else str(value or "")
        )
        if shown:
            table.add_row(key.replace("_", " "), shown)
    print_table(table)


@index_app.command("export")
def index_export(
    index: Folder,
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="Parquet file, or folder of FAISS files.")],
    output_format: Annotated[
        Literal["parquet", "faiss"],
        typer.Option("--format", help="Records with embeddings, or sequence.index and ids.tsv as ProTrek reads them."),
    ] = "parquet",
    force: Force = False,
) -> None:
    """Write records and embeddings as Parquet or as FAISS files. The latter are those of ProTrek, of proteins only."""
    from protrek_hm.index.exchange import export_parquet
    from protrek_hm.index.faiss_folder import export_faiss

    write = export_parquet if output_format == "parquet" else export_faiss
    typer.echo(f"{output}: {counted(write(index, output, force=force), 'record')}")


@index_app.command("import")
def index_import(
    source: Annotated[Path, typer.Argument(help="Parquet file with embeddings, or ProTrek's folder of FAISS files.")],
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the new index.")],
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="The model that made the embeddings, if the file does not say.")
    ] = None,
    on_bad_record: OnBadRecord = "error",
    force: Force = False,
) -> None:
    """Make an index of embeddings that exist already. Nothing is encoded."""
    from protrek_hm.errors import OptionError
    from protrek_hm.index.changes import refuse_other
    from protrek_hm.index.encoder import NamedModel
    from protrek_hm.index.exchange import import_parquet
    from protrek_hm.index.faiss_folder import import_faiss

    refuse_other(output, force=force, inputs=[source, *([Path(model)] if model else [])])
    named = None
    if model is not None:
        from protrek_hm.model import load_encoder

        loaded = load_encoder(model, device="cpu")
        named = NamedModel(model, loaded.fingerprint(), loaded.get_embedding_dimension())
    if not source.is_dir():
        info = import_parquet(source, output, model=named, on_bad_record=on_bad_record, force=force)
    elif named is None:
        raise OptionError("model", None, f"{source} does not say which model made its vectors; name it with -m")
    else:
        info = import_faiss(source, output, model=named, on_bad_record=on_bad_record, force=force)
    counts = ", ".join(f"{count} {name}" for name, count in info.counts.items())
    typer.echo(f"{output}: {counts} (vectors of {info.dimension}, model {info.model})")
