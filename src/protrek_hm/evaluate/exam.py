"""The exam: every question that is put to every model, made from triplet tables once."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from protrek_hm.evaluate.cases import Cases, Pool, check_triplets, make_cases, make_pool
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
    """

    pool: Pool
    sets: Mapping[SetName, CaseSet]
    strata: tuple[Stratum, ...]
    records: Records
    valid: Cases | None


def make_exam(hard: pl.DataFrame, easy: pl.DataFrame | None = None, valid: pl.DataFrame | None = None) -> Exam:
    """Turn triplet tables into an exam.

    Raises
    ------
    MissingColumnError, NothingFoundError, FileFormatError
        If a table lacks a column, rows or values.

    Examples
    --------
    >>> hard = pl.DataFrame({"anchor_seq": ["MKK", "MRR"], "anchor_text": ["K", "R"], "hard_neg_seq": ["MRR", "MKK"]})
    >>> exam = make_exam(hard)
    >>> len(exam.sets["hard"].cases), [(stratum.by, stratum.label) for stratum in exam.strata][1]
    (2, ('differing residues', '2–5'))
    """
    frames: dict[SetName, pl.DataFrame] = {"hard": hard} if easy is None else {"hard": hard, "easy": easy}
    for name, frame in {**frames, **({} if valid is None else {"validation": valid})}.items():
        check_triplets(frame, f"{name} triplets")
    tested = make_pool(list(frames.values()))
    pool = tested if valid is None else make_pool([*frames.values(), valid])
    sets: dict[SetName, CaseSet] = {}
    for name, frame in frames.items():
        cases = make_cases(frame, pool)
        sets[name] = CaseSet(name, frame, cases, independent_groups(frame, cases, name))
    records = make_records(sets, tested)  # of the pool's first items: validation comes last and is not looked for
    return Exam(
        pool, sets, make_strata(sets["hard"], pool), records, None if valid is None else make_cases(valid, pool)
    )
