"""The measures that an evaluation reports: which cases, which metric, what chance gives."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from jaxtyping import Float, Int

from protrek_hm.evaluate.cases import Cases, Groups
from protrek_hm.evaluate.config import EvaluateConfig
from protrek_hm.evaluate.metrics import (
    Reliability,
    auroc,
    average_precision,
    choice_certainty,
    group_score,
    margins,
    protein_to_text,
    reliability,
    text_to_protein,
    threshold_scores,
)
from protrek_hm.evaluate.statistics import (
    Estimate,
    Significance,
    mean_with_interval,
    paired_difference,
    significance,
    statistics_with_intervals,
)

SetName = Literal["hard", "easy"]


@dataclass(frozen=True)
class Measure:
    """One column of the results.

    Attributes
    ----------
    key
        Its name in `report.json`.
    title
        Its name for people.
    on
        The set of cases that it is taken on.
    metric
        From 2 × 2 scores to the value of each case in [0, 1].
    chance
        Its value for scores in random order.
    once_per_pair
        Whether both rows of a pair have the same value, so that only the first counts.
    headline
        Whether tables and pictures show it; `report.json` holds all.
    """

    key: str
    title: str
    on: SetName
    metric: Callable[[Float[np.ndarray, "cases 2 2"]], Float[np.ndarray, " cases"]]
    chance: float = 0.5
    once_per_pair: bool = False
    headline: bool = True


MEASURES = (
    Measure("hard_text_to_protein", "hard, text → protein", "hard", text_to_protein),
    Measure("hard_protein_to_text", "hard, protein → text", "hard", protein_to_text),
    Measure("hard_group", "hard, all four right", "hard", group_score, chance=1 / 6, once_per_pair=True),
    Measure("easy_text_to_protein", "easy, text → protein", "easy", text_to_protein),
    Measure("easy_protein_to_text", "easy, protein → text", "easy", protein_to_text, headline=False),
)

STRUCTURE_MEASURES = (
    Measure("hard_text_to_structure", "hard, text → structure", "hard", text_to_protein),
    Measure("hard_structure_to_text", "hard, structure → text", "hard", protein_to_text, headline=False),
    Measure("easy_text_to_structure", "easy, text → structure", "easy", text_to_protein),
)
"""The same, where the protein is given by its structure."""

EVERY_MEASURE = (*MEASURES, *STRUCTURE_MEASURES)


@dataclass(frozen=True)
class CaseSet:
    """The hard or the easy cases: the table, its rows as positions in the pool, and their independent groups."""

    name: SetName
    frame: pl.DataFrame
    cases: Cases
    groups: Groups


Scores = Mapping[SetName, Float[np.ndarray, "_cases 2 2"]]
"""2 × 2 scores of each case of each set."""


def case_values(measure: Measure, cases: Cases, scores: Float[np.ndarray, "cases 2 2"]) -> Float[np.ndarray, " cases"]:
    """Return the value of each case, NaN where it does not count.

    Examples
    --------
    >>> two, known = np.array([0, 1]), np.array([1, 0])
    >>> cases = Cases(two, two, negative=known, other_text=known, new_pair=np.array([True, False]))
    >>> case_values(MEASURES[2], cases, np.array([[[0.9, 0.1], [0.1, 0.9]]] * 2))
    array([ 1., nan])
    """
    values = measure.metric(scores)
    return np.where(cases.new_pair, values, np.nan) if measure.once_per_pair else values


def estimate_all(
    sets: Mapping[SetName, CaseSet],
    scores: Scores,
    config: EvaluateConfig,
    *,
    measures: Sequence[Measure] = MEASURES,
) -> dict[str, Estimate]:
    """Return each measure's mean and interval by key; a measure without a single case is not in it."""
    found = {
        key: mean_with_interval(values, groups, seed=config.seed, resamples=config.resamples)
        for key, values, groups in _values(sets, scores, measures)
    }
    return {key: estimate for key, estimate in found.items() if estimate is not None}


