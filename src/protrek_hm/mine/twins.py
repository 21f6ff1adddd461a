"""From look-alikes to twins: the gate over every combination of the two proteins' texts."""

import numpy as np
import polars as pl

from protrek_hm.mine.corpus import Corpus, expand_pairs
from protrek_hm.mine.gate import Gate


def judge_pairs(corpus: Corpus, homologs: pl.DataFrame, gate: Gate) -> pl.DataFrame:
    """Judge each homologous pair of proteins.

    homologs: columns a, b (numbers of proteins), identity, coverage: all pairs in the range. gate: over
    `corpus.entries`.

    Returns
    -------
    pl.DataFrame
        A row for each combination of texts, with columns `pair` (row of `homologs`), a, b, left, right (rows
        of `corpus.entries`), identity, coverage, text_similarity, reasons, and `verdict` of the *pair*:
        *same* if any of its combinations is, *different* only if all of them are, else *unsure*.
    """
    a, b = (homologs[name].to_numpy().astype(np.int64) for name in ("a", "b"))
    pair, left, right = expand_pairs(corpus, a, b)
    identity = homologs["identity"].to_numpy()[pair]
    judged = gate.judge(left, right, identity=identity)
    wide = homologs[pair].with_columns(pair=pl.Series(pair), left=pl.Series(left), right=pl.Series(right))
    verdict = pl.col("verdict")
    of_pair = (
        pl.when((verdict == "same").any().over("pair"))
        .then(pl.lit("same"))
        .when((verdict == "different").all().over("pair"))
        .then(pl.lit("different"))
        .otherwise(pl.lit("unsure"))
    )
    return pl.concat([wide, judged], how="horizontal").with_columns(verdict=of_pair)
