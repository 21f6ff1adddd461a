"""Runs that are on disk against each other: two models on the same cases, several seeds of one."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Float

from protrek_hm.errors import FileFormatError, MissingFileError, NothingFoundError, OptionError
from protrek_hm.evaluate.measures import MEASURES
from protrek_hm.evaluate.significance import SeedSummary, Significance, significance, summarise_seeds
from protrek_hm.evaluate.statistics import Estimate, mean_with_interval, paired_difference
from protrek_hm.files import read_json

FORMAT_VERSION = 2
_REMEDY = "give a folder that `protrek-hm evaluate` wrote"
_CASE = ("set", "row", "anchor_text", "anchor_seq", "hard_neg_seq", "group", "first_of_pair")
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
    """Read an evaluation; of several models the last one, which is the tuned one of before and after.

    Raises
    ------
    MissingFileError, FileFormatError
        If it is not there, not an evaluation, or of another format.
    """
    report = read_json(folder / "report.json")
    if report.get("format_version") != FORMAT_VERSION:
        found = report.get("format_version")
        raise FileFormatError(folder, f"its format is {found!r}, not {FORMAT_VERSION}", "evaluate again")
    path = folder / "predictions.parquet"
    if not path.is_file():
        raise MissingFileError(path, _REMEDY)
    try:
        frame = pl.read_parquet(path)
    except pl.exceptions.PolarsError as error:
        raise FileFormatError(path, f"damaged ({error})", "evaluate again") from None
    model = list(report["models"])[-1]
    return RunOnDisk(folder, model, report, frame.filter(pl.col("model") == model))


def compare_runs(
    first: RunOnDisk, second: RunOnDisk, *, seed: int = 42, resamples: int = 2000
) -> tuple[MeasureComparison, ...]:
    """Compare two runs measure by measure, on the cases that both have.

    Raises
    ------
    NothingFoundError
        If they share no case.
    """
    both = first.predictions.join(
        second.predictions.select(*_CASE[:5], *_SCORES), on=list(_CASE[:5]), suffix="_second", maintain_order="left"
    )
    if both.is_empty():
        raise NothingFoundError(f"{first.folder} and {second.folder}: no case in common; evaluate both on one table")
    found = []
    for measure in MEASURES:
        cases = both.filter((pl.col("set") == measure.on) & (pl.col("first_of_pair") | (not measure.once_per_pair)))
        groups = cases["group"].to_numpy()
        before, after = (measure.metric(_tables(cases, ending)) for ending in ("", "_second"))
        options: dict[str, Any] = {"seed": seed, "resamples": resamples}
        one, other = (mean_with_interval(values, groups, **options) for values in (before, after))
        difference = paired_difference(before, after, groups, **options) if len(cases) else None
        if one is not None and other is not None and difference is not None:
            test = significance(before, after, groups)
            found.append(MeasureComparison(measure.key, measure.title, one, other, difference, test))
    return tuple(found)


def compare_seeds(folders: Sequence[Path]) -> dict[str, SeedSummary]:
    """Summarise each measure over runs that differ in their seed alone, by key.

    Raises
    ------
    OptionError
        If there are fewer than two, or they were evaluated on different tables.
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
