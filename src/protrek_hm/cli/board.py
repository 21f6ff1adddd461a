"""`protrek-hm evaluate twins`: the board of real twins, for models, scores of other programs, and baselines."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from protrek_hm.cli.flags import Device, Embeddings, Force, OnBadRecord, Precision, with_settings
from protrek_hm.cli.train import read_pool
from protrek_hm.evaluate.config import BoardConfig

if TYPE_CHECKING:
    import polars as pl

    from protrek_hm.model.cached import CachedEncoder
    from protrek_hm.model.encoder import Encoder


@with_settings(BoardConfig, table="twins", names={"splits": "--split"})
def twins(
    cases: Annotated[
        list[Path], typer.Argument(help="Case tables (two proteins and two texts a row), or folders of them.")
    ],
    *,
    model: Annotated[
        list[str] | None, typer.Option("--model", "-m", help="Model folder or hub name. May be repeated.")
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the board.")],
    train: Annotated[
        list[Path] | None,
        typer.Option(help="Tables, or folders, whose training rows the baselines learn from.  [default: CASES]"),
    ] = None,
    scores: Annotated[
        list[str] | None, typer.Option(help="NAME=FILE: scores of another program, as in scores.parquet.")
    ] = None,
    add_to: Annotated[Path | None, typer.Option(help="A board.json whose other rows are kept.")] = None,
    masked: Annotated[
        Path | None, typer.Option(help="Folder of a masked language model, such as ESM-2: a baseline more.")
    ] = None,
    easy: Annotated[Path | None, typer.Option(help="Easy triplets: their accuracy beside it.")] = None,
    retrieval: Annotated[
        Path | None, typer.Option(help="Triplets whose proteins are all ranked: R@1 beside it.")
    ] = None,
    relatives: Annotated[
        list[Path] | None, typer.Option(help="Proteins among which the twin head looks for relatives; repeatable.")
    ] = None,
    settings: BoardConfig,
    config: Path | None,
    device: Device = None,
    precision: Precision = "float32",
    cache: Embeddings = None,
    on_bad_record: OnBadRecord = "error",
    output_format: Annotated[
        Literal["table", "json"], typer.Option("--format", help="For people, or the board as JSON.")
    ] = "table",
    force: Force = False,
) -> None:
    """Tell real twins of many families apart. By set and kind, families weighing alike, beside baselines."""
    from dataclasses import replace

    import polars as pl

    from protrek_hm.data import read_triplets
    from protrek_hm.data.tables import read_table
    from protrek_hm.data.twins import read_cases
    from protrek_hm.evaluate.report.write import name_models
    from protrek_hm.evaluate.twins.board import (
        EMBEDDINGS,
        add_rows,
        board_content,
        board_tables,
        read_board,
        write_board,
    )
    from protrek_hm.evaluate.twins.masked import require_folder
    from protrek_hm.files import refuse_existing

    names, files = name_models(model or []), _named_files(scores or [])
    beside = {key: path for key, path in (("easy", easy), ("retrieval", retrieval)) if path is not None}
    read = [
        *cases,
        *(train or []),
        *files.values(),
        *beside.values(),
        *(relatives or []),
        *(each for each in (add_to, config) if each),
    ]
    folders = [*map(Path, names.values()), *([masked] if masked else [])]
    refuse_existing(output, force=force, inputs=[*read, *folders], folder=True, carried=[EMBEDDINGS])
    if add_to is not None:
        read_board(add_to)
    if masked is not None:
        require_folder(masked)
    tables = {
        path: read_cases(path, on_bad_record=on_bad_record) for path in dict.fromkeys(_tables([*cases, *(train or [])]))
    }
    frame, learned = (
        pl.concat([tables[path] for path in _tables(each)], how="diagonal_relaxed") for each in (cases, train or cases)
    )
    given = {name: _of_row(read_table(path).frame, name) for name, path in files.items()}
    triplets = {key: read_triplets(path) for key, path in beside.items()}

    from protrek_hm.evaluate.twins.run import evaluate_twins, measure_beside

    encoders = _encoders(names, cache or output / EMBEDDINGS, device, precision)
    weights = {name: {"weights": each.fingerprint()} for name, each in encoders.items()}
    further = {name: measure_beside(each, name, settings, **triplets) for name, each in encoders.items()}
    models = _with_heads(encoders, names, relatives or [])
    board = evaluate_twins(models, frame, settings, train=learned, scores=given, masked=masked, show_progress=True)
    content = board_content(replace(board, beside=further), sources=weights)
    content = content if add_to is None else add_rows(content, add_to)
    write_board(board, content, output, force=force)
    left = frame.height - len(board.cases)
    learning = (
        f"baselines learned from {board.learned_from:,}" if board.learned_from else "none to learn from: no baselines"
    )
    said = (
        f"{len(board.cases):,} cases measured, {left:,} of other splits or not drawn; {learning}; {output / 'board.md'}"
    )
    typer.echo(said, err=True)
    if any(board.leaks.values()):
        proteins, families = board.leaks["proteins"], board.leaks["test_families"]
        typer.echo(f"LEAK: {proteins:,} measured proteins, {families:,} test families learned from", err=True)
    if output_format == "json":
        import json

        typer.echo(json.dumps(content, indent=2, ensure_ascii=False))
        return
    from protrek_hm.figures.terminal import PlainConsole

    for table in board_tables(content):
        PlainConsole().print(table)


def _encoders(names: dict[str, str], cache: Path, device: str | None, precision: str) -> "dict[str, CachedEncoder]":
    from protrek_hm.model import ProTrek
    from protrek_hm.model.cached import CachedEncoder

    loaded = {name: ProTrek.from_pretrained(path, device=device) for name, path in names.items()}
    return {name: CachedEncoder(each, cache, precision=precision) for name, each in loaded.items()}


def _with_heads(
    encoders: "Mapping[str, CachedEncoder]", names: "Mapping[str, str]", relatives: list[Path]
) -> "dict[str, Encoder]":
    """Add each model's twin head: that in its folder, else the packaged one, which is loaded once."""
    from protrek_hm.evaluate.twins.run import WithHead
    from protrek_hm.model.locate import find_model
    from protrek_hm.model.twin_head import find_head

    pool = read_pool(relatives)
    found: dict[str, Encoder] = {}
    for name, encoder in encoders.items():
        head = find_head(find_model(names[name]))
        found[name] = encoder if head is None else WithHead(encoder, head, pool)
    return found


def _named_files(given: list[str]) -> dict[str, Path]:
    """Read NAME=FILE."""
    from protrek_hm.errors import OptionError

    found: dict[str, Path] = {}
    for each in given:
        name, equal, path = each.partition("=")
        if not (name and equal and path) or name in found:
            raise OptionError("scores", each, "give NAME=FILE, each name once")
        found[name] = Path(path)
    return found


def _tables(given: list[Path]) -> list[Path]:
    """List the files, and those that lie in the folders, each once."""
    from protrek_hm.errors import NothingFoundError

    found: dict[Path, None] = {}
    for path in given:
        inside = [each for each in sorted(path.rglob("*")) if each.is_file() and not each.name.startswith(".")]
        if path.is_dir() and not inside:
            raise NothingFoundError(f"{path}: holds no case tables; give the folder that they lie in")
        found |= dict.fromkeys(inside if path.is_dir() else [path])
    return list(found)


def _of_row(scores: "pl.DataFrame", name: str) -> "pl.DataFrame":
    """Keep the scores of one row, where a file holds those of several, as scores.parquet does."""
    if "row" in scores.columns and (scores["row"] == name).any():
        return scores.filter(scores["row"] == name)
    return scores
