"""`protrek-hm data structure`: structures become a table of sequences and 3Di letters."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from protrek_hm.cli.flags import Force, with_settings
from protrek_hm.data.structures.config import StructureConfig, parse_mask
from protrek_hm.errors import OptionError


@with_settings(StructureConfig, names={"chains": "--chain"}, parsers={"mask_plddt": parse_mask})
def structure(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Structures, or folders of them: PDB, mmCIF or BinaryCIF, also .gz or .zst."),
    ] = None,
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="Table to write: .parquet, .tsv or .csv.")],
    alphafold: Annotated[
        list[str] | None,
        typer.Option(help="UniProt accession whose AlphaFold prediction is fetched, or a file with one a line."),
    ] = None,
    alphafold_url: Annotated[str | None, typer.Option(help="A mirror.  [default: https://alphafold.ebi.ac.uk]")] = None,
    cache: Annotated[
        Path | None, typer.Option(help="Folder that keeps predictions.  [default: ~/.cache/protrek-hm/alphafold]")
    ] = None,
    settings: StructureConfig,
    texts: Annotated[
        Path | None, typer.Option(help="Table of texts, joined by id, file name or UniProt accession.")
    ] = None,
    on_bad_record: Annotated[
        Literal["error", "skip"], typer.Option(help="At a bad file stop, or leave it out and say so.")
    ] = "error",
    force: Force = False,
) -> None:
    """Read sequences and 3Di letters of the chains of structures. Both are as long as each other."""
    from protrek_hm.data.tables import check_ending
    from protrek_hm.files import refuse_existing

    if not paths and not alphafold:
        raise OptionError("paths", "none", "give structure files, folders of them, or accessions with --alphafold")
    refuse_existing(output, force=force, inputs=[*(paths or []), *(alphafold or []), *([texts] if texts else [])])
    check_ending(output)

    import polars as pl

    from protrek_hm.cli.console import progress_bar
    from protrek_hm.data import write_proteins
    from protrek_hm.data.structures import find_structure_files, join_texts, read_structures, read_texts
    from protrek_hm.data.structures.alphafold import (
        ALPHAFOLD_URL,
        AlphaFold,
        default_cache,
        fetch_predictions,
        read_accessions,
    )

    told = None if texts is None else read_texts(texts)
    files = find_structure_files(paths or [])
    source = AlphaFold(cache or default_cache(), alphafold_url or ALPHAFOLD_URL)
    with progress_bar() as progress:
        fetched, lacking = fetch_predictions(
            read_accessions(alphafold or []), source, on_bad_record=on_bad_record, progress=progress
        )
        table = read_structures([*files, *fetched], settings, on_bad_record=on_bad_record, progress=progress)
    frame = table.frame if told is None else join_texts(table.frame, told)
    write_proteins(frame, output, force=force)
    for bad in (*lacking, *table.bad):
        typer.echo(f"left out: {bad}", err=True)
    counts = f"{table.frame.height:,} chains of {table.frame['file'].n_unique():,} files"
    if told is not None:
        counts += f", {frame.drop_nulls('text')['id'].n_unique():,} of them with a text"
    typer.echo(f"{output}: {counts}")
    for column, problem in (("unknown", "are X, as nobody says of what"), ("left_out", "are left out")):
        some = table.frame.filter(pl.col(column) > 0)
        if some.height:
            first = ", ".join(some["id"].head(3))
            number = some[column].sum()
            typer.echo(f"{number:,} residues of {some.height:,} chains {problem}, such as in {first}", err=True)
