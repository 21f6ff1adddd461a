"""Easy negatives: pairs that are neither homologous nor alike in text, checked, as the contrast to twins."""

import numpy as np
import polars as pl
from jaxtyping import Int

from protrek_hm.homology.identity import fractions, matches_and_columns
from protrek_hm.mine.corpus import Corpus
from protrek_hm.mine.gate import Gate

MOST_IDENTITY = 0.4
"""Exact global identity from which on two proteins could be related (random ones lie near 0.15 to 0.25)."""
MOST_TEXT_SIMILARITY = 0.3
"""TF-IDF cosine above which two texts are not plainly different."""
PAIR_SCHEMA: dict[str, type[pl.DataType]] = {
    "pair": pl.Int64,
    "left": pl.Int64,
    "right": pl.Int64,
    "identity": pl.Float64,
    "coverage": pl.Float64,
    "text_similarity": pl.Float64,
    "reasons": pl.String,
}
_OVERSAMPLING = 20  # candidates for each wanted pair


def draw_easy_pairs(
    corpus: Corpus,
    anchors: Int[np.ndarray, " anchors"],
    pool: Int[np.ndarray, " pool"],
    *,
    families: Int[np.ndarray, " proteins"],
    count: int,
    gate: Gate,
) -> pl.DataFrame:
    """Draw `count` pairs of a protein of `anchors` and one of `pool`; fewer if there are not so many.

    families: homology component of each protein; no pair lies within one. gate: over `corpus.entries`.

    Returns
    -------
    pl.DataFrame
        As `twins.judge_pairs`: pair, left, right, identity, coverage, text_similarity, reasons.
    """
    generator = np.random.default_rng([gate.config.seed, len(anchors), len(pool)])
    candidates = _OVERSAMPLING * count + 100 if len(anchors) and len(pool) and count else 0
    a, b = (generator.choice(side, candidates) if candidates else side[:0] for side in (anchors, pool))
    apart = families[a] != families[b]
    a, b = a[apart], b[apart]
    first = corpus.first_entries()
    judged = gate.judge(first[a], first[b])
    unlike = ((judged["verdict"] != "same") & (judged["text_similarity"] <= MOST_TEXT_SIMILARITY)).to_numpy()
    pairs = np.stack([a, b], axis=1)[unlike]
    drawn = take_pairs(corpus, pairs, judged.filter(unlike), count=count, bounds=(0.0, MOST_IDENTITY), seen=set())
    return drawn.with_columns(reasons=pl.lit("easy:unrelated"))


def take_pairs(
    corpus: Corpus,
    pairs: Int[np.ndarray, "pairs 2"],
    judged: pl.DataFrame,
    *,
    count: int,
    bounds: tuple[float, float],
    seen: set[tuple[int, int]],
) -> pl.DataFrame:
    """Take the first `count` pairs of proteins whose exact identity lies in [bounds[0], bounds[1]).

    judged: from `gate.judge`, a row a pair. seen: pairs that are taken already; those taken now are added.
    """
    first = corpus.first_entries()
    rows: list[dict[str, object]] = []
    for (one, other), found in zip(pairs.tolist(), judged.iter_rows(named=True), strict=True):
        if len(rows) >= count:
            break
        key = (min(one, other), max(one, other))
        if key in seen:
            continue
        a, b = (corpus.sequences[protein] for protein in key)
        matches, columns = matches_and_columns(a, b)
        identity, coverage = fractions(matches, columns, both=len(a) + len(b), longer=max(len(a), len(b)))
        if bounds[0] <= identity < bounds[1]:
            seen.add(key)
            rows.append(
                {
                    "pair": len(rows),
                    "left": int(first[one]),
                    "right": int(first[other]),
                    "identity": identity,
                    "coverage": coverage,
                    "text_similarity": found["text_similarity"],
                    "reasons": found["reasons"],
                }
            )
    return pl.DataFrame(rows, schema=PAIR_SCHEMA)
