"""`protrek-hm search`: which proteins fit these words."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TextIO

import typer

from protrek_hm.cli.console import notices_told, tell_of_answers
from protrek_hm.cli.options import Device, Force, ModelOfIndex, OutputFile, RowsFormat, destination

if TYPE_CHECKING:
    from protrek_hm.search.batch import BatchConfig
    from protrek_hm.search.query import Query
    from protrek_hm.search.render import Form
    from protrek_hm.search.searcher import Searcher


def search(
    index: Annotated[Path, typer.Argument(help="Folder of the index.")],
    queries: Annotated[
        list[str] | None, typer.Argument(help="Texts; with --by also sequences, 3Di strings, FASTA or structure files.")
    ] = None,
    *,
    by: Annotated[
        Literal["text", "sequence", "structure"] | None,
        typer.Option(help="What the queries are.  [default: text; sequence for a FASTA file in --batch]"),
    ] = None,
    want: Annotated[
        Literal["sequence", "text", "structure"], typer.Option(help="What they are compared with.")
    ] = "sequence",
    k: Annotated[int, typer.Option("-k", help="Families per query, or hits where nothing is grouped.")] = 10,
    where: Annotated[
        str | None, typer.Option(help="SQL condition, as \"length < 400 and organism = 'Escherichia coli'\".")
    ] = None,
    group: Annotated[
        bool | None,
        typer.Option("--group/--no-group", help="Near-identical hits as one family.  [default: group, but in --batch]"),
    ] = None,
    exact: Annotated[
        bool, typer.Option("--exact", help="Compare every vector, where an engine would choose some of them.")
    ] = False,
    min_identity: Annotated[float, typer.Option(help="Identity with a family's best hit, in (0, 1].")] = 0.7,
    chain: Annotated[
        list[str] | None, typer.Option(help="Chain of a structure file; repeatable.  [default: all]")
    ] = None,
    output_format: RowsFormat = "table",
    output: OutputFile = None,
    batch: Annotated[
        Path | None,
        typer.Option(help="Table, FASTA or .txt of many queries; -o ends in .parquet, .tsv, .csv or .jsonl."),
    ] = None,
    column: Annotated[
        list[str] | None, typer.Option(help="With --batch: column of the index beside each hit; repeatable.")
    ] = None,
    on_bad_record: Annotated[
        Literal["error", "skip"], typer.Option(help="With --batch: stop at a bad query, or leave it out.")
    ] = "error",
    model: ModelOfIndex = None,
    device: Device = None,
    force: Force = False,
) -> None:
    """Rank the proteins of an index by how well they fit a text (or a sequence, or a structure)."""
    from protrek_hm.data.proteins import is_fasta
    from protrek_hm.errors import OptionError
    from protrek_hm.files import refuse_existing, refuse_unwritable
    from protrek_hm.search.batch import BatchConfig
    from protrek_hm.search.query import read_queries, read_query_table
    from protrek_hm.search.searcher import Searcher

    if output is not None:
        refuse_existing(output, force=force, inputs=[*(queries or []), *([batch] if batch else [])])
        refuse_unwritable(output)
    if batch is None:
        settings = BatchConfig(by or "text", want, k, where, group is not False, min_identity, exact)
        read = read_queries(queries or [], settings.query_type, chains=tuple(chain or ()))
        if not read:
            raise OptionError("queries", "", "give one at least, or a file of many with --batch")
    else:
        if output is None or queries:
            raise OptionError(
                "batch", str(batch), "needs -o FILE.parquet (or .tsv, .csv, .jsonl), and no other queries"
            )
        kind = by or ("sequence" if is_fasta(batch) else "text")
        settings = BatchConfig(kind, want, k, where, bool(group), min_identity, exact, columns=tuple(column or ()))
        read, bad = read_query_table(batch, kind, on_bad_record=on_bad_record)
        if bad:
            typer.echo(f"{batch}: {len(bad):,} bad queries left out, the first on line {bad[0].line}", err=True)
    searcher = Searcher.open(index, model=model, device=device)
    if batch is not None and output is not None:
        _answer_batch(searcher, read, output, settings, force=force)
    else:
        with destination(output, force=force) as file:
            _answer(searcher, read, settings, file, output_format)


def _answer(searcher: "Searcher", queries: "list[Query]", settings: "BatchConfig", file: TextIO, form: "Form") -> None:
    from protrek_hm.search.render import write_answers

    found = searcher.answer([each.content for each in queries], settings)
    answers = dict(zip([each.name for each in queries], found, strict=True))
    tell_of_answers(answers)
    write_answers(answers, file, form=form, grouped=settings.group)


def _answer_batch(
    searcher: "Searcher", queries: "list[Query]", output: Path, settings: "BatchConfig", *, force: bool
) -> None:
    from protrek_hm.cli.progress import progress_bar
    from protrek_hm.search.batch import run_batch

    with notices_told(), progress_bar() as progress:
        try:
            kept = run_batch(searcher, queries, output, settings, force=force, progress=progress)
        except KeyboardInterrupt:
            typer.echo(f"what is found is kept in {output}.work: the same command goes on", err=True)
            raise
    before = f", {kept:,} of them by an earlier run" if kept else ""
    typer.echo(f"{output}: {len(queries):,} queries answered{before}")
