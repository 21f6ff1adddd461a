"""The exam: every question that is put to every model, made from triplet tables once."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import polars as pl

from protrek_hm.data.triplets import check_triplets
from protrek_hm.evaluate.cases import ROW, Cases, Pool, make_cases, make_pool, structure_view
from protrek_hm.evaluate.groups import independent_groups
from protrek_hm.evaluate.measures import CaseSet, SetName
from protrek_hm.evaluate.retrieval import Records, make_records
from protrek_hm.evaluate.strata import Stratum, make_strata


@dataclass(frozen=True)
class Exam:
    """What is asked of a model.

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


def make_exam(
    hard: pl.DataFrame,
    easy: pl.DataFrame | None = None,
    valid: pl.DataFrame | None = None,
    *,
    structures: bool = False,
) -> Exam:
    """Turn triplet tables into an exam, on `structures`, too, if asked for.

    Raises
    ------
    MissingColumnError, NothingFoundError, FileFormatError
        If a table lacks a column, rows or values, or the hard one structures.

    Examples
    --------
    >>> hard = pl.DataFrame({"anchor_seq": ["MKK", "MRR"], "anchor_text": ["K", "R"], "hard_neg_seq": ["MRR", "MKK"]})
    >>> exam = make_exam(hard)
    >>> len(exam.sets["hard"].cases), [(stratum.by, stratum.label) for stratum in exam.strata][1]
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
    return Exam(
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
