"""Easy negatives: pairs that are neither homologous nor alike in text, checked, as the contrast to twins."""

import numpy as np
import polars as pl
from jaxtyping import Int

from protrek_hm.homology import align
from protrek_hm.homology.identity import identity
from protrek_hm.mine.config import MineConfig
from protrek_hm.mine.corpus import Corpus
from protrek_hm.mine.gate import judge

MOST_IDENTITY = 0.4
"""Exact global identity from which on two proteins could be related (random ones lie near 0.15 to 0.25)."""
MOST_TEXT_SIMILARITY = 0.3
"""TF-IDF cosine above which two texts are not plainly different."""
_OVERSAMPLING = 20  # candidates for each wanted pair


def draw_easy_pairs(
    corpus: Corpus,
    anchors: Int[np.ndarray, " anchors"],
    pool: Int[np.ndarray, " pool"],
    *,
    families: Int[np.ndarray, " proteins"],
    count: int,
    config: MineConfig,
) -> pl.DataFrame:
    """Draw `count` pairs of a protein of `anchors` and one of `pool`; fewer if there are not so many.

    families: homology component of each protein; no pair lies within one.

    Returns
    -------
    pl.DataFrame
        As `twins.judge_pairs`: pair, left, right, identity, coverage, text_similarity, reasons.
    """
    generator = np.random.default_rng([config.seed, len(anchors), len(pool)])
    candidates = _OVERSAMPLING * count + 100 if len(anchors) and len(pool) and count else 0
    a, b = (generator.choice(side, candidates) if candidates else side[:0] for side in (anchors, pool))
    apart = families[a] != families[b]
    a, b = a[apart], b[apart]
    first = corpus.first_entries()
    judged = judge(corpus.entries, first[a], first[b], config)
    rows: dict[tuple[int, int], dict[str, object]] = {}
    for one, other, found in zip(a.tolist(), b.tolist(), judged.iter_rows(named=True), strict=True):
        key = (min(one, other), max(one, other))
        alike = found["verdict"] == "same" or found["text_similarity"] > MOST_TEXT_SIMILARITY
        if len(rows) >= count or key in rows or alike:
            continue
        pair = [corpus.sequences[protein] for protein in key]
        if (exact := identity(*pair)) < MOST_IDENTITY:
            rows[key] = {
                "pair": len(rows),
                "left": int(first[one]),
                "right": int(first[other]),
                "identity": exact,
                "coverage": align(*pair).coverage,
                "text_similarity": found["text_similarity"],
                "reasons": "easy:unrelated",
            }
    schema: dict[str, type[pl.DataType]] = {
        "pair": pl.Int64,
        "left": pl.Int64,
        "right": pl.Int64,
        "identity": pl.Float64,
    }
    schema |= {"coverage": pl.Float64, "text_similarity": pl.Float64, "reasons": pl.String}
    return pl.DataFrame(list(rows.values()), schema=schema)
