"""The structures of triplets, where the proteins have them."""

import polars as pl

from protrek_hm.data.triplets import STRUCTURES
from protrek_hm.data.validation import bad_structures, clean_structures
from protrek_hm.mine.corpus import Corpus

_OF = dict(zip(STRUCTURES, ("anchor", "negative"), strict=True))


def structures_of(corpus: Corpus) -> tuple[pl.Series | None, int]:
    """Return the 3Di letters of each protein, in lower case, and how many cells hold something else.

    Of several of a protein the first is taken. What is not as long as the sequence, or of other letters, is none. None
    instead of a column if no protein has any.

    Examples
    --------
    >>> from protrek_hm.mine.corpus import build_corpus
    >>> table = {"id": ["a", "b"], "sequence": ["MK", "MR"], "text": ["Red.", "Blue."], "structure": ["DV", "dvv"]}
    >>> letters, unusable = structures_of(build_corpus(pl.DataFrame(table)))
    >>> letters.to_list(), unusable
    (['dv', None], 1)
    """
    if "structure" not in corpus.entries.columns:
        return None, 0
    cells = corpus.entries.select(
        "protein", "sequence", structure=clean_structures(pl.col("structure").cast(pl.String))
    )
    bad = bad_structures(cells)
    usable = pl.when(~pl.int_range(pl.len()).is_in(list(bad))).then(pl.col("structure"))
    first = cells.with_columns(structure=usable).group_by("protein", maintain_order=True)
    letters = first.agg(pl.col("structure").drop_nulls().first())["structure"]
    return (None if letters.null_count() == len(letters) else letters), len(bad)


def add_structures(triplets: pl.DataFrame, letters: pl.Series | None) -> pl.DataFrame:
    """Add the 3Di letters of both proteins of each row, from `structures_of`; nothing where no protein has any.

    triplets: with `anchor` and `negative`, the numbers of proteins.

    Examples
    --------
    >>> triplets = pl.DataFrame({"anchor": [0, 1], "negative": [1, 0]})
    >>> add_structures(triplets, pl.Series(["dv", None])).rows()
    [(0, 1, 'dv', None), (1, 0, None, 'dv')]
    """
    if letters is None:
        return triplets
    return triplets.with_columns(letters[triplets[number].to_numpy()].alias(column) for column, number in _OF.items())
