"""The proteins as the miner works on them: distinct sequences, each with one or several texts."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from jaxtyping import Int

from protrek_hm.data.texts import EVIDENCE, UNTOLD, fold_text
from protrek_hm.errors import NothingFoundError


@dataclass(frozen=True)
class Corpus:
    """Distinct sequences in the order of the file, and their texts.

    entries: the rows that have a text, one for each distinct text of a sequence, with all columns of the
    input and `protein`, the number of the sequence. offsets: entries `offsets[p]` to `offsets[p + 1]` belong
    to protein p. rows, untold: rows read, and rows left out for want of a text.
    """

    sequences: list[str]
    entries: pl.DataFrame
    offsets: Int[np.ndarray, " proteins_plus_1"]
    rows: int
    untold: int

    def first_entries(self) -> Int[np.ndarray, " proteins"]:
        """Return each protein's first entry."""
        return self.offsets[:-1]


def build_corpus(proteins: pl.DataFrame) -> Corpus:
    """Join rows with the same sequence into one protein, texts that differ only in form into one.

    proteins: columns `id`, `sequence`, `text` (may be null), and any others.

    Raises
    ------
    NothingFoundError
        If fewer than two distinct sequences have a text: there is no pair to look at.

    Examples
    --------
    >>> table = pl.DataFrame(
    ...     {"id": list("abcd"), "sequence": ["MK", "MK", "MR", "MV"], "text": ["Red.", "red", "Blue.", None]}
    ... )
    >>> corpus = build_corpus(table)
    >>> corpus.sequences, corpus.entries["id"].to_list(), corpus.untold
    (['MK', 'MR'], ['a', 'c'], 1)
    """
    told = proteins.filter(pl.col("text").str.strip_chars().str.len_chars() > 0)
    if told.is_empty():
        raise NothingFoundError(
            f"{proteins.height:,} records, none with a text: give texts, or say which column holds them with "
            "--column text=NAME"
        )
    told = told.with_columns(folded=pl.Series([fold_text(text) for text in told["text"]], dtype=pl.String))
    if EVIDENCE in told.columns:  # of rows that become one, all that is known
        evidence = pl.col(EVIDENCE)
        joined = pl.when(evidence.is_not_null().any()).then(evidence.fill_null(UNTOLD).str.join("; "))
        told = told.with_columns(joined.over("sequence", "folded").alias(EVIDENCE))
    entries = told.unique(["sequence", "folded"], keep="first", maintain_order=True).drop("folded")
    order = entries.unique("sequence", keep="first", maintain_order=True).select("sequence")
    entries = (
        entries.join(order.with_row_index("protein"), on="sequence", how="left", maintain_order="left")
        .with_columns(pl.col("protein").cast(pl.Int64))
        .sort("protein", maintain_order=True)
    )
    if order.height < 2:
        raise NothingFoundError(
            f"{proteins.height} records hold {proteins['sequence'].n_unique()} distinct sequences, "
            f"{order.height} of them with a text; a twin takes two proteins with texts: give more"
        )
    counts = np.bincount(entries["protein"].to_numpy(), minlength=order.height)
    return Corpus(
        sequences=order["sequence"].to_list(),
        entries=entries,
        offsets=np.concatenate([[0], np.cumsum(counts)]),
        rows=proteins.height,
        untold=proteins.height - told.height,
    )


def expand_pairs(
    corpus: Corpus, a: Int[np.ndarray, " pairs"], b: Int[np.ndarray, " pairs"]
) -> tuple[Int[np.ndarray, " wide"], Int[np.ndarray, " wide"], Int[np.ndarray, " wide"]]:
    """Return every combination of an entry of protein `a` with one of `b`: pair number, left and right entry.

    Sorted by pair, then left, then right.
    """
    counts = np.diff(corpus.offsets)
    many = counts[a] * counts[b]
    pair = np.repeat(np.arange(len(a)), many)
    place = np.arange(len(pair)) - np.repeat(np.cumsum(many) - many, many)
    left = corpus.offsets[a[pair]] + place // counts[b[pair]]
    right = corpus.offsets[b[pair]] + place % counts[b[pair]]
    return pair, left, right
