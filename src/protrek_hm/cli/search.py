"""`protrek-hm search`, `describe`, `explain`, `score`: questions about proteins and texts."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TextIO

import typer

from protrek_hm.cli.console import destination, notices_told, progress_bar, tell_of_answers
from protrek_hm.cli.data import parse_columns
from protrek_hm.cli.flags import (
    BatchSize,
    Cluster,
    Columns,
    Device,
    Devices,
    Force,
    ModelOfIndex,
    ModelOrMini,
    OutputFile,
    RowsFormat,
)
from protrek_hm.errors import counted

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
    signals: Annotated[
        str, typer.Option(help="By what a text is answered: model, words, meaning, or several with commas between.")
    ] = "model,words,meaning",
    within: Annotated[
        str,
        typer.Option(
            help="By what the members of a family are ordered: model (as they rank), difference, relatives, or several."
        ),
    ] = "model,difference,relatives",
    relatives: Annotated[
        bool, typer.Option(help="Also find proteins without a text by the texts of their labelled relatives, named.")
    ] = True,
    fdr: Annotated[
        float | None,
        typer.Option(help="Only hits of which at most this share is expected to be wrong, as 0.1; by the model alone."),
    ] = None,
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
    devices: Devices = None,
    cluster: Cluster = None,
    force: Force = False,
) -> None:
    """Rank the proteins of an index for a text, sequence or structure."""
    from protrek_hm.config import require
    from protrek_hm.data.proteins import is_fasta
    from protrek_hm.errors import OptionError
    from protrek_hm.files import refuse_existing, refuse_unwritable
    from protrek_hm.search.batch import BatchConfig
    from protrek_hm.search.query import read_queries, read_query_table
    from protrek_hm.search.searcher import Searcher
    from protrek_hm.workers import using

    asked: Any = {"signals": _names(signals), "within": _names(within), "relatives": relatives, "fdr": fdr}
    if output is not None:
        refuse_existing(output, force=force, inputs=[*(queries or []), *([batch] if batch else [])])
        refuse_unwritable(output)
    if batch is None:
        for flag, given in (("devices", devices), ("cluster", cluster)):
            require(flag, given, "is for many queries, with --batch; leave it out", holds=given is None)
        settings = BatchConfig(by or "text", want, k, where, group is not False, min_identity, exact, **asked)
        read = read_queries(queries or [], settings.query_type, chains=tuple(chain or ()))
        if not read:
            raise OptionError("queries", None, "give one at least, or a file of many with --batch")
        if settings.query_type == "text" and len(read) > 1 and not any(" " in each.name for each in read):
            words = " ".join(each.name for each in read)
            typer.echo(f'{len(read)} questions of a word each; for one question write "{words}" in quotes', err=True)
    else:
        if output is None or queries:
            raise OptionError(
                "batch", str(batch), "needs -o FILE.parquet (or .tsv, .csv, .jsonl), and no other queries"
            )
        kind = by or ("sequence" if is_fasta(batch) else "text")
        asked["columns"] = tuple(column or ())
        settings = BatchConfig(kind, want, k, where, bool(group), min_identity, exact, **asked)
        read, bad = read_query_table(batch, kind, on_bad_record=on_bad_record)
        if bad:
            typer.echo(
                f"{batch}: {counted(len(bad), 'bad query', 'bad queries')} left out, the first on line {bad[0].line}",
                err=True,
            )
    searcher = Searcher.open(index, model=model, device=device)
    if batch is not None and output is not None:
        with using(cluster, devices, device=device):
            _answer_batch(searcher, read, output, settings, force=force)
    else:
        with destination(output, force=force) as file:
            _answer(searcher, read, settings, file, output_format)


def _names(given: str) -> tuple[str, ...]:
    return tuple(each.strip() for each in given.split(","))


def _answer(searcher: "Searcher", queries: "list[Query]", settings: "BatchConfig", file: TextIO, form: "Form") -> None:
    from protrek_hm.search.render import write_answers

    found = searcher.answer([each.content for each in queries], settings)
    answers = dict(zip([each.name for each in queries], found, strict=True))
    tell_of_answers(answers)
    write_answers(answers, file, form=form, grouped=settings.group)


def _answer_batch(
    searcher: "Searcher", queries: "list[Query]", output: Path, settings: "BatchConfig", *, force: bool
) -> None:
    from protrek_hm.search.batch import run_batch

    with notices_told(), progress_bar() as progress:
        try:
            kept = run_batch(searcher, queries, output, settings, force=force, progress=progress)
        except KeyboardInterrupt:
            typer.echo(f"what is found is kept in {output!s}.work: the same command goes on", err=True)
            raise
    before = f", {kept:,} of them by an earlier run" if kept else ""
    typer.echo(f"{output}: {counted(len(queries), 'query', 'queries')} answered{before}")


def describe(
    index: Annotated[Path, typer.Argument(help="Folder of the index.")],
    proteins: Annotated[list[str], typer.Argument(help="Ids of the index, sequences, or FASTA files.")],
    *,
    k: Annotated[int, typer.Option("-k", help="Texts per protein, and per section.")] = 5,
    exact: Annotated[
        bool, typer.Option("--exact", help="Compare every vector, where an engine would choose some of them.")
    ] = False,
    output_format: RowsFormat = "table",
    output: OutputFile = None,
    model: ModelOfIndex = None,
    batch_size: BatchSize = 32,
    device: Device = None,
    devices: Devices = None,
    cluster: Cluster = None,
    force: Force = False,
) -> None:
    """Find the texts that fit a protein best. The nearest labelled homolog stands beside them."""
    from protrek_hm.files import refuse_existing
    from protrek_hm.search import Searcher
    from protrek_hm.search.describe import describe as describe_proteins
    from protrek_hm.search.describe import read_proteins
    from protrek_hm.search.render import write_descriptions
    from protrek_hm.workers import using

    if output is not None:
        refuse_existing(output, force=force, inputs=proteins)
    searcher = Searcher.open(index, model=model, device=device)
    queries = read_proteins(searcher.index, proteins)
    searcher = searcher.exact if exact else searcher
    with using(cluster, devices, device=device):
        found = describe_proteins(searcher, [each.content for each in queries], k=k, batch_size=batch_size)
    if output_format == "tsv":  # which has no place for notes
        notes = {note: None for each in found for note in each.notes}
        typer.echo("\n".join(notes), err=True, nl=bool(notes))
    named = {query.name: description for query, description in zip(queries, found, strict=True)}
    with destination(output, force=force) as file:
        write_descriptions(named, file, form=output_format)


def explain(
    index: Annotated[Path, typer.Argument(help="Folder of the index.")],
    text: Annotated[str, typer.Argument(help="What the protein should do.")],
    a: Annotated[str, typer.Argument(help="A protein: an id of the index, or a sequence.")],
    b: Annotated[str, typer.Argument(help="The other one.")],
    *,
    most_differences: Annotated[
        int, typer.Option(help="Pairs with more are aligned and scored, their single differences are not.")
    ] = 100,
    output_format: Annotated[
        Literal["table", "json"], typer.Option("--format", help="table for people, json complete.")
    ] = "table",
    output: OutputFile = None,
    figure: Annotated[Path | None, typer.Option(help="Picture to draw besides: PNG, and PDF beside it.")] = None,
    model: ModelOfIndex = None,
    device: Device = None,
    force: Force = False,
) -> None:
    """Say what each difference of two proteins does to a text's score. The two are aligned first."""
    from protrek_hm.files import refuse_existing
    from protrek_hm.search import Searcher
    from protrek_hm.search.explain import explain as explain_candidates
    from protrek_hm.search.render_explanation import write_explanation

    for path in (output, figure):
        if path is not None:
            refuse_existing(path, force=force)
    searcher = Searcher.open(index, model=model, device=device)
    explanation = explain_candidates(searcher, text, a, b, most_differences=most_differences)
    with destination(output, force=force) as file:
        write_explanation(explanation, file, form=output_format)
    if figure is not None:
        from protrek_hm.search.render_explanation import draw_explanation

        draw_explanation(explanation, figure)


