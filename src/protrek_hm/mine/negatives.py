"""Easy and medium negatives, the contrast to twins, drawn within each split.

Easy pairs are neither homologous nor alike in text, and checked. Medium ones are nearer, but not as near as twins:
relatives, proteins of one fold, or texts alike in part.
"""

from collections.abc import Iterator
from typing import Literal

import numpy as np
import polars as pl
from jaxtyping import Int
from scipy.sparse import csr_matrix

from protrek_hm.homology.identity import fractions, matches_and_columns
from protrek_hm.mine.corpus import Corpus
from protrek_hm.mine.gate import Gate
from protrek_hm.mine.split import NEAR_IDENTICAL, SPLITS, Assignment, wanted_shares
from protrek_hm.mine.triplets import build_triplets

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


def draw_contrast(
    kind: Literal["easy", "medium"],
    corpus: Corpus,
    triplets: pl.DataFrame,
    assignment: Assignment,
    *,
    families: Int[np.ndarray, " proteins"],
    gate: Gate,
) -> pl.DataFrame:
    """Draw easy or medium pairs for each split, in the wanted shares, between proteins of that split only."""
    config = gate.config
    wanted = getattr(config, kind)
    draw = draw_easy_pairs if kind == "easy" else draw_medium_pairs
    drawn = []
    for split, (name, share) in enumerate(zip(SPLITS, wanted_shares(config), strict=True)):
        anchors = triplets.filter(split=name)["anchor"].unique().sort().to_numpy()
        pool = anchors if config.split == "pairs" else np.flatnonzero(assignment.splits == split)
        count = round(wanted * share / 2)
        pairs = draw(corpus, anchors, pool, families=families, count=count, gate=gate)
        rows = build_triplets(corpus, pairs, kind=kind)
        component = pl.Series(assignment.components[rows["anchor"].to_numpy().astype(np.int64)], dtype=pl.Int64)
        drawn.append(rows.with_columns(component=component, split=pl.lit(name)))
    return pl.concat(drawn)


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
        As `gate.judge_pairs`: pair, left, right, identity, coverage, text_similarity, reasons.
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
    rows: list[tuple[object, ...]] = []
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
            ends = int(first[one]), int(first[other])
            rows.append((len(rows), *ends, identity, coverage, found["text_similarity"], found["reasons"]))
    return pl.DataFrame(rows, schema=PAIR_SCHEMA, orient="row")


LEAST_TEXT_SIMILARITY = 0.3
"""TF-IDF cosine from which on two texts are neighbours; up to `split.NEAR_IDENTICAL`."""
_OVERSAMPLING = 20  # candidates for each wanted pair
_NEIGHBOURS = 4  # candidates of an anchor by its text
_ANCHORS_AT_ONCE = 50

Proteins = Int[np.ndarray, " _"]


def draw_medium_pairs(
    corpus: Corpus,
    anchors: Int[np.ndarray, " anchors"],
    pool: Int[np.ndarray, " pool"],
    *,
    families: Int[np.ndarray, " proteins"],
    count: int,
    gate: Gate,
) -> pl.DataFrame:
    """Draw `count` pairs of a protein of `anchors` and one of `pool` that the gate calls different.

    As many as possible from each source: `relative`, of one family and with an identity from
    `config.split_identity` to below `config.min_identity`; `fold`, with one structure string and an identity
    below `config.min_identity`; `text`, of two families, with texts whose cosine lies in [0.3, 0.95) and an
    identity below `config.min_identity`. Where one source lacks pairs, the later ones fill up.

    gate: over `corpus.entries`. families: at `config.split_identity`.

    Returns
    -------
    pl.DataFrame
        As `draw_easy_pairs`; `reasons` begins with `medium:relative`, `medium:fold` or `medium:text`.
    """
    generator = np.random.default_rng([gate.config.seed, len(anchors), len(pool), 1])
    drawn = [pl.DataFrame(schema=PAIR_SCHEMA)]
    if not (count and len(anchors) and len(pool)):
        return drawn[0]
    seen: set[tuple[int, int]] = set()
    candidates = _candidates(corpus, gate, anchors, pool, families=families, count=count, generator=generator)
    sources = list(candidates)
    for place, (source, a, b) in enumerate(sources):
        first = corpus.first_entries()
        judged = gate.judge(first[a], first[b])
        different = (judged["verdict"] == "different").to_numpy()
        least = gate.config.split_identity if source == "relative" else 0.0
        pairs = take_pairs(
            corpus,
            np.stack([a, b], axis=1)[different],
            judged.filter(different),
            count=(count - sum(part.height for part in drawn)) // (len(sources) - place),
            bounds=(least, gate.config.min_identity),
            seen=seen,
        )
        drawn.append(pairs.with_columns(reasons=pl.format("medium:{};{}", pl.lit(source), "reasons")))
    return pl.concat(drawn).with_columns(pair=pl.int_range(pl.len()))


def _candidates(
    corpus: Corpus,
    gate: Gate,
    anchors: Proteins,
    pool: Proteins,
    *,
    families: Proteins,
    count: int,
    generator: np.random.Generator,
) -> Iterator[tuple[str, Proteins, Proteins]]:
    """Yield each source's name, and proteins that could be a pair, some for each wanted one."""
    yield "relative", *_mates(families, anchors, pool, count=count, generator=generator)
    if "structure" in corpus.entries.columns:
        structures = corpus.entries["structure"][corpus.first_entries()]
        numbers = structures.rank("dense").fill_null(0).to_numpy().astype(np.int64) - 1
        known = numbers >= 0
        yield "fold", *_mates(numbers, anchors[known[anchors]], pool[known[pool]], count=count, generator=generator)
    a, b = _text_neighbours(gate.vectors[corpus.first_entries()], anchors, pool, count=count, generator=generator)
    apart = families[a] != families[b]
    yield "text", a[apart], b[apart]


def _mates(
    groups: Proteins, anchors: Proteins, pool: Proteins, *, count: int, generator: np.random.Generator
) -> tuple[Proteins, Proteins]:
    """Draw anchors, and for each another protein of its group."""
    if not len(anchors):
        return anchors, anchors
    a = generator.choice(anchors, count * _OVERSAMPLING)
    members = pool[np.argsort(groups[pool], kind="stable")]
    low, high = (np.searchsorted(groups[members], groups[a], side=side) for side in ("left", "right"))
    some = high > low
    a, low, high = a[some], low[some], high[some]
    b = members[generator.integers(low, high)]
    return a[a != b], b[a != b]


def _text_neighbours(
    vectors: csr_matrix, anchors: Proteins, pool: Proteins, *, count: int, generator: np.random.Generator
) -> tuple[Proteins, Proteins]:
    """Draw anchors, and for each up to `_NEIGHBOURS` proteins with texts alike in part."""
    chosen = generator.permutation(anchors)[: count * _OVERSAMPLING // _NEIGHBOURS]
    a, b = [chosen[:0]], [chosen[:0]]
    for start in range(0, len(chosen), _ANCHORS_AT_ONCE):
        some = chosen[start : start + _ANCHORS_AT_ONCE]
        cosines = (vectors[some] @ vectors[pool].T).tocoo()
        inside = (cosines.data >= LEAST_TEXT_SIMILARITY) & (cosines.data < NEAR_IDENTICAL)
        row, column = cosines.row[inside], cosines.col[inside]
        order = np.lexsort((generator.random(len(row)), row))
        place = np.arange(len(order)) - np.searchsorted(row[order], row[order])
        few = order[place < _NEIGHBOURS]
        a.append(some[row[few]])
        b.append(pool[column[few]])
    return np.concatenate(a), np.concatenate(b)
