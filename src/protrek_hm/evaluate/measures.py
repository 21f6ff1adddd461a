"""The measures that an evaluation reports: which cases, which metric, what chance gives."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from jaxtyping import Float

from protrek_hm.evaluate.cases import Cases
from protrek_hm.evaluate.config import EvaluateConfig
from protrek_hm.evaluate.groups import Groups
from protrek_hm.evaluate.metrics import group_score, protein_to_text, text_to_protein
from protrek_hm.evaluate.significance import Significance, significance
from protrek_hm.evaluate.statistics import Estimate, mean_with_interval, paired_difference

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
        From 2 × 2 scores to the worth of each case in [0, 1].
    chance
        What scores in random order get.
    once_per_pair
        Whether both rows of a pair say the same, so that only the first counts.
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
    """The hard or the easy cases: the table, its rows as positions in the pool, and what depends on what."""

    name: SetName
    frame: pl.DataFrame
    cases: Cases
    groups: Groups


Scores = Mapping[SetName, Float[np.ndarray, "_cases 2 2"]]
"""2 × 2 scores of each case of each set."""


def case_values(measure: Measure, cases: Cases, scores: Float[np.ndarray, "cases 2 2"]) -> Float[np.ndarray, " cases"]:
    """Return what each case is worth, NaN where it does not count.

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
    estimates = {}
    for measure in measures:
        if measure.on in scores:
            each = sets[measure.on]
            values = case_values(measure, each.cases, scores[measure.on])
            estimates[measure.key] = mean_with_interval(
                values, each.groups.of_case, seed=config.seed, resamples=config.resamples
            )
    return {key: estimate for key, estimate in estimates.items() if estimate is not None}


def differences_all(
    sets: Mapping[SetName, CaseSet],
    before: Scores,
    after: Scores,
    config: EvaluateConfig,
    *,
    measures: Sequence[Measure] = MEASURES,
) -> dict[str, Estimate]:
    """Return each measure's mean difference `after - before` on the same cases, and its interval, by key."""
    differences = {}
    for measure in measures:
        if measure.on in sets:
            each = sets[measure.on]
            first, second = (case_values(measure, each.cases, scores[measure.on]) for scores in (before, after))
            differences[measure.key] = paired_difference(
                first, second, each.groups.of_case, seed=config.seed, resamples=config.resamples
            )
    return {key: difference for key, difference in differences.items() if difference is not None}


def significance_all(
    sets: Mapping[SetName, CaseSet], before: Scores, after: Scores, *, measures: Sequence[Measure] = MEASURES
) -> dict[str, Significance]:
    """Return the exact paired tests of each measure, by key; a measure without a single case is not in it."""
    found = {}
    for measure in measures:
        if measure.on in sets:
            each = sets[measure.on]
            first, second = (case_values(measure, each.cases, scores[measure.on]) for scores in (before, after))
            found[measure.key] = significance(first, second, each.groups.of_case)
    return {key: test for key, test in found.items() if test.cases.wins + test.cases.losses + test.cases.draws}
