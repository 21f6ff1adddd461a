"""Medium negatives: nearer than easy ones, not as near as twins. Relatives, one fold, or texts alike in part."""

from collections.abc import Iterator

import numpy as np
import polars as pl
from jaxtyping import Int
from scipy.sparse import csr_matrix

from protrek_hm.mine.corpus import Corpus
from protrek_hm.mine.easy import PAIR_SCHEMA, take_pairs
from protrek_hm.mine.gate import Gate
from protrek_hm.mine.links import NEAR_IDENTICAL

LEAST_TEXT_SIMILARITY = 0.3
"""TF-IDF cosine from which on two texts are neighbours; up to `links.NEAR_IDENTICAL`."""
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
        As `easy.draw_easy_pairs`; `reasons` begins with `medium:relative`, `medium:fold` or `medium:text`.
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
