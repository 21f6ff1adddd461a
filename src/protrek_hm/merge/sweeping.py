"""Score interpolated models on validation cases, and choose one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from jaxtyping import Float

from protrek_hm.copies import local_path
from protrek_hm.data.triplets import check_triplets, read_triplets
from protrek_hm.errors import OptionError
from protrek_hm.evaluate.cases import independent_groups, make_cases, make_pool
from protrek_hm.evaluate.measures import SetName
from protrek_hm.evaluate.metrics import protein_to_text, text_to_protein
from protrek_hm.evaluate.scores import case_scores, cosine_scorer, encode_pool
from protrek_hm.evaluate.statistics import Estimate, mean_with_interval, paired_difference
from protrek_hm.files import read_json
from protrek_hm.merge.config import SweepConfig
from protrek_hm.merge.weights import average_models, merge_models
from protrek_hm.model.protrek import ProTrek

Values = Mapping[SetName, Float[np.ndarray, " cases"]]
"""What each case of each set is worth, in [0, 1]."""


@dataclass(frozen=True)
class Point:
    """One α: the accuracies of the model there, each the mean over both directions."""

    alpha: float
    hard: Estimate
    easy: Estimate


@dataclass(frozen=True)
class SweepResult:
    """All points by rising α, the chosen one, and by how much it exceeds the base on the same cases."""

    config: SweepConfig
    points: tuple[Point, ...]
    chosen: Point
    hard_gain: Estimate
    easy_gain: Estimate


def sweep(
    base: ProTrek,
    tuned: ProTrek | Sequence[ProTrek],
    hard: pl.DataFrame,
    easy: pl.DataFrame,
    config: SweepConfig | None = None,
    *,
    progress: Callable[[Point], object] = lambda _point: None,
) -> SweepResult:
    """Score α = 0 … 1 on twins (`hard`) and random pairs (`easy`), and choose by `config.rule`.

    Every distinct text and sequence is encoded once for each α. A case is worth the mean of both directions,
    text → protein and, where the negative's text is known, protein → text.

    Parameters
    ----------
    base, tuned
        As in `merge_models`.
    hard, easy
        Validation triplets, never the test set: the choice is fitted to them.
    config
        Which α, what may be lost, how intervals are made; the defaults where None.
    progress
        Called with each point as it is measured.

    Raises
    ------
    ModelError
        If the models differ in towers, shapes or tokenizers, or one gives a vector without direction.
    MissingColumnError, NothingFoundError, FileFormatError
        If a table lacks a column, rows or values.
    """
    config = config or SweepConfig()
    frames: dict[SetName, pl.DataFrame] = {"hard": hard, "easy": easy}
    for name, frame in frames.items():
        check_triplets(frame, f"{name} validation triplets")
    pool = make_pool(list(frames.values()))
    cases = {name: make_cases(frame, pool) for name, frame in frames.items()}
    groups = {name: independent_groups(frame, cases[name], name).of_case for name, frame in frames.items()}
    goal = tuned if isinstance(tuned, ProTrek) else average_models(tuned)

    measured: list[Values] = []
    points: list[Point] = []
    for alpha in config.alphas:
        model = merge_models(base, goal, alpha=alpha)
        scorer = cosine_scorer(encode_pool(model, pool, name="the merged model", batch_size=config.batch_size))
        measured.append({name: both_directions(case_scores(each, scorer)) for name, each in cases.items()})
        means = {
            name: mean_with_interval(each, groups[name], seed=config.seed, resamples=config.resamples)
            for name, each in measured[-1].items()
        }
        points.append(Point(alpha, hard=_known(means["hard"]), easy=_known(means["easy"])))
        progress(points[-1])
    chosen = choose(points, easy_tolerance=config.easy_tolerance)
    gains = {
        name: paired_difference(
            measured[0][name],
            measured[points.index(chosen)][name],
            groups[name],
            seed=config.seed,
            resamples=config.resamples,
        )
        for name in frames
    }
    return SweepResult(config, tuple(points), chosen, _known(gains["hard"]), _known(gains["easy"]))


def read_validation(
    tuned: str | Path, valid: Path | None = None, easy: Path | None = None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Read hard and easy validation triplets: the files given, or those on which `tuned` was validated.

    Parameters
    ----------
    tuned
        Folder of the tuned model; `train` notes in its `inputs.json` which validation files it read.
    valid
        Table of validation triplets; those whose `type` is "easy" are the easy ones. None: the files on record.
    easy
        Table of easy triplets, in the place of those of `valid`.

    Raises
    ------
    OptionError
        If no validation triplets are given or on record, or none of them is easy.
    MissingFileError, FileFormatError, NothingFoundError
        If a table cannot be read.
    """
    files = _recorded(Path(tuned)) if valid is None else [valid]
    if not files:
        wanted = f"{tuned} has no record of validation triplets that are still there; give --valid and --easy"
        raise OptionError("valid", None, wanted)
    table = pl.concat([read_triplets(file) for file in files], how="diagonal_relaxed")
    is_easy = pl.col("type").eq_missing("easy") if "type" in table.columns else pl.lit(value=False)
    others = table.filter(is_easy) if easy is None else read_triplets(easy)
    if others.is_empty():
        raise OptionError("easy", None, "the validation triplets hold no easy ones; give them with --easy")
    return table.filter(~is_easy), others


def _recorded(tuned: Path) -> list[Path]:
    """Return the validation files that `train` noted beside its model, if all are still there."""
    record = tuned / "inputs.json"
    files = [local_path(file) for file in read_json(record).get("valid", [])] if record.is_file() else []
    return files if all(file.is_file() for file in files) else []


def choose(points: Sequence[Point], *, easy_tolerance: float) -> Point:
    """Return the point of the best hard accuracy among those whose easy accuracy is kept; the first is the base.

    Of equals the one with the best easy accuracy, then the one nearest to the base.

    Examples
    --------
    >>> def point(alpha, hard, easy):
    ...     return Point(alpha, *(Estimate(each, None, None, n=1000, groups=1) for each in (hard, easy)))
    >>> points = [point(0.0, 0.5, 0.95), point(0.5, 0.8, 0.948), point(1.0, 0.9, 0.9)]
    >>> choose(points, easy_tolerance=0.003).alpha, choose(points, easy_tolerance=0.05).alpha
    (0.5, 1.0)
    """
    lowest = points[0].easy.value - easy_tolerance - 1e-9  # a mean of the very tolerance below may round lower
    holding = [point for point in points if point.easy.value >= lowest]
    return max(holding, key=lambda point: (point.hard.value, point.easy.value, -point.alpha))


def both_directions(scores: Float[np.ndarray, "cases 2 2"]) -> Float[np.ndarray, " cases"]:
    """Return the mean of text → protein and protein → text, where known, of each case.

    Examples
    --------
    >>> both_directions(np.array([[[0.9, 0.1], [0.95, 0.2]], [[0.9, 0.1], [np.nan, np.nan]]]))
    array([0.5, 1. ])
    """
    return np.asarray(np.nanmean([text_to_protein(scores), protein_to_text(scores)], axis=0))


def _known(estimate: Estimate | None) -> Estimate:
    assert estimate is not None  # every case has a text → protein value
    return estimate
