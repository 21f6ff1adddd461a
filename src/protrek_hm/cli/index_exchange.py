"""`protrek-hm index export` and `import`: indexes for other tools, and from them."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from protrek_hm.cli.options import Force, OnBadRecord


def index_export(
    index: Annotated[Path, typer.Argument(help="Folder of the index.")],
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="Parquet file, or folder of FAISS files.")],
    output_format: Annotated[
        Literal["parquet", "faiss"],
        typer.Option("--format", help="Records with embeddings, or sequence.index and ids.tsv as ProTrek reads them."),
    ] = "parquet",
    force: Force = False,
) -> None:
    """Write records with their embeddings as a Parquet file, or proteins as ProTrek's FAISS files."""
    from protrek_hm.index.exchange import export_parquet
    from protrek_hm.index.faiss_folder import export_faiss

    write = export_parquet if output_format == "parquet" else export_faiss
    typer.echo(f"{output}: {write(index, output, force=force)} records")


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
    """Make an index of embeddings that exist already; nothing is encoded."""
    from protrek_hm.errors import OptionError
    from protrek_hm.index.build import refuse_other
    from protrek_hm.index.exchange import import_parquet
    from protrek_hm.index.faiss_folder import import_faiss
    from protrek_hm.index.model import NamedModel

    refuse_other(output, force=force, inputs=[source, *([Path(model)] if model else [])])
    named = None
    if model is not None:
        from protrek_hm.model import ProTrek

        loaded = ProTrek.from_pretrained(model, device="cpu")
        named = NamedModel(model, loaded.fingerprint(), loaded.get_embedding_dimension())
    if not source.is_dir():
        info = import_parquet(source, output, model=named, on_bad_record=on_bad_record, force=force)
    elif named is None:
        raise OptionError("model", None, f"{source} does not say which model made its vectors; name it with -m")
    else:
        info = import_faiss(source, output, model=named, on_bad_record=on_bad_record, force=force)
    counts = ", ".join(f"{count} {name}" for name, count in info.counts.items())
    typer.echo(f"{output}: {counts} (vectors of {info.dimension}, model {info.model})")
