"""The board as JSON (`board.json`), as Markdown and on the terminal, in percent at 0.1: no last digit shows.

The JSON is the board: tables are made from it alone, and anybody who measured the same cases can add rows to it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from rich.table import Table

from protrek_hm.cosines import TOLERANCE, equal_ties
from protrek_hm.errors import FileFormatError
from protrek_hm.evaluate.statistics import Estimate
from protrek_hm.evaluate.table import new_table
from protrek_hm.evaluate.twins.cases import ALL, CASE_COLUMNS, count_cases
from protrek_hm.evaluate.twins.measures import CHANCE, FEW_FAMILIES, LEARNED, MEASURES
from protrek_hm.evaluate.twins.run import SCORE_COLUMNS, Board, Gain
from protrek_hm.files import new_folder, read_json, require_format, write_json

FORMAT_VERSION = 1
PROTOCOL = (
    "A case is two near-identical proteins, a and b, and two texts: the first is right for a and wrong for b, "
    "the second the other way round. Each text chooses between the proteins (text → protein) and each protein "
    f"between the texts (protein → text), by the higher score; scores that differ by at most {TOLERANCE:g} are "
    "tied, and a tie counts as guessed; all four choices at once have a chance of 1/6. So a score that does "
    "not depend on the text, or not on the protein, gets exactly 50 %, and exchanging a and b changes "
    "nothing. A figure of a set is the mean over its families (components at 50 % identity) of the mean over "
    "a family's cases, whatever their numbers (those of a large family may be a draw, see the settings); a "
    f"figure over all sets is the mean of the sets' figures, where sets of fewer than {FEW_FAMILIES} families "
    "count as one. Intervals: 95 %, bootstrap over families, drawn whole with their cases of all sets. "
    "Controls are pairs in which nothing is to be told apart. False alarms: the share of their questions with "
    "a margin of at least τ, where τ is the highest threshold at which half of the questions of the real "
    "cases of the same set, kind and split are answered rightly; whoever is right in no more than half has "
    "100 %. Test: no protein of the family was trained on. Known: the proteins are unseen, but for wild types "
    "of mutants; their family is not. Baselines learn from the training cases alone; those by substitutions "
    "see both texts and both proteins of a case at once; one that has nothing to go by in a set guesses: – "
    "there, 50 % in the mean."
)
_KIND_TITLES = {"wild-type-mutant": "wild type – mutant", "mutant-mutant": "mutant – mutant", "natural": "natural"}
_SPLIT_TITLES = {
    "test": "Test: families never trained on",
    "known": "Known: unseen members of known families",
    "valid": "Validation",
    "train": "Training",
}


def board_content(board: Board, *, sources: Mapping[str, Mapping[str, str]] | None = None) -> dict[str, Any]:
    """Return the board as JSON values, without a time or a path: same input, same bytes.

    sources: of a row, by its name, what its scores came from, such as `{"weights": "…"}`; kept as it is.
    """
    return {
        "format_version": FORMAT_VERSION,
        "protocol": PROTOCOL,
        "cases": {"sha256": board.cases.digest(), "splits": count_cases(board.cases)},
        "learned_from": board.learned_from,
        "leaks": dict(board.leaks),
        "settings": {"splits": board.splits, **{k: v for k, v in asdict(board.config).items() if k in _KEPT}},
        "rows": [
            {
                "name": row.name,
                "kind": "baseline" if row.is_baseline else "model",
                "meaning": row.meaning,
                **({"source": dict((sources or {})[row.name])} if row.name in (sources or {}) else {}),
                "beside": {key: _figure(each) for key, each in board.beside.get(row.name, {}).items()},
                "against_best_baseline": {
                    split: {measure: _gain(each) for measure, each in found.items()}
                    for split, found in ({} if row.is_baseline else board.gains(row)).items()
                },
                "results": {
                    split: {
                        name: {
                            kind: {key: _figure(each) for key, each in found.items()} for kind, found in kinds.items()
                        }
                        for name, kinds in sets.items()
                    }
                    for split, sets in row.estimates.items()
                },
            }
            for row in board.rows
        ],
    }


_KEPT = ("per_family", "resamples", "seed")


def _figure(found: Estimate) -> dict[str, Any]:
    """Return an estimate in percent, at 0.1.

    >>> _figure(Estimate(0.61234, 0.5, None, n=9, groups=3))["value"]
    61.2
    """
    interval = None if found.low is None or found.high is None else [_percent(found.low), _percent(found.high)]
    return {"value": _percent(found.value), "interval": interval, "cases": found.n, "families": found.groups}


def _gain(found: Gain) -> dict[str, Any]:
    return {"baseline": found.baseline, **_figure(found.difference)}


def _percent(share: float) -> float:
    return round(100 * share, 1) + 0.0


def read_board(path: Path) -> dict[str, Any]:
    """Read a board.

    Raises
    ------
    MissingFileError, FileFormatError
        If it is not there, no JSON, or of another format.
    """
    content = read_json(path)
    remedy = "give a board.json that `evaluate twins` wrote"
    require_format(content, path, reads=FORMAT_VERSION, remedy=remedy)
    if not isinstance(content.get("rows"), list):
        raise FileFormatError(path, "no board: it has no list of rows", remedy)
    for row in content["rows"]:
        if not (isinstance(row, dict) and {"name", "kind", "results"} <= row.keys()):
            raise FileFormatError(path, "a row lacks name, kind or results", "see docs/board.md for its form")
    return content


def add_rows(content: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Return `content` with the rows of the board at `path` that it has not, models first, then baselines.

    Raises
    ------
    MissingFileError, FileFormatError
        If there is no board, or it was measured on other cases.
    """
    older = read_board(path)
    for key, what in (("cases", "cases"), ("settings", "settings")):
        if older.get(key) != content[key]:
            problem = f"was measured on other {what}" if key == "cases" else f"was made with other {what}"
            raise FileFormatError(path, problem, "measure on the same case tables, splits, resamples and seed")
    fresh = {row["name"]: row for row in content["rows"]}
    names = [row["name"] for row in older["rows"]]
    rows = [fresh.pop(row["name"], row) for row in older["rows"]] + [
        row for row in content["rows"] if row["name"] not in names
    ]
    ordered = [row for kind in ("model", "baseline") for row in rows if row["kind"] == kind]
    whose = content if content["learned_from"] else older
    return {**content, "learned_from": whose["learned_from"], "leaks": whose["leaks"], "rows": ordered}