def differences_all(
    sets: Mapping[SetName, CaseSet],
    before: Scores,
    after: Scores,
    config: EvaluateConfig,
    *,
    measures: Sequence[Measure] = MEASURES,
) -> dict[str, Estimate]:
    """Return each measure's mean difference `after - before` on the same cases, and its interval, by key."""
    both = zip(_values(sets, before, measures), _values(sets, after, measures), strict=True)
    found = {
        key: paired_difference(first, second, groups, seed=config.seed, resamples=config.resamples)
        for (key, first, groups), (_, second, _) in both
    }
    return {key: difference for key, difference in found.items() if difference is not None}


def significance_all(
    sets: Mapping[SetName, CaseSet], before: Scores, after: Scores, *, measures: Sequence[Measure] = MEASURES
) -> dict[str, Significance]:
    """Return the exact paired tests of each measure, by key; a measure without a single case is not in it."""
    both = zip(_values(sets, before, measures), _values(sets, after, measures), strict=True)
    found = {key: significance(first, second, groups) for (key, first, groups), (_, second, _) in both}
    return {key: test for key, test in found.items() if test.cases.wins + test.cases.losses + test.cases.draws}


def _values(
    sets: Mapping[SetName, CaseSet], scores: Scores, measures: Sequence[Measure]
) -> Iterator[tuple[str, Float[np.ndarray, " cases"], Int[np.ndarray, " cases"]]]:
    """Yield key, values and groups of the cases of each measure whose set was scored."""
    for measure in measures:
        if measure.on in scores:
            each = sets[measure.on]
            yield measure.key, case_values(measure, each.cases, scores[measure.on]), each.groups.of_case


@dataclass(frozen=True)
class Discrimination:
    """How well right and wrong pairs of a set are told apart.

    Attributes
    ----------
    estimates
        "auroc", "average_precision" and, where a threshold is known, "precision", "recall", "f1".
    margin
        Mean, spread and quantiles of the score of the right protein minus that of the wrong one, in [-2, 2].
    threshold
        Score from which pairs are accepted, chosen for the best F1 on validation; None without validation.
    calibration
        Certainty against accuracy.
    """

    estimates: Mapping[str, Estimate]
    margin: Mapping[str, float]
    threshold: float | None
    calibration: Reliability


def margin_statistics(margin: Float[np.ndarray, " cases"]) -> dict[str, float]:
    """Return mean, standard deviation and quantiles of margins.

    Examples
    --------
    >>> margin_statistics(np.array([-0.1, 0.1, 0.3]))["median"]
    0.1
    """
    names = ("q05", "q25", "median", "q75", "q95")
    quantiles = np.quantile(margin, (0.05, 0.25, 0.5, 0.75, 0.95)).tolist()
    return {
        "mean": float(margin.mean()),
        "deviation": float(margin.std()),
        **dict(zip(names, quantiles, strict=True)),
    }


def discriminate(
    cases: CaseSet,
    scores: Float[np.ndarray, "cases 2 2"],
    *,
    temperature: float,
    threshold: float | None,
    seed: int,
) -> Discrimination:
    """Summarise the scores of a set; `threshold` must not come from this set."""
    right, wrong = scores[:, 0, 0], scores[:, 0, 1]

    def statistics(at: Int[np.ndarray, " drawn"]) -> dict[str, float]:
        found = {"auroc": auroc(right[at], wrong[at]), "average_precision": average_precision(right[at], wrong[at])}
        if threshold is not None:
            found |= threshold_scores(right[at], wrong[at], threshold)
        return found

    margin = margins(scores)
    return Discrimination(
        estimates=statistics_with_intervals(statistics, cases.groups.of_case, seed=seed),
        margin=margin_statistics(margin),
        threshold=threshold,
        calibration=reliability(choice_certainty(margin, temperature), text_to_protein(scores)),
    )
