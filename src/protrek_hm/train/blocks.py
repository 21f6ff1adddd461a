"""Triplets of one family side by side, so that a step encodes few proteins for many rows."""

import numpy as np
import polars as pl


def family_blocks(triplets: pl.DataFrame, *, rows: int, proteins: int = 12, most: int = 32, seed: int) -> pl.DataFrame:
    """Draw triplets family by family: those among a protein and some of its twins stand together.

    Train on the result with `TrainConfig(block=most)`: of 32 rows drawn anywhere up to 64 proteins are encoded, of 32
    rows among 12 twins 12, and each text is told from several twins at once.

    Parameters
    ----------
    triplets
        A table as `mine` gives it; a pair may stand in it in both directions.
    rows
        How many rows to draw, at least 1; a row may come more than once.
    proteins, most
        Of a group: so many proteins at most, at least 2, and so many rows.
    seed
        Of all draws.

    Examples
    --------
    >>> pairs = [(a, b) for family in ("ABC", "XYZ") for a in family for b in family if a != b]
    >>> table = pl.DataFrame(pairs, schema=["anchor_seq", "hard_neg_seq"], orient="row")
    >>> drawn = family_blocks(table, rows=12, proteins=3, most=6, seed=0)
    >>> [sorted(set(drawn["anchor_seq"][start:start + 6])) for start in (0, 6)]
    [['X', 'Y', 'Z'], ['A', 'B', 'C']]
    """
    both = pl.concat([triplets["anchor_seq"], triplets["hard_neg_seq"]]).rank("dense").cast(pl.Int64).to_numpy() - 1
    anchor, twin = both[: triplets.height], both[triplets.height :]
    of_anchor = [np.flatnonzero(anchor == protein) for protein in range(both.max() + 1)]
    starts = [protein for protein, own in enumerate(of_anchor) if len(own)]
    rng = np.random.default_rng(seed)
    drawn: list[int] = []
    while len(drawn) < rows:
        for start in rng.permutation(starts):
            twins = np.unique(twin[of_anchor[start]])
            group = {start, *rng.permutation(twins)[: proteins - 1].tolist()}
            inside = [row for protein in sorted(group) for row in of_anchor[protein] if twin[row] in group]
            drawn += rng.permutation(inside)[:most].tolist()
            if len(drawn) >= rows:
                break
    return triplets[drawn[:rows]]