# Tables


Column = tuple[str, str]
"""Kind (or "all") and measure."""


def board_markdown(content: Mapping[str, Any]) -> str:
    """Return all tables of a board as Markdown: for each split the mean over sets, then each set."""
    parts = [_leaks(content)]
    for split in content["settings"]["splits"]:
        layout = _layout(content, split)
        means = [_markdown_table(content, split, name, columns) for name, columns in layout if name == ALL]
        means[0] = _with_beside(means[0], content["rows"]) if split == content["settings"]["splits"][0] else means[0]
        parts += [f"## {_SPLIT_TITLES.get(split, split)}\n", _heading(content, split, ALL), *means]
        parts += [_against(content, split), _learned(content, split)]
        for name, columns in layout:
            if name != ALL:
                parts += [_heading(content, split, name), _markdown_table(content, split, name, columns)]
    return "\n".join(part for part in parts if part)


def _heading(content: Mapping[str, Any], split: str, name: str) -> str:
    return f"### {_title(name)}\n\n{_describe(content, split, name)}\n"


def _markdown_table(content: Mapping[str, Any], split: str, name: str, columns: Sequence[Column]) -> str:
    lines = [f"| | {' | '.join(_head(column) for column in columns)} |", f"|---|{'---:|' * len(columns)}"]
    for row in content["rows"]:
        cells = [_cell(_find(row, split, name, column), between=" ") for column in columns]
        shown = f"*{row['name']}*" if row["kind"] == "baseline" else f"**{row['name']}**"
        lines.append(f"| {shown} | {' | '.join(cells)} |")
    lines.append(f"| *chance* | {' | '.join(_chance(column) for column in columns)} |")
    return "\n".join(lines) + "\n"


