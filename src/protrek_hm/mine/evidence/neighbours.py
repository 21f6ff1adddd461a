"""What the look-alikes around a pair say: whether its difference in text goes with the sequences or against them.

If A is told apart from B by a text that none of A's closer look-alikes bears, while they do bear B's text,
then A's text stands alone where the sequences say B's: an annotation by another convention, or an error, is
likelier than another function. A true twin has its closest relatives on its side, or none closer than B.
"""

from collections.abc import Hashable, Sequence

import numpy as np
import polars as pl
from jaxtyping import Float, Int

from protrek_hm.mine.evidence.findings import SILENT, Findings, Outcome, Verdict

_ALONE = Outcome("neighbours:share-the-other-text", Verdict.UNSURE)


def judge_neighbours(
    statements: Sequence[Hashable],
    left: Int[np.ndarray, " pairs"],
    right: Int[np.ndarray, " pairs"],
    *,
    identity: Float[np.ndarray, " pairs"],
) -> Findings:
    """Judge each pair of entries by the texts of its look-alikes, which are the other pairs' entries.

    A pair is *unsure* if, seen from either of its two sides, no look-alike as close as the other one or closer
    bears the side's own text, and at least one (the other one left out) bears the other's.

    statements: what each entry's text says, equal where it says the same. identity: of each pair, in [0, 1].

    Examples
    --------
    A is 90 % identical to B, and 95 % to C, which says what B says:

    >>> left, right = np.array([0, 0, 1]), np.array([1, 2, 2])
    >>> judge_neighbours(["a", "b", "b"], left, right, identity=np.array([0.90, 0.95, 0.9])).reasons.tolist()
    ['neighbours:share-the-other-text', '', '']
    """
    numbers: dict[Hashable, int] = {}
    said = np.array([numbers.setdefault(statement, len(numbers)) for statement in statements], dtype=np.int32)
    sides = pl.DataFrame(
        {
            "entry": np.concatenate([left, right]).astype(np.int32),
            "own": said[np.concatenate([left, right])],
            "other": said[np.concatenate([right, left])],
            "identity": np.concatenate([identity, identity]),
        }
    )
    own = sides.filter(pl.col("own") == pl.col("other")).group_by("entry").agg(closest=pl.col("identity").max())
    closest = np.zeros(len(statements))
    closest[own["entry"].to_numpy()] = own["closest"].to_numpy()
    as_close = pl.col("identity").rank("max", descending=True).over("entry", "other")  # itself counted
    alone = sides.select(as_close > 1).to_series().to_numpy() & (
        closest[sides["entry"].to_numpy()] < sides["identity"].to_numpy()
    )
    alone &= (sides["own"] != sides["other"]).to_numpy()
    codes = (alone[: len(left)] | alone[len(left) :]).astype(np.int16)
    return Findings((SILENT, _ALONE), codes)
