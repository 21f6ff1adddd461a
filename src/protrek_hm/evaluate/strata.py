"""Where is a model good? Accuracy by identity, by differing residues, by length, by family size."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from jaxtyping import Float, Int

from protrek_hm.evaluate.cases import Cases, Pool
from protrek_hm.evaluate.config import EvaluateConfig
from protrek_hm.evaluate.measures import MEASURES, CaseSet, case_values
from protrek_hm.evaluate.statistics import Estimate, mean_with_interval
from protrek_hm.homology.identity import matches_and_columns

BINS: Mapping[str, Sequence[tuple[float, str]]] = {
    "identity": (
        (0.0, "below 70 %"),
        (0.7, "70–80 %"),
        (0.8, "80–90 %"),
        (0.9, "90–95 %"),
        (0.95, "95–99 %"),
        (0.99, "99–100 %"),
    ),
    "differing residues": ((0, "none"), (1, "1"), (2, "2–5"), (6, "6–20"), (21, "21–50"), (51, "more than 50")),
    "length": ((0, "up to 100"), (101, "101–200"), (201, "201–400"), (401, "401–800"), (801, "more than 800")),
    "family size": ((0, "2"), (3, "3–5"), (6, "6–20"), (21, "more than 20")),
}
"""Name of each grouping → lowest value and name of its bins, ascending."""


@dataclass(frozen=True)
class Stratum:
    """The cases of one bin of one grouping."""

    by: str
    label: str
    cases: Int[np.ndarray, " members"]


@dataclass(frozen=True)
class StratumResult:
    """A model's measures on one stratum, by key."""

    by: str
    label: str
    estimates: Mapping[str, Estimate]


def make_strata(hard: CaseSet, pool: Pool) -> tuple[Stratum, ...]:
    """Sort the hard cases into the bins of `BINS`; empty bins are left out.

    Identity and differing residues (columns of the alignment that differ, gaps too) come from an exact
    alignment of each pair, length is that of the anchor protein, family size counts the distinct proteins of
    the table in the same group.
    """
    found = []
    for by, values in _describe(hard, pool).items():
        lows, labels = zip(*BINS[by], strict=True)
        place = np.searchsorted(np.array(lows), values, side="right") - 1
        for number, label in enumerate(labels):
            members = np.flatnonzero(place == number)
            if len(members):
                found.append(Stratum(by, label, members))
    return tuple(found)


def estimate_strata(
    strata: Sequence[Stratum], hard: CaseSet, scores: Float[np.ndarray, "cases 2 2"], config: EvaluateConfig
) -> tuple[StratumResult, ...]:
    """Return the measures of the hard cases on each stratum, with intervals over its groups."""
    results = []
    for stratum in strata:
        at = stratum.cases
        estimates = {}
        for measure in MEASURES:
            if measure.on == "hard":
                values = case_values(measure, _subset(hard.cases, at), scores[at])
                estimates[measure.key] = mean_with_interval(
                    values, hard.groups.of_case[at], seed=config.seed, resamples=config.resamples
                )
        known = {key: each for key, each in estimates.items() if each is not None}
        results.append(StratumResult(stratum.by, stratum.label, known))
    return tuple(results)


def _describe(hard: CaseSet, pool: Pool) -> dict[str, Float[np.ndarray, " cases"]]:
    cases = hard.cases
    pairs = np.stack([cases.positive, cases.negative], axis=1)
    distinct, which = np.unique(np.sort(pairs, axis=1), axis=0, return_inverse=True)
    aligned = np.array([matches_and_columns(pool.sequences[a], pool.sequences[b]) for a, b in distinct.tolist()])
    matches, columns = aligned[which.ravel()].T
    lengths = np.array([len(sequence) for sequence in pool.sequences])
    members = pl.DataFrame({"group": np.repeat(hard.groups.of_case, 2), "protein": pairs.ravel()}).unique()
    sizes = dict(members.group_by("group").len().iter_rows())
    return {
        "identity": matches / columns,
        "differing residues": (columns - matches).astype(np.float64),
        "length": lengths[cases.positive].astype(np.float64),
        "family size": np.array([sizes[group] for group in hard.groups.of_case.tolist()], dtype=np.float64),
    }


def _subset(cases: Cases, at: Int[np.ndarray, " members"]) -> Cases:
    return replace(
        cases,
        text=cases.text[at],
        positive=cases.positive[at],
        negative=cases.negative[at],
        other_text=cases.other_text[at],
        new_pair=cases.new_pair[at],
    )