def score(
    text: Annotated[str | None, typer.Argument(help="What the proteins should do.")] = None,
    sequences: Annotated[
        list[str] | None, typer.Argument(help="Sequences or FASTA files; with --by structure also structure files.")
    ] = None,
    *,
    model: ModelOrMini = "mini",
    file: Annotated[
        Path | None, typer.Option(help="Table of pairs instead: columns text and sequence (or structure).")
    ] = None,
    column: Columns = None,
    by: Annotated[Literal["sequence", "structure"], typer.Option(help="What the text is compared with.")] = "sequence",
    output_format: RowsFormat = "table",
    output: OutputFile = None,
    batch_size: BatchSize = 32,
    device: Device = None,
    force: Force = False,
) -> None:
    """Score a text with proteins, or the pairs of a table. Cosine, and ProTrek's own scale."""
    from protrek_hm.errors import OptionError
    from protrek_hm.files import refuse_existing
    from protrek_hm.search.pairs import ScoredPair, read_pairs, score_pairs
    from protrek_hm.search.query import read_queries
    from protrek_hm.search.render import write_pairs

    if output is not None:
        refuse_existing(output, force=force, inputs=[*(sequences or []), *([file] if file else [])])
    if (file is None) != bool(text and sequences):
        raise OptionError("pairs", None, 'give "text" SEQUENCE…, or a table of pairs with --file')
    if file is not None:
        texts, proteins = read_pairs(file, by, columns=parse_columns(column or []))
    else:
        proteins = read_queries(sequences or [], by)
        texts = [each.content for each in read_queries([text or ""], "text")] * len(proteins)

    from protrek_hm.model import load_encoder

    loaded = load_encoder(model, device=device)
    letters = [protein.content for protein in proteins]
    progress = sys.stderr.isatty()
    with notices_told():
        scores = score_pairs(loaded, texts, letters, target_type=by, batch_size=batch_size, progress=progress).tolist()
    pairs = [
        ScoredPair(each, protein.name, protein.content, cosine, cosine / loaded.temperature)
        for each, protein, cosine in zip(texts, proteins, scores, strict=True)
    ]
    with destination(output, force=force) as stream:
        write_pairs(pairs, stream, form=output_format)
