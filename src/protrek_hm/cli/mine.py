"""`protrek-hm mine FILE`: find twins; `mine leaks`, `mine audit`: look at what was found."""

import shlex
import sys
from collections.abc import Sized
from dataclasses import fields
from pathlib import Path
from typing import Annotated

import typer

from protrek_hm.cli.console import DefaultCommandGroup
from protrek_hm.cli.data import parse_columns
from protrek_hm.cli.flags import Cluster, Columns, Force, OnBadRecord, with_settings, writing
from protrek_hm.errors import CellError, NoTwinsError
from protrek_hm.files import refuse_existing, refuse_unwritable
from protrek_hm.locations import as_url
from protrek_hm.mine.config import CaseConfig, MineConfig

mine_app = typer.Typer(
    name="mine",
    help="Find twins, check their split, audit the verdicts.\n\n`mine FILE -o DIR` is short for `mine run FILE`.",
    cls=DefaultCommandGroup,
    no_args_is_help=True,
    rich_markup_mode=None,
)


@mine_app.command()
@with_settings(MineConfig, table="mine")
def run(
    file: Annotated[Path, typer.Argument(help="Proteins with texts: TSV, CSV, Parquet, FASTA, also .gz or .zst.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for triplets, report and picture.")],
    *,
    settings: MineConfig,
    config: Path | None,
    text_model: Annotated[
        str | None,
        typer.Option(help="SentenceTransformer or ProTrek; doubts that texts differ which it finds alike."),
    ] = None,
    guide: Annotated[
        str | None, typer.Option(help="Model, such as mini, that drops negatives scored above 95 % of their positive.")
    ] = None,
    split_file: Annotated[
        Path | None, typer.Option(help="Table with columns id and split (train, valid, test): a given split.")
    ] = None,
    column: Columns = None,
    on_bad_record: OnBadRecord = "error",
    work_dir: Annotated[
        Path | None, typer.Option(help="Keep finished parts here.  [default: beside the output, removed at the end]")
    ] = None,
    cluster: Cluster = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an output folder that is there.")] = False,
) -> None:
    """Find twins among the proteins of FILE. Write triplets, easy pairs, a report and a picture.

    The same command continues an interrupted run.
    """
    read = [Path(each) for each in (file, config, split_file, settings.ontology, guide, text_model) if each is not None]
    refuse_existing(output, force=force, inputs=read, folder=True)
    refuse_unwritable(output)

    from protrek_hm.cli.console import progress_bar
    from protrek_hm.data import read_proteins
    from protrek_hm.mine import mine_hard_negatives, write_mining
    from protrek_hm.mine.run import finished_parts
    from protrek_hm.mine.split import apply_split_file
    from protrek_hm.workers import using

    columns = parse_columns(column or [])
    proteins = read_proteins(file, columns=columns, on_bad_record=on_bad_record)
    if split_file is not None:
        proteins = apply_split_file(proteins, split_file)
    guiding, reading = None, None
    if guide is not None:
        from protrek_hm.model import ProTrek

        guiding = ProTrek.from_pretrained(guide)
    if text_model is not None:
        from protrek_hm.model import load_text_encoder

        reading = load_text_encoder(text_model)
    with finished_parts(output, work_dir) as parts:
        try:
            with progress_bar() as progress, using(cluster):
                result = mine_hard_negatives(
                    proteins, settings, work_dir=parts, progress=progress, guide=guiding, text_encoder=reading
                )
        except CellError as error:
            if file.is_file():  # not a pipe, which cannot be read again
                from protrek_hm.data.proteins import load_proteins

                raise error.on_line(load_proteins(file, columns=columns).lines()[error.row]) from None
            raise
        except NoTwinsError as error:
            typer.echo(error.report)
            _keep_verdicts(error, settings, output, source=file, force=force)
            others = [*_flags_of(settings), *(part for each in column or [] for part in ("--column", each))]
            if split_file is not None:
                others += ["--split-file", as_url(split_file)]
            for flag, pairs in error.suggestions:
                command = ["protrek-hm", "mine", as_url(file), "-o", as_url(output)]
                command += [*others, "--evidence", flag, "--force"]
                told = f"if {flag.split(':')[0]} tells functions apart ({pairs:,} pairs would differ):"
                typer.echo(f"{told}\n  {shlex.join(command)}")
            raise
        except KeyboardInterrupt:
            typer.echo(f"interrupted; the same command goes on from what is finished (in {parts!s})", err=True)
            raise
        write_mining(result, output, source=file, force=force)
    typer.echo(result.report)
    typer.echo(f"written to {output}", file=sys.stderr)


def _keep_verdicts(error: NoTwinsError, settings: MineConfig, output: Path, *, source: Path, force: bool) -> None:
    """Write the verdicts of a run without twins, unless that would replace an earlier run's triplets."""
    from protrek_hm.mine.output import write_verdicts

    if (output / "hard_negatives_all.csv").exists():
        typer.echo(f"{output} keeps the triplets of an earlier run: the verdicts are not written")
    elif isinstance(error.pairs, Sized) and len(error.pairs):
        write_verdicts(error, settings, output, source=source, force=force)
        typer.echo(f"verdicts written to {output}; read some with protrek-hm mine audit {output}")