def _against(content: Mapping[str, Any], split: str) -> str:
    """Return the table of models against the best baseline; nothing where no row was measured beside baselines."""
    lines = []
    for row in content["rows"]:
        found = row.get("against_best_baseline", {}).get(split, {})
        if found:
            cells = [
                f"{each['value']:+.1f} [{each['interval'][0]:+.1f}, {each['interval'][1]:+.1f}] ({each['baseline']})"
                if each["interval"]
                else f"{each['value']:+.1f} ({each['baseline']})"
                for each in (found[key] for key in found)
            ]
            lines.append(f"| **{row['name']}** | {' | '.join(cells)} |")
    if not lines:
        return ""
    heads = " | ".join(MEASURES[key] for key in ("text_to_protein", "protein_to_text", "all_four"))
    return (
        "\n".join(
            ["Points above the best baseline, on the same cases:\n", f"| | {heads} |", "|---|---:|---:|---:|", *lines]
        )
        + "\n"
    )


def _leaks(content: Mapping[str, Any]) -> str:
    leaks = content.get("leaks") or {}
    if not any(leaks.values()):
        return ""
    return (
        f"**Leak**: {leaks['proteins']:,} measured proteins stand in cases that baselines learned from, and "
        f"{leaks['test_families']:,} families of the test.\n"
    )


def board_tables(content: Mapping[str, Any]) -> list[Table]:
    """Return the same for the terminal."""
    tables = []
    for split in content["settings"]["splits"]:
        for name, columns in _layout(content, split):
            title = f"{_SPLIT_TITLES.get(split, split)} · {_title(name)}. {_describe(content, split, name)}"
            table = new_table(title, ["", *(_head(column).replace(", ", "\n") for column in columns)], tight=True)
            for row in content["rows"]:
                cells = [_cell(_find(row, split, name, column), between="\n") for column in columns]
                table.add_row(row["name"], *cells, style="" if row["kind"] == "baseline" else "bold")
            table.add_row("chance", *(_chance(column) for column in columns))
            tables.append(table)
    return tables


def _layout(content: Mapping[str, Any], split: str) -> list[tuple[str, list[Column]]]:
    """Return the tables of a split: its sets, the mean over them first, and the columns of each."""
    counts = content["cases"]["splits"][split]
    kinds = sorted({kind for each in counts.values() for kind in each}, key=list(_KIND_TITLES).index)
    directions = ["text_to_protein", "protein_to_text"]
    found = [(ALL, [(ALL, measure) for measure in MEASURES])]
    if len(kinds) > 1:
        found.append((ALL, [(kind, measure) for kind in kinds for measure in directions]))
    for name, each in counts.items():
        own = sorted(each, key=list(_KIND_TITLES).index)
        found.append((name, [(kind, measure) for kind in own for measure in MEASURES]))
    return [
        (name, [column for column in columns if any(_find(row, split, name, column) for row in content["rows"])])
        for name, columns in found
    ]


def _find(row: Mapping[str, Any], split: str, name: str, column: Column) -> Mapping[str, Any] | None:
    kind, measure = column
    found = row["results"].get(split, {}).get(name, {}).get(kind, {}).get(measure)
    return found if found is None else dict(found)


def _title(name: str) -> str:
    return "All sets" if name == ALL else name


def _head(column: Column) -> str:
    kind, measure = column
    return MEASURES[measure] if kind == ALL else f"{_KIND_TITLES.get(kind, kind)}, {MEASURES[measure]}"


def _cell(found: Mapping[str, Any] | None, *, between: str) -> str:
    if found is None:
        return "–"
    low, high = found["interval"] or (None, None)
    return f"{found['value']:.1f}" if low is None else f"{found['value']:.1f}{between}[{low:.1f}, {high:.1f}]"


