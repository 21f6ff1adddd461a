"""Rows to sides: triplets by their proteins' sides, easy and medium pairs drawn within each side."""

from typing import Literal

import numpy as np
import polars as pl
from jaxtyping import Int

from protrek_hm.mine.config import MineConfig
from protrek_hm.mine.corpus import Corpus
from protrek_hm.mine.easy import draw_easy_pairs
from protrek_hm.mine.gate import Gate
from protrek_hm.mine.medium import draw_medium_pairs
from protrek_hm.mine.split import SIDES, Assignment, deal_proteins, wanted_shares
from protrek_hm.mine.triplets import build_triplets

_DRAWS = {"easy": draw_easy_pairs, "medium": draw_medium_pairs}


def share_out(triplets: pl.DataFrame, assignment: Assignment, config: MineConfig) -> pl.DataFrame:
    """Add `component` and `split`; a pair whose proteins stand on two sides has no split."""
    anchor, negative = triplets["anchor"].to_numpy(), triplets["negative"].to_numpy()
    if config.split == "pairs":
        _, pair = np.unique(triplets["pair"].to_numpy(), return_inverse=True)
        free = np.full(int(pair.max(initial=-1)) + 1, -1)
        sides = deal_proteins(len(free), config, given=free)[pair]
    else:
        sides = np.where(assignment.sides[anchor] == assignment.sides[negative], assignment.sides[anchor], len(SIDES))
    names = np.array([*SIDES, ""])[sides]
    return triplets.with_columns(
        component=pl.Series(assignment.components[anchor], dtype=pl.Int64),
        split=pl.Series(names.tolist(), dtype=pl.String).replace("", None),
    )


def draw_contrast(
    kind: Literal["easy", "medium"],
    corpus: Corpus,
    triplets: pl.DataFrame,
    assignment: Assignment,
    *,
    families: Int[np.ndarray, " proteins"],
    gate: Gate,
) -> pl.DataFrame:
    """Draw easy or medium pairs for each side, in the shares of the sides, between proteins of that side only."""
    config = gate.config
    wanted = getattr(config, kind)
    drawn = []
    for side, (name, share) in enumerate(zip(SIDES, wanted_shares(config), strict=True)):
        anchors = triplets.filter(split=name)["anchor"].unique().sort().to_numpy()
        pool = anchors if config.split == "pairs" else np.flatnonzero(assignment.sides == side)
        count = round(wanted * share / 2)
        pairs = _DRAWS[kind](corpus, anchors, pool, families=families, count=count, gate=gate)
        rows = build_triplets(corpus, pairs, kind=kind)
        component = pl.Series(assignment.components[rows["anchor"].to_numpy().astype(np.int64)], dtype=pl.Int64)
        drawn.append(rows.with_columns(component=component, split=pl.lit(name)))
    return pl.concat(drawn)