def _flags_of(settings: MineConfig) -> list[str]:
    """Return the flags that lead to these settings, those that are not the defaults."""
    flags: list[str] = []
    for each in fields(settings):
        value, flag = getattr(settings, each.name), each.name.replace("_", "-")
        if value == each.default:
            continue
        if isinstance(value, bool):
            flags.append(f"--{'' if value else 'no-'}{flag}")
        else:
            flags += [
                part for item in (value if isinstance(value, tuple) else [value]) for part in (f"--{flag}", str(item))
            ]
    return flags


@mine_app.command()
@with_settings(CaseConfig, table="cases")
def twins(
    files: Annotated[
        list[Path], typer.Argument(help="Tables of twins, as `data twins` writes them; all in one split.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Case table: .parquet, .tsv or .csv (.gz, .zst).")],
    *,
    settings: CaseConfig,
    config: Path | None,
    split_file: Annotated[
        Path | None, typer.Option(help="Table with columns id and split, perhaps set and family: what is decided.")
    ] = None,
    proteins: Annotated[
        Path | None,
        typer.Option(help="Also write the proteins with family and split into this table.", parser=writing),
    ] = None,
    force: Force = False,
) -> None:
    """Make cases of twins, split by families.

    A case is a pair of near-identical proteins with two texts.

    Mutants beside their wild types, mutants of one protein against each other, natural homologs with different labels;
    and controls, in which nothing is to be told apart.
    """
    from protrek_hm.data.tables import check_ending

    read = [each for each in (*files, split_file, config) if each is not None]
    for path in (output, proteins):
        if path is not None:
            check_ending(path)
            refuse_existing(path, force=force, inputs=read)
            refuse_unwritable(path)

    from protrek_hm.cli.console import progress_bar
    from protrek_hm.data.proteins import write_proteins
    from protrek_hm.data.twins.case_table import write_cases
    from protrek_hm.mine.case_split import read_split
    from protrek_hm.mine.cases import mine_cases, read_twin_tables

    given = None if split_file is None else read_split(split_file)
    table = read_twin_tables(files)
    with progress_bar() as progress:
        mined = mine_cases(table, settings, given=given, progress=progress)
    write_cases(mined.cases, output, force=force)
    if proteins is not None:
        write_proteins(mined.proteins, proteins, force=force)
    typer.echo(mined.report)
    if mined.torn:
        typer.echo(f"families whose members {split_file} puts into several splits: {', '.join(mined.torn)}", err=True)
    typer.echo(f"written to {output}", file=sys.stderr)


@mine_app.command()
def leaks(
    folder: Annotated[
        Path,
        typer.Argument(help="Folder with hard_negatives_{train,valid,test}.csv, or a table with a column split."),
    ],
    *,
    identity: Annotated[float, typer.Option(help="Exact identity from which on two are related.")] = 0.5,
    coverage: Annotated[float, typer.Option(help="Least aligned share of the longer.")] = 0.8,
    max_leak: Annotated[int, typer.Option(help="Held-out proteins with relatives in training to put up with.")] = 0,
    max_shared_texts: Annotated[
        int | None, typer.Option(help="Texts on both sides to put up with.  [default: any number]")
    ] = None,
    threads: Annotated[int, typer.Option(help="0 = all cores.")] = 0,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Also write the figures as JSON.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an output that is there.")] = False,
) -> None:
    """Check a split with an independent search. Exit 1 if valid or test stand in training, or nearly."""
    from protrek_hm.files import write_json
    from protrek_hm.mine.leaks import check_split

    if output is not None:
        refuse_existing(output, force=force, inputs=[folder, *folder.glob("*.csv")])
    found = check_split(folder, identity=identity, coverage=coverage, threads=threads)
    if output is not None:
        write_json(output, {"format_version": 1, "sides": [side.as_dict() for side in found]})
    for side in found:
        typer.echo(str(side))
    worst = max(side.related for side in found)
    texts = max(side.shared_texts for side in found)
    if worst > max_leak or (max_shared_texts is not None and texts > max_shared_texts):
        raise typer.Exit(1)


@mine_app.command()
def audit(
    folder: Annotated[Path, typer.Argument(help="Folder written by `mine`.")],
    file: Annotated[
        Path | None, typer.Argument(help="The proteins that were mined.  [default: where they were]")
    ] = None,
    *,
    label: Annotated[
        list[str] | None, typer.Option(help="COLUMN:equal, :set or :numeric:TOL as truth. May be repeated.")
    ] = None,
    per_stratum: Annotated[int, typer.Option(min=1, help="Pairs to draw of each verdict and reason.")] = 5,
    seed: Annotated[int, typer.Option(help="Seed of the draw.")] = 42,
    column: Columns = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder for audit.tsv and .html.  [default: FOLDER/audit]"),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an output that is there.")] = False,
) -> None:
    """Draw verdicts to read, and measure the gate against labels. Alignments, texts and reasons are shown."""
    output = output or writing(f"{as_url(folder)}/audit")
    refuse_existing(output, force=force, inputs=[folder, *([file] if file else [])], folder=True)

    from protrek_hm.mine.audit import draw_sample, rate_gate, read_verdicts, write_audit

    pairs, proteins = read_verdicts(folder, file, columns=parse_columns(column or []))
    rates = rate_gate(pairs, proteins, label) if label else None
    write_audit(draw_sample(pairs, per_stratum=per_stratum, seed=seed), proteins, output, force=force)
    if rates is not None:
        typer.echo(f"called different, share their function   {rates.false_negatives}")
        typer.echo(f"share their function, called different   {rates.same_called_different}")
        typer.echo(f"differ in function, not called different {rates.missed}")
    typer.echo(f"written to {output}", file=sys.stderr)