def _chance(column: Column) -> str:
    return f"{100 * CHANCE[column[1]]:.1f}"


def _describe(content: Mapping[str, Any], split: str, name: str) -> str:
    sets = content["cases"]["splits"][split]
    if name == ALL:
        total = [sum(each[key] for kinds in sets.values() for each in kinds.values()) for key in ("cases", "controls")]
        return f"Mean over {len(sets)} sets; {total[0]:,} cases, {total[1]:,} controls."
    parts = [
        f"{_KIND_TITLES.get(kind, kind)}: {each['cases']:,} cases, {each['controls']:,} controls, "
        f"{each['families']:,} families"
        for kind, each in sets[name].items()
    ]
    return "; ".join(parts) + "."


_BESIDE = {"easy": "easy cases, text → protein", "R@1": "R@1, text → protein"}


def _with_beside(table: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """Add columns of what was measured beside the cases to the table of all rows; none where nothing was."""
    if not any(row.get("beside") for row in rows):
        return table
    head, ruler, *lines = table.splitlines()
    cells = [[_cell(row.get("beside", {}).get(key), between=" ") for key in _BESIDE] for row in rows]
    cells.append(["50.0", "–"])  # chance
    joined = [f"{line} {' | '.join(more)} |" for line, more in zip(lines, cells, strict=True)]
    return "\n".join([f"{head} {' | '.join(_BESIDE.values())} |", f"{ruler}---:|---:|", *joined]) + "\n"


def _learned(content: Mapping[str, Any], split: str) -> str:
    """Return the table of what models have not learned, by set; nothing where it was not measured."""
    sets = [ALL, *content["cases"]["splits"][split]]
    columns = [(name, "unlearned") for name in sets] + [(ALL, key) for key in LEARNED if key != "unlearned"]
    lines = []
    for row in content["rows"]:
        cells = [_find(row, split, name, (ALL, key)) for name, key in columns]
        if any(cells):
            shown = ["–" if each is None else f"{each['value']:.1f}" for each in cells]
            lines.append(f"| **{row['name']}** | {' | '.join(shown)} |")
    if not lines:
        return ""
    heads = " | ".join(_title(name).lower() if key == "unlearned" else LEARNED[key] for name, key in columns)
    text = "Cases with a protein that the model has not learned (%), by set, and accuracy over all sets in the others:"
    return "\n".join([f"{text}\n", f"| | {heads} |", f"|---|{'---:|' * len(columns)}", *lines]) + "\n"


# Output

EMBEDDINGS = "embeddings"
"""The folder of cached embeddings, from which an interrupted run, or one more model, goes on."""


def write_board(board: Board, content: Mapping[str, Any], folder: Path, *, force: bool = False) -> None:
    """Write `board.json`, `board.md` and `scores.parquet` (each row's scores of each case) into a new folder.

    Raises
    ------
    OutputExistsError, ProtectedOutputError, OutputError
        As `files.new_folder`.
    """
    with new_folder(folder, force=force, carried=[EMBEDDINGS]) as temporary:
        write_json(temporary / "board.json", dict(content))
        text = f"# Board of twins\n\n{content['protocol']}\n\n{board_markdown(content)}"
        (temporary / "board.md").write_text(text, encoding="utf-8")
        scores_table(board).write_parquet(temporary / "scores.parquet")


def scores_table(board: Board) -> pl.DataFrame:
    """Return a row for each row of the board and case: what names the case, and its scores; tied ones are equal."""
    parts = []
    for row in board.rows:
        scores = np.apply_along_axis(equal_ties, 1, row.scores.reshape(-1, 4))
        columns = {name: scores[:, at] for at, name in enumerate(SCORE_COLUMNS)}
        parts.append(board.cases.frame.select(pl.lit(row.name).alias("row"), *CASE_COLUMNS).with_columns(**columns))
    return pl.concat(parts).with_columns(pl.col(pl.Float64).fill_nan(None))
