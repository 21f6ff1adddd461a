"""Cases of deep mutational scans: pairs of mutants of one protein, so that being a mutant decides nothing.

A mutant of the top decile of its assay stands beside one of the bottom decile (column `level`: high, low); controls are
two mutants of the same decile. Where both a measure of the fold (abundance, expression) and one of the function
(activity, binding) exist for a protein, two mutants of the upper half of the former stand side by side, one of them low
in the latter: the fold is kept, and the function is gone.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from jaxtyping import Int

from protrek_hm.mine.config import CaseConfig

LEVELS = ("high", "low")
"""Cells of the column `level`, in which the reader of assays says whose score is extreme."""

FOLD, FUNCTION = ("abundance", "expression"), ("activity", "binding")
"""Kinds of assays that tell whether a protein is folded, and whether it works."""

CONTRAST = "contrast"
"""Column of cases of assays: `high, low`, `fold kept`, or `one level` (controls)."""

PAIRS: dict[str, type[pl.DataFrame] | type[pl.DataType]] = {
    **dict.fromkeys(("a", "b", "text_row_a", "text_row_b"), pl.UInt32),
    **dict.fromkeys(("kind", "control", CONTRAST), pl.String),
}
"""Columns of pairs: the rows of the two proteins, the rows whose texts they get, and what the pair is."""

Rows = Int[np.ndarray, "..."]


def make_pairs(
    rows: Mapping[str, Rows | pl.Series], kind: str, *, control: str = "no", contrast: str | None = None
) -> pl.DataFrame:
    """Make rows of pairs; where no texts are named they are those of a and b.

    >>> make_pairs({"a": np.array([3]), "b": np.array([5])}, "natural").rows()
    [(3, 5, 3, 5, 'natural', 'no', None)]
    """
    filled = {"text_row_a": rows["a"], "text_row_b": rows["b"], **rows}
    numbers = pl.DataFrame({name: filled[name] for name in list(PAIRS)[:4]}).cast(pl.UInt32)
    about = {"kind": kind, "control": control, CONTRAST: contrast}
    return numbers.with_columns(pl.lit(cell, pl.String).alias(name) for name, cell in about.items())


def assay_pairs(mutants: pl.DataFrame, config: CaseConfig, *, part: str = "") -> pl.DataFrame:
    """Pair mutants of each assay by level, and those of two assays of one wild type by fold and function.

    mutants: columns row, sequence, text, wild_type, assay, score, kind, level, and `upper`: whether the score is in the
    upper half of the assay's. part: which part of the mutants these are; each part has draws of its own.

    Examples
    --------
    >>> some = {"wild_type": "P1", "assay": "P1_activity", "kind": "activity", "upper": False, "text": "Told."}
    >>> mutants = pl.DataFrame([
    ...     {**some, "row": 4, "sequence": "MA", "level": "high", "score": 1.0},
    ...     {**some, "row": 5, "sequence": "MC", "level": None, "score": 0.5},
    ...     {**some, "row": 6, "sequence": "MD", "level": "low", "score": 0.1},
    ... ])
    >>> assay_pairs(mutants, CaseConfig()).select("a", "b", "contrast").rows()
    [(4, 6, 'high, low')]
    """
    scored = mutants.filter(pl.col("score").is_not_null()).cast({"row": pl.Int64}).sort("assay", "row")
    assays = {str(name): _Assay.of(rows) for (name,), rows in scored.group_by(["assay"], maintain_order=True)}
    found = [pl.DataFrame(schema=PAIRS)]
    for name, assay in assays.items():
        if not len(assay.high) or not len(assay.low):
            continue
        rng = np.random.default_rng([config.seed, *name.encode(), *part.encode()])
        found.append(assay.pairs(rng, config.cases_per_assay))
        for fold in assays.values():
            if assay.kind in FUNCTION and fold.kind in FOLD and fold.wild_type == assay.wild_type:
                found.append(assay.pairs_with_fold(fold, rng, config.cases_per_assay))
    return pl.concat(found).unique(
        ["a", "b"], keep="first", maintain_order=True
    )  # a kept fold may be high and low, too


@dataclass(frozen=True)
class _Assay:
    """Mutants of one wild type: their rows; the numbers of those high and low that have a text; what is measured."""

    rows: pl.DataFrame
    wild_type: str
    kind: str | None
    high: Rows
    low: Rows

    @classmethod
    def of(cls, rows: pl.DataFrame) -> "_Assay":
        high, low = (rows.filter(pl.col("text").is_not_null(), level=level)["row"].to_numpy() for level in LEVELS)
        return cls(rows, rows["wild_type"][0], rows["kind"][0], high, low)

    def pairs(self, rng: np.random.Generator, most: int) -> pl.DataFrame:
        """Pair high and low mutants, each in one case, and mutants of one level as controls, half as many."""
        high, low = rng.permutation(self.high), rng.permutation(self.low)
        count = min(len(high), len(low), most)
        found = [make_pairs({"a": high[:count], "b": low[:count]}, "mutant-mutant", contrast="high, low")]
        for level in (high, low):
            few, mixed = min(len(level) // 2, -(-count // 4)), rng.permutation(level)
            texts = {"text_row_a": high[:1].repeat(few), "text_row_b": low[:1].repeat(few)}
            ends = {"a": mixed[:few], "b": mixed[few : 2 * few], **texts}
            found.append(make_pairs(ends, "mutant-mutant", control="yes", contrast="one level"))
        return pl.concat(found)

    def pairs_with_fold(self, fold: "_Assay", rng: np.random.Generator, most: int) -> pl.DataFrame:
        """Pair mutants of the upper half of `fold`: one of the upper half of this assay, too, and one low in it."""
        kept = self.rows.join(fold.rows.filter("upper"), on="sequence", how="semi", maintain_order="left")
        works, gone = kept.filter("upper")["row"].to_numpy(), np.intersect1d(kept["row"].to_numpy(), self.low)
        works, gone = rng.permutation(works), rng.permutation(gone)
        count = min(len(works), len(gone), most)
        ends = {"a": works[:count], "b": gone[:count], "text_row_a": self.high[:1].repeat(count)}
        return make_pairs(ends, "mutant-mutant", contrast="fold kept")
