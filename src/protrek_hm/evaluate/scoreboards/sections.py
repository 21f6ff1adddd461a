"""Retrieval as ProTrek reports it: MAP, MRR and AUC in each section and direction, and their means over sections."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int
from rich.table import Table

from protrek_hm.data.texts import one_spelling
from protrek_hm.errors import NothingFoundError
from protrek_hm.evaluate.ranking import rank_pool, ranking_values
from protrek_hm.evaluate.scoreboards.files import TOTAL, SectionedTexts
from protrek_hm.evaluate.statistics import Estimate, mean_with_interval
from protrek_hm.evaluate.table import new_table, short_percent
from protrek_hm.model.encoder import Encoder, unit_vectors

METRICS = ("map", "mrr", "auc")


@dataclass(frozen=True)
class SectionResult:
    """One section in one direction: "map", "mrr" and "auc" over its queries, and the pool's size.

    The mean over sections stands under the section "all"; it has no interval, as ProTrek gives each section
    the same weight whatever its queries.
    """

    section: str
    direction: str
    estimates: Mapping[str, Estimate]
    pool: int


def retrieve_sections(
    model: Encoder, data: SectionedTexts, *, batch_size: int = 32, seed: int = 42, show_progress: bool = False
) -> tuple[SectionResult, ...]:
    """Rank every text of a section for each protein, and every protein for each text; spellings of a text are one.

    Source: `retrieval_eval` of ProTrek (Su et al. 2025); its AUC is taken as 0 where all items are right, ours
    leaves such queries out. Intervals by bootstrap over queries.

    Raises
    ------
    NothingFoundError
        If no section has a text.
    ModelError
        If the model gives a vector without direction.
    """
    if not data.pairs:
        raise NothingFoundError("no section has a text: nothing to look for")
    sections = {section: _one_each(data.texts[section], pairs) for section, pairs in data.pairs.items()}
    every = tuple(dict.fromkeys(text for texts, _ in sections.values() for text in texts))
    place = {text: number for number, text in enumerate(every)}
    proteins = unit_vectors(model, data.sequences, task="sequence", batch_size=batch_size, progress=show_progress)
    texts = unit_vectors(model, every, task="text", batch_size=batch_size, progress=show_progress)
    asks = np.isin(np.arange(len(data.sequences)), list(data.asks))
    results = []
    for direction in ("sequence → text", "text → sequence"):
        for section, (distinct, pairs) in sections.items():
            own = texts[[place[text] for text in distinct]]
            known = pairs[asks[pairs[:, 0]]]
            if not len(known):
                continue
            if direction == "sequence → text":
                estimates = _rank(proteins, own, known, seed=seed)
                pool = len(own)
            else:
                estimates = _rank(own, proteins, known[:, ::-1], seed=seed)
                pool = len(proteins)
            results.append(SectionResult(section, direction, estimates, pool))
        results += _mean_over_sections([each for each in results if each.direction == direction], direction)
    return tuple(results)


def sections_table(results: Sequence[SectionResult]) -> Table:
    """Return a row for each direction and section."""
    caption = "In % [95 % interval over queries]; n queries over a pool."
    table = new_table(caption, ("", "n", "pool", *(name.upper() for name in METRICS)), tight=True)
    for each in results:
        cells = [
            short_percent(each.estimates[name], between="\n") if name in each.estimates else "–" for name in METRICS
        ]
        name = f"{each.section}\n{each.direction}"
        table.add_row(name, f"{each.estimates['map'].n}", f"{each.pool}", *cells)
    return table


def sections_content(results: Sequence[SectionResult]) -> dict[str, Any]:
    """Return everything as JSON values."""
    rows = [
        {
            "direction": each.direction,
            "section": each.section,
            "pool": each.pool,
            "measures": {name: estimate.as_dict() for name, estimate in each.estimates.items()},
        }
        for each in results
    ]
    return {"format_version": 1, "results": rows}


def _one_each(
    texts: Sequence[str], pairs: Int[np.ndarray, "pairs 2"]
) -> tuple[tuple[str, ...], Int[np.ndarray, "pairs 2"]]:
    """Give a text one number, in whatever spelling it comes."""
    spelling = one_spelling([*texts, *(texts[number] for number in pairs[:, 1].tolist())])
    place = {text: number for number, text in enumerate(dict.fromkeys(spelling[text] for text in texts))}
    number = np.array([place[spelling[text]] for text in texts])
    return tuple(place), np.unique(np.stack([pairs[:, 0], number[pairs[:, 1]]], axis=1), axis=0)


def _rank(asking: np.ndarray, pool: np.ndarray, pairs: Int[np.ndarray, "pairs 2"], *, seed: int) -> dict[str, Estimate]:
    queries, number = np.unique(pairs[:, 0], return_inverse=True)
    ranks = rank_pool(asking[queries], pool, np.stack([number.ravel(), pairs[:, 1]], axis=1))
    values = ranking_values(ranks)
    estimates = {name: mean_with_interval(values[name], np.arange(len(queries)), seed=seed) for name in METRICS}
    return {name: each for name, each in estimates.items() if each is not None}


def _mean_over_sections(results: list[SectionResult], direction: str) -> list[SectionResult]:
    single = [each for each in results if each.section != TOTAL]
    if len(single) < 2:
        return []
    estimates = {}
    for name in METRICS:
        known = [each.estimates[name] for each in single if name in each.estimates]
        if known:
            value = float(np.mean([each.value for each in known]))
            estimates[name] = Estimate(value, None, None, sum(each.n for each in known), len(known))
    return [SectionResult("all", direction, estimates, max(each.pool for each in single))]
