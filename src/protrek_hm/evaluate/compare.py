"""Compare evaluations on disk: two models on the same cases, several seeds of one model."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Float

from protrek_hm.data.texts import fold_text
from protrek_hm.errors import FileFormatError, MissingFileError, NothingFoundError, OptionError
from protrek_hm.evaluate.measures import MEASURES
from protrek_hm.evaluate.statistics import (
    Estimate,
    SeedSummary,
    Significance,
    mean_with_interval,
    paired_difference,
    significance,
    summarise_seeds,
)
from protrek_hm.files import read_json, require_format
from protrek_hm.locations import as_url

FORMAT_VERSION = 2
_REMEDY = "give a folder that `protrek-hm evaluate` wrote"
_KEY = ("set", "anchor_text", "anchor_seq", "hard_neg_seq", "hard_neg_text")
"""What a case is: its question. Where it stands in a table, and what its proteins are called there, is not of it."""
_SIDES = (("anchor_text", "anchor_seq"), ("hard_neg_text", "hard_neg_seq"))
_SCORES = ("score_positive", "score_negative", "score_other_text", "score_twin")


@dataclass(frozen=True)
class RunOnDisk:
    """What an evaluation wrote: the folder, its report, and the scores of its last model."""

    folder: Path
    model: str
    report: dict[str, Any]
    predictions: pl.DataFrame


@dataclass(frozen=True)
class MeasureComparison:
    """One measure of two runs on the cases they share: both values, their difference, exact tests."""

    key: str
    title: str
    first: Estimate
    second: Estimate
    difference: Estimate
    significance: Significance


def read_run(folder: Path) -> RunOnDisk:
    """Read an evaluation; of several models the last one (of before and after, the tuned one).

    Raises
    ------
    MissingFileError, FileFormatError
        If there is none, or it has another format.
    """
    report = read_json(folder / "report.json")
    require_format(report, folder / "report.json", reads=FORMAT_VERSION, remedy="evaluate again")
    path = folder / "predictions.parquet"
    if not path.is_file():
        raise MissingFileError(path, _REMEDY)
    try:
        frame = pl.read_parquet(path)
    except pl.exceptions.PolarsError as error:
        raise FileFormatError(path, f"damaged ({error})", "evaluate again") from None
    model = list(report["models"])[-1]
    return RunOnDisk(folder, model, report, frame.filter(pl.col("model") == model))


@dataclass(frozen=True)
class CaseCount:
    """How many cases of a set two runs share, and how many only one of them has; repeated rows count as often."""

    common: int
    only_first: int
    only_second: int

    def sentence(self, name: str) -> str:
        """Return the counts in one line about the set `name`."""
        only = f"{self.only_first} only in the first run, {self.only_second} only in the second"
        return f"{name}: {self.common} cases in common, {only}"


def count_cases(first: RunOnDisk, second: RunOnDisk) -> dict[str, CaseCount]:
    """Count by set which cases two runs have."""
    one, other = (_with_key(each.predictions, _shared_key(first, second)) for each in (first, second))
    found = {}
    for name in dict.fromkeys([*one["set"], *other["set"]]):
        mine, theirs = (frame.filter(set=name).select("case") for frame in (one, other))
        common = mine.join(theirs, on="case").height
        found[name] = CaseCount(common, mine.height - common, theirs.height - common)
    return found


def compare_runs(
    first: RunOnDisk, second: RunOnDisk, *, seed: int = 42, resamples: int = 2000
) -> tuple[MeasureComparison, ...]:
    """Compare two runs measure by measure, on the cases that both have, wherever these stand in their tables.

    A case is its texts, in whatever spelling, and its proteins; `count_cases` says how many only one run has. Groups
    are those of the first run.

    Raises
    ------
    NothingFoundError
        If they share no case.
    """
    key = _shared_key(first, second)
    one, other = (_with_key(each.predictions, key) for each in (first, second))
    both = one.join(other.select("case", *_SCORES), on="case", suffix="_second", maintain_order="left")
    if both.is_empty():
        raise NothingFoundError(f"{first.folder} and {second.folder}: no case in common; evaluate both on one table")
    if "hard_neg_text" in key:  # the row that was the first of its pair may be one that the other run does not have
        sides = (pl.concat_str(f"folded_{text}", seq, separator="\n", ignore_nulls=True) for text, seq in _SIDES)
        both = both.with_columns(pair=pl.concat_list("set", pl.concat_list(*sides).list.sort()))
        both = both.with_columns(first_of_pair=pl.col("pair").is_first_distinct())
    found = []
    for measure in MEASURES:
        cases = both.filter((pl.col("set") == measure.on) & (pl.col("first_of_pair") | (not measure.once_per_pair)))
        groups = cases["group"].to_numpy()
        before, after = (measure.metric(_tables(cases, ending)) for ending in ("", "_second"))
        options: dict[str, Any] = {"seed": seed, "resamples": resamples}
        one_mean, other_mean = (mean_with_interval(values, groups, **options) for values in (before, after))
        difference = paired_difference(before, after, groups, **options) if len(cases) else None
        if one_mean is not None and other_mean is not None and difference is not None:
            test = significance(before, after, groups)
            found.append(MeasureComparison(measure.key, measure.title, one_mean, other_mean, difference, test))
    return tuple(found)


def comparison_content(
    first: RunOnDisk, second: RunOnDisk, found: Sequence[MeasureComparison], counts: Mapping[str, CaseCount]
) -> dict[str, Any]:
    """Return a comparison as JSON values."""
    return {
        "format_version": 1,
        "first": {"folder": as_url(first.folder), "model": first.model},
        "second": {"folder": as_url(second.folder), "model": second.model},
        "cases": {name: asdict(count) for name, count in counts.items()},
        "measures": {
            each.key: {
                "first": each.first.as_dict(),
                "second": each.second.as_dict(),
                "difference": each.difference.as_dict(),
                "significance": each.significance.as_dict(),
            }
            for each in found
        },
    }


def seeds_content(folders: Sequence[Path], found: Mapping[str, SeedSummary]) -> dict[str, Any]:
    """Return the summary of several seeds as JSON values."""
    return {
        "format_version": 1,
        "runs": [as_url(folder) for folder in folders],
        "measures": {key: asdict(each) for key, each in found.items()},
    }


def _shared_key(first: RunOnDisk, second: RunOnDisk) -> list[str]:
    """Return the columns that tell cases apart in both runs; older runs have no `hard_neg_text`."""
    return [name for name in _KEY if all(name in each.predictions.columns for each in (first, second))]


def _with_key(predictions: pl.DataFrame, key: Sequence[str]) -> pl.DataFrame:
    """Add the column `case` (what a case is, and which of equal rows) and the folded texts."""
    texts = [name for name in key if name.endswith("_text")]
    folded = predictions.with_columns(
        pl.col(name).map_elements(fold_text, return_dtype=pl.String).alias(f"folded_{name}") for name in texts
    )
    parts = [f"folded_{name}" if name in texts else name for name in key]
    return folded.with_columns(case=pl.struct(*parts, pl.int_range(pl.len()).over(parts).alias("repeat")))


def compare_seeds(folders: Sequence[Path]) -> dict[str, SeedSummary]:
    """Summarise each measure over runs that differ in their seed alone, by key.

    Raises
    ------
    OptionError
        If there are fewer than two, or they were evaluated on different tables.
    MissingFileError, FileFormatError
        As `read_run`.
    """
    if len(folders) < 2:
        raise OptionError("runs", [str(folder) for folder in folders], "give at least two")
    runs = [read_run(folder) for folder in folders]
    tables = [[each.get("sha256") for each in _tables_of(run).values()] for run in runs]
    for run, table in zip(runs, tables, strict=True):
        if table != tables[0]:
            raise OptionError("runs", str(run.folder), f"was evaluated on other tables than {runs[0].folder}")
    measured = [run.report["models"][run.model]["measures"] for run in runs]
    return {
        key: summarise_seeds(np.array([each[key]["value"] for each in measured]))
        for key in measured[0]
        if all(key in each for each in measured)
    }


def _tables(cases: pl.DataFrame, ending: str) -> Float[np.ndarray, "cases 2 2"]:
    columns = [cases[f"{name}{ending}"].cast(pl.Float64).fill_null(float("nan")).to_numpy() for name in _SCORES]
    return np.stack(columns, axis=1).reshape(-1, 2, 2)


def _tables_of(run: RunOnDisk) -> dict[str, Any]:
    tables: dict[str, Any] = run.report.get("provenance", {}).get("tables", {})
    return {role: tables[role] for role in ("hard", "easy") if role in tables}
