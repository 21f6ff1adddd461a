"""Labelled relatives of the proteins that have no text: who they are, and how much each of them counts.

They share words of five letters with the protein (`homology.lookup`), at whatever identity. That depends on the two
alone: records come and go, and what is left is what a new index would hold. The file beside the segments (Arrow, a row
a pair) numbers records through all segments, as the file of words does. How many relatives count, and how much, was
chosen on the validation part of `benchmarks/unseen.py`.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from jaxtyping import Bool, Float, Int

from protrek_hm.errors import FileFormatError
from protrek_hm.homology.lookup import Lookup
from protrek_hm.index.layout import REBUILD
from protrek_hm.index.records import open_arrow, rows_of_kept, write_records

MOST = 5
"""Relatives that are kept of a protein: those that share most words with it for their length."""

_SCHEMA = {"record": pl.Int64, "relative": pl.Int64, "share": pl.Float64}
_AT_ONCE = 1_024


@dataclass(frozen=True)
class Relatives:
    """Pairs of a record without a text and a labelled relative, by the rows of an opened index.

    Attributes
    ----------
    owner, other
        The rows of both; ascending by owner, the nearest relative first.
    weight
        How much the relative counts, in (0, 1]: its share of words ÷ the sum over the owner's relatives.

    Examples
    --------
    >>> held = Relatives(np.array([3, 3, 5]), np.array([0, 1, 1]), np.array([0.75, 0.25, 1.0]))
    >>> place, rows, weights = held.of(np.array([4, 5, 3]))
    >>> place.tolist(), rows.tolist(), weights.tolist()
    ([1, 2, 2], [1, 0, 1], [1.0, 0.75, 0.25])
    >>> rows, means = held.means(np.array([0.0, 2.0, 0.0, 0.0, 0.0, 0.0]))
    >>> rows.tolist(), means.tolist()
    ([3, 5], [0.5, 2.0])
    """

    owner: Int[np.ndarray, " pairs"]
    other: Int[np.ndarray, " pairs"]
    weight: Float[np.ndarray, " pairs"]

    @classmethod
    def open(cls, path: Path, kept: Bool[np.ndarray, " all"]) -> "Relatives":
        """Read the file that `write_relatives` wrote; `kept` says which numbers are records of the index.

        Raises
        ------
        MissingFileError, FileFormatError
            If it is not there, is damaged, or was written for other records.
        """
        pairs = open_arrow(path)
        row = np.append(rows_of_kept(kept), -1)
        if dict(pairs.schema) != _SCHEMA:
            raise FileFormatError(path, f"holds {', '.join(pairs.columns)}, not {', '.join(_SCHEMA)}", REBUILD)
        whole = sum(pairs.null_count().row(0)) == 0 and pairs["record"].is_sorted()
        if not whole or not (pairs["share"].is_finite() & (pairs["share"] > 0)).all():
            raise FileFormatError(path, "damaged (a number is missing or out of place)", REBUILD)
        owner, other = (row[np.clip(pairs[name].to_numpy(), -1, len(kept))] for name in ("record", "relative"))
        if min(owner.min(initial=0), other.min(initial=0)) < 0:
            raise FileFormatError(path, "names relatives of other records than the index holds", REBUILD)
        weight = pairs.select(pl.col("share") / pl.col("share").sum().over("record")).to_series().to_numpy()
        return cls(owner, other, weight)

    def of(
        self, rows: Int[np.ndarray, " n"]
    ) -> tuple[Int[np.ndarray, " pairs"], Int[np.ndarray, " pairs"], Float[np.ndarray, " pairs"]]:
        """Return the pairs of these rows: the place in `rows` of the owner, the row of the relative, its weight."""
        first, last = np.searchsorted(self.owner, rows), np.searchsorted(self.owner, rows, side="right")
        place = np.repeat(np.arange(len(rows)), last - first)
        pairs = np.concatenate([np.empty(0, np.int64), *map(np.arange, first.tolist(), last.tolist())])
        return place, self.other[pairs], self.weight[pairs]

    def means(self, known: Float[np.ndarray, " all"]) -> tuple[Int[np.ndarray, " rows"], Float[np.ndarray, " rows"]]:
        """Return the owners of which a relative's number is known (not 0), and the weighted mean over their relatives.

        known: a number for each row of the index.
        """
        pairs = np.flatnonzero(known[self.other])
        rows, place = np.unique(self.owner[pairs], return_inverse=True)
        said = np.bincount(place, self.weight[pairs] * known[self.other[pairs]], minlength=len(rows))
        return rows, said.astype(np.float64)  # of nothing it makes whole numbers


def write_relatives(
    path: Path, records: pl.DataFrame, kept: Bool[np.ndarray, " all"], *, before: Path | None = None, seen: int = 0
) -> bool:
    """Look for the labelled relatives of the records without a text, and write them.

    Parameters
    ----------
    records
        All records, the removed ones among them.
    kept
        Which of them are part of the index.
    before, seen
        The same of the index as it was, and how many of these records it had: only what is new is compared.

    Returns
    -------
    Whether there were any: without them no file is written.
    """
    if "text" not in records.columns:
        return False
    written = (records["text"].fill_null("") != "").to_numpy()
    labelled, without = kept & written, kept & ~written
    old = np.arange(len(records)) < (seen if before is not None else 0)
    pairs = pl.DataFrame(schema=_SCHEMA) if before is None else open_arrow(before)
    lost = pairs.filter(~pl.Series(kept)[pairs["relative"]])["record"].unique().to_numpy()
    anew = without & ~old
    anew[lost[without[lost]]] = True
    pairs = pairs.filter(pl.Series(without & ~anew)[pairs["record"]])
    known = records["sequence"].filter(pl.Series(labelled & old))
    fresh = labelled & ~old & ~records["sequence"].is_in(known.unique().to_list()).to_numpy()
    found = [pairs, _compare(records, anew, labelled), _compare(records, without & ~anew, fresh)]
    nearest = pl.concat(found).sort("record", "share", "relative", descending=[False, True, False])
    nearest = nearest.group_by("record", maintain_order=True).head(MOST)
    if nearest.is_empty():
        return False
    write_records(nearest, path)
    return True


def _compare(
    records: pl.DataFrame, without: Bool[np.ndarray, " all"], labelled: Bool[np.ndarray, " all"]
) -> pl.DataFrame:
    """List the nearest of the labelled records for each of those without a text; of one sequence the first record."""
    asked = _numbered(records, without).group_by("sequence", maintain_order=True).agg("number")
    told = _numbered(records, labelled).unique("sequence", keep="first", maintain_order=True)
    if asked.is_empty() or told.is_empty():
        return pl.DataFrame(schema=_SCHEMA)
    lookup, numbers = Lookup.of(told["sequence"]), told["number"].to_numpy()
    found = list[pl.DataFrame]()
    for block in asked.iter_slices(_AT_ONCE):
        near = lookup.sharing(block["sequence"].to_list(), most=MOST)
        table = block.select(
            record="number",
            relative=pl.Series([numbers[each].tolist() for each, _ in near], dtype=pl.List(pl.Int64)),
            share=pl.Series([shares.tolist() for _, shares in near], dtype=pl.List(pl.Float64)),
        )
        found.append(table.explode("relative", "share").drop_nulls().explode("record"))
    return pl.concat(found)


def _numbered(records: pl.DataFrame, chosen: Bool[np.ndarray, " all"]) -> pl.DataFrame:
    """Return sequence and number of these records, those without a sequence left out."""
    some = records.select("sequence", number=pl.int_range(len(records), dtype=pl.Int64)).filter(pl.Series(chosen))
    return some.drop_nulls()
