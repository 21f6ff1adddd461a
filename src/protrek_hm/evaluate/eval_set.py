"""The test data that every model is scored on, and the strata of its hard cases."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl
from jaxtyping import Float, Int

from protrek_hm.data.triplets import check_triplets
from protrek_hm.evaluate.cases import (
    ROW,
    Cases,
    Pool,
    independent_groups,
    make_cases,
    make_pool,
    structure_view,
)
from protrek_hm.evaluate.config import EvaluateConfig
from protrek_hm.evaluate.measures import CaseSet, SetName, estimate_all
from protrek_hm.evaluate.retrieval import Records, make_records
from protrek_hm.evaluate.statistics import Estimate
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
        part = replace(hard, cases=hard.cases.take(at), groups=replace(hard.groups, of_case=hard.groups.of_case[at]))
        results.append(
            StratumResult(stratum.by, stratum.label, estimate_all({"hard": part}, {"hard": scores[at]}, config))
        )
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


@dataclass(frozen=True)
class EvalSet:
    """The test data that a model is scored on.

    Attributes
    ----------
    pool
        Every distinct text and sequence of all tables.
    sets
        The cases of "hard" and, where given, "easy".
    strata
        The hard cases by identity, differing residues, length and family size.
    records
        Which text belongs to which sequence, for retrieval over the whole pool.
    valid
        Validation cases, on which thresholds are chosen; None without.
    structures
        The cases whose rows hold both structures, these in the place of the sequences; empty unless asked for.
    """

    pool: Pool
    sets: Mapping[SetName, CaseSet]
    strata: tuple[Stratum, ...]
    records: Records
    valid: Cases | None
    structures: Mapping[SetName, CaseSet] = field(default_factory=dict)


def make_eval_set(
    hard: pl.DataFrame,
    easy: pl.DataFrame | None = None,
    valid: pl.DataFrame | None = None,
    *,
    structures: bool = False,
) -> EvalSet:
    """Turn triplet tables into an evaluation set, on `structures`, too, if asked for.

    Raises
    ------
    MissingColumnError, NothingFoundError, FileFormatError
        If a table lacks a column, rows or values, or the hard one structures.

    Examples
    --------
    >>> hard = pl.DataFrame({"anchor_seq": ["MKK", "MRR"], "anchor_text": ["K", "R"], "hard_neg_seq": ["MRR", "MKK"]})
    >>> eval_set = make_eval_set(hard)
    >>> len(eval_set.sets["hard"].cases), [(stratum.by, stratum.label) for stratum in eval_set.strata][1]
    (2, ('differing residues', '2–5'))
    """
    frames: dict[SetName, pl.DataFrame] = {"hard": hard} if easy is None else {"hard": hard, "easy": easy}
    for name, frame in frames.items():
        check_triplets(frame, f"{name} triplets")
    if valid is not None:
        check_triplets(valid, "validation triplets")
    views: dict[SetName, pl.DataFrame] = {}
    if structures:
        views = {name: structure_view(frame, f"{name} triplets") for name, frame in frames.items()}
    letters = make_pool(list(views.values())).sequences
    tested = replace(make_pool(list(frames.values())), structures=letters)
    pool = tested if valid is None else replace(make_pool([*frames.values(), valid]), structures=letters)
    sets: dict[SetName, CaseSet] = {}
    for name, frame in frames.items():
        cases = make_cases(frame, pool)
        sets[name] = CaseSet(name, frame, cases, independent_groups(frame, cases, name))
    records = make_records(sets, tested)  # of the pool's first items: validation comes last and is not looked for
    return EvalSet(
        pool=pool,
        sets=sets,
        strata=make_strata(sets["hard"], pool),
        records=records,
        valid=None if valid is None else make_cases(valid, pool),
        structures={name: _asked_by_structure(sets[name], view, pool) for name, view in views.items()},
    )


def _asked_by_structure(whole: CaseSet, view: pl.DataFrame, pool: Pool) -> CaseSet:
    cases = make_cases(view, Pool(pool.texts, pool.structures))
    groups = replace(whole.groups, of_case=whole.groups.of_case[view[ROW].to_numpy()])
    return CaseSet(whole.name, view, cases, groups)
