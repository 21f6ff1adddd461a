"""The structures of triplets, where the proteins have them."""

import polars as pl

from protrek_hm.data.schema import STRUCTURE_LETTERS
from protrek_hm.data.triplets import STRUCTURES
from protrek_hm.mine.corpus import Corpus

_OF = dict(zip(STRUCTURES, ("anchor", "negative"), strict=True))


def add_structures(triplets: pl.DataFrame, corpus: Corpus) -> pl.DataFrame:
    """Add the 3Di letters of both proteins of each row, the first that the table gives of a protein, in lower case.

    triplets: with `anchor` and `negative`, the numbers of proteins. Where no protein has a structure, or the column
    holds something else than 3Di letters, nothing is added.

    Examples
    --------
    >>> from protrek_hm.mine.corpus import build_corpus
    >>> table = {"id": ["a", "b"], "sequence": ["MK", "MR"], "text": ["Red.", "Blue."], "structure": ["DV", None]}
    >>> triplets = pl.DataFrame({"anchor": [0, 1], "negative": [1, 0]})
    >>> add_structures(triplets, build_corpus(pl.DataFrame(table))).rows()
    [(0, 1, 'dv', None), (1, 0, None, 'dv')]
    """
    if "structure" not in corpus.entries.columns:
        return triplets
    letters = corpus.entries["structure"].cast(pl.String).str.to_lowercase()
    told = letters.drop_nulls()
    if told.is_empty() or not told.str.contains(f"^[{STRUCTURE_LETTERS}]+$").all():
        return triplets
    first = corpus.entries.select("protein", letters=letters).group_by("protein", maintain_order=True)
    of_protein = first.agg(pl.col("letters").drop_nulls().first())["letters"]
    return triplets.with_columns(
        of_protein[triplets[number].to_numpy()].alias(column) for column, number in _OF.items()
    )
