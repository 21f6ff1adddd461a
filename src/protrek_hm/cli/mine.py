"""`protrek-hm mine FILE`: find twins; `mine leaks`, `mine audit`: look at what was found."""

import sys
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from typer.core import TyperGroup

from protrek_hm.cli.data import parse_columns
from protrek_hm.config import read_toml, resolve
from protrek_hm.errors import NothingFoundError
from protrek_hm.files import refuse_existing
from protrek_hm.mine.config import Gate, MineConfig, Split


class DefaultCommandGroup(TyperGroup):
    """A group whose first command is meant where no command is named: `mine FILE` is `mine run FILE`."""

    default = "run"

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the default command's name before arguments that name none."""
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = [self.default, *args]
        return super().parse_args(ctx, args)


mine_app = typer.Typer(
    name="mine",
    help="Find twins: `mine FILE -o DIR` (short for `mine run FILE`); check them: `leaks`, `audit`.",
    cls=DefaultCommandGroup,
    no_args_is_help=True,
    rich_markup_mode=None,
)


@mine_app.command()
def run(
    file: Annotated[
        Path, typer.Argument(help="Proteins with texts: TSV, CSV, Parquet, FASTA, also .gz or .zst.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for triplets, report and picture.")],
    *,
    config: Annotated[
        Path | None, typer.Option(help="TOML file; its table [mine] holds any of these settings.")
    ] = None,
    min_identity: Annotated[
        float | None, typer.Option(help="Least exact identity of a twin. [default: 0.7]")
    ] = None,
    max_identity: Annotated[float | None, typer.Option(help="Greatest identity. [default: 0.9999]")] = None,
    coverage: Annotated[
        float | None, typer.Option(help="Least aligned share of the longer. [default: 0.8]")
    ] = None,
    gate: Annotated[Gate | None, typer.Option(help="What tells functions apart. [default: function]")] = None,
    max_text_similarity: Annotated[
        float | None, typer.Option(help="TF-IDF cosine above which --gate text says same. [default: 0.5]")
    ] = None,
    evidence: Annotated[
        list[str] | None,
        typer.Option(help="COLUMN:equal, COLUMN:set or COLUMN:numeric:TOL. May be repeated."),
    ] = None,
    ontology: Annotated[
        Path | None, typer.Option(help="Gene Ontology OBO file, for ancestors of terms.")
    ] = None,
    split: Annotated[
        Split | None, typer.Option(help="What never stands on two sides. [default: components]")
    ] = None,
    split_identity: Annotated[
        float | None, typer.Option(help="Identity that joins components. [default: 0.5]")
    ] = None,
    valid_fraction: Annotated[float | None, typer.Option(help="Share for validation. [default: 0.1]")] = None,
    test_fraction: Annotated[float | None, typer.Option(help="Share for testing. [default: 0.2]")] = None,
    easy: Annotated[
        int | None, typer.Option(help="Easy pairs in all, both directions counted. [default: 1000]")
    ] = None,
    negatives_per_anchor: Annotated[
        int | None, typer.Option(help="At most so many per text. [default: all]")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of every draw. [default: 42]")] = None,
    threads: Annotated[
        int | None, typer.Option(help="0 = all cores; changes no result. [default: 0]")
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(help="NAME=COLUMN where a column is not recognised, e.g. text=comment."),
    ] = None,
    on_bad_record: Annotated[
        Literal["error", "skip"], typer.Option(help="What a bad record does.")
    ] = "error",
    force: Annotated[bool, typer.Option("--force", help="Replace an output folder that is there.")] = False,
) -> None:
    """Find twins among the proteins of FILE; write triplets, easy pairs, a report and a picture."""
    flags = {
        name: value
        for name, value in locals().items()
        if name in {field.name for field in fields(MineConfig)}
    }
    flags["evidence"] = tuple(evidence) if evidence else None
    flags["ontology"] = str(ontology) if ontology else None
    settings = resolve(MineConfig, read_toml(config, "mine"), flags)
    refuse_existing(output, force=force)

    from protrek_hm.cli.progress import progress_bar
    from protrek_hm.data import read_proteins
    from protrek_hm.mine import mine_hard_negatives, write_mining

    proteins = read_proteins(file, columns=parse_columns(column or []), on_bad_record=on_bad_record)
    try:
        with progress_bar() as progress:
            result = mine_hard_negatives(proteins, settings, progress=progress)
    except NothingFoundError as error:
        for report in error.args[1:]:
            typer.echo(report)
        raise NothingFoundError(error.args[0]) from None
    write_mining(result, output, settings, force=force)
    typer.echo(result.report)
    typer.echo(f"written to {output}", file=sys.stderr)
