"""Retrieval over the whole test pool, in every direction that the model has.

What belongs together is a table of records: a row holds the text, the sequence and the structure of one
protein, as positions in the pool. A direction is any ordered pair of these, so that a further kind of input
needs a column here and nothing else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import permutations

import numpy as np
from jaxtyping import Bool, Int

from protrek_hm.config import Modality
from protrek_hm.data.texts import one_spelling
from protrek_hm.evaluate.cases import Pool, numbered, other_texts
from protrek_hm.evaluate.config import EvaluateConfig
from protrek_hm.evaluate.measures import CaseSet, SetName
from protrek_hm.evaluate.ranking import Ranks, chance_of, rank_pool, ranking_values
from protrek_hm.evaluate.scores import Embeddings
from protrek_hm.evaluate.statistics import Estimate, mean_with_interval, paired_difference
from protrek_hm.homology.families import connected_components

METRICS = ("recall@1", "recall@5", "recall@10", "mrr", "map", "mean_rank", "auc")


@dataclass(frozen=True)
class Records:
    """Which text, sequence and structure belong to one protein.

    Attributes
    ----------
    items
        For each task the position in the pool of each record; -1 where it has none.
    looked_for
        For each task the positions in the pool of the items that are looked for.
    groups
        The independent group of each record.
    asks
        Whether its items are queries; the others are only there to be found.
    """

    items: Mapping[Modality, Int[np.ndarray, " records"]]
    looked_for: Mapping[Modality, Int[np.ndarray, " items"]]
    groups: Int[np.ndarray, " records"]
    asks: Bool[np.ndarray, " records"]


@dataclass(frozen=True)
class Retrieval:
    """Measures of one direction over its queries, their values by chance, and the ranks behind them."""

    query: Modality
    target: Modality
    estimates: Mapping[str, Estimate]
    chance: Mapping[str, float]
    ranks: Ranks
    groups: Int[np.ndarray, " queries"]

    @property
    def title(self) -> str:
        """Return the name of the direction in tables."""
        return f"{self.query} → {self.target}"


def make_records(sets: Mapping[SetName, CaseSet], pool: Pool) -> Records:
    """Collect which text belongs to which sequence from all test sets.

    Texts and proteins of the anchors are queries; twins whose own text is known can be found by it, too. A text in
    several spellings is one item, in the spelling that most records have. A record's group is its case's component
    where all tables have components; else what the pairs link.
    """
    texts, sequences, groups, asks = [], [], [], []
    for each in sets.values():
        known = np.array([text is not None for text in other_texts(each.frame)])
        twins = np.where(each.cases.other_text < 0, each.cases.text, each.cases.other_text)  # spellings of one text
        texts += [each.cases.text, twins[known]]
        sequences += [each.cases.positive, each.cases.negative[known]]
        groups += [each.groups.of_case, each.groups.of_case[known]]
        asks += [np.ones(len(known), dtype=bool), np.zeros(int(known.sum()), dtype=bool)]
    items: dict[Modality, Int[np.ndarray, " records"]] = {
        "text": _one_spelling(np.concatenate(texts), pool),
        "sequence": np.concatenate(sequences),
    }
    if pool.structures:
        items["structure"] = np.concatenate(_structures(sets, pool))
    of_record = np.concatenate(groups)
    if any(each.groups.basis != "components" for each in sets.values()):
        twins = np.stack([sets["hard"].cases.positive, sets["hard"].cases.negative], axis=1)
        own = np.stack([items["sequence"], len(pool.sequences) + items["text"]], axis=1)
        labels = connected_components(len(pool.sequences) + len(pool.texts), np.concatenate([twins, own]))
        of_record = numbered(labels[items["sequence"]], [pool.sequences[each] for each in items["sequence"].tolist()])
    looked_for = {task: np.arange(len(pool.of(task))) for task in items}
    looked_for["text"] = np.unique(items["text"])
    return Records(items, looked_for, of_record, np.concatenate(asks))


def _one_spelling(texts: Int[np.ndarray, " records"], pool: Pool) -> Int[np.ndarray, " records"]:
    spelling = one_spelling(pool.texts[text] for text in texts.tolist())
    place = {text: number for number, text in enumerate(pool.texts)}
    return np.array([place[spelling[pool.texts[text]]] for text in texts.tolist()], dtype=np.int64)


def _structures(sets: Mapping[SetName, CaseSet], pool: Pool) -> list[Int[np.ndarray, " records"]]:
    """Return where the structures of the anchors, and of the twins with known texts, stand in the pool."""
    places = {structure: place for place, structure in enumerate(pool.structures)}
    found = []
    for each in sets.values():
        known = np.array([text is not None for text in other_texts(each.frame)])
        for column, rows in (("anchor_structure", np.full(len(known), fill_value=True)), ("hard_neg_structure", known)):
            cells = each.frame[column].to_list()
            found.append(np.array([places.get(cells[row], -1) for row in np.flatnonzero(rows)], dtype=np.int64))
    return found


def retrieve(records: Records, embeddings: Embeddings, config: EvaluateConfig) -> dict[str, Retrieval]:
    """Rank the whole pool in each direction; the key is such as "text_to_sequence".

    Examples
    --------
    >>> zero = np.array([0, 1])
    >>> items = {"text": zero, "sequence": zero}
    >>> records = Records(items, looked_for=items, groups=zero, asks=np.array([True, True]))
    >>> found = retrieve(records, Embeddings(texts=np.eye(2), sequences=np.eye(2)), EvaluateConfig())
    >>> {key: each.estimates["mrr"].value for key, each in found.items()}
    {'text_to_sequence': 1.0, 'sequence_to_text': 1.0}
    """
    vectors = embeddings.by_task()
    directions = permutations([task for task in records.items if task in vectors], 2)
    return {
        f"{query}_to_{target}": _one_way(records, embeddings, query, target, config) for query, target in directions
    }


def retrieval_differences(
    before: Mapping[str, Retrieval], after: Mapping[str, Retrieval], config: EvaluateConfig
) -> dict[str, dict[str, Estimate]]:
    """Return `after - before` of each measure on the same queries, by direction both have."""
    found: dict[str, dict[str, Estimate]] = {}
    for key in before.keys() & after.keys():
        first, second = (ranking_values(each[key].ranks) for each in (before, after))
        differences = {
            name: paired_difference(
                first[name], second[name], after[key].groups, seed=config.seed, resamples=config.resamples
            )
            for name in METRICS
        }
        found[key] = {name: each for name, each in differences.items() if each is not None}
    return {key: found[key] for key in after if key in found}


def _one_way(
    records: Records, embeddings: Embeddings, query: Modality, target: Modality, config: EvaluateConfig
) -> Retrieval:
    vectors = embeddings.by_task()
    looked_for = records.looked_for[target]
    place = np.full(len(vectors[target]) + 1, -1)  # the last for records without one
    place[looked_for] = np.arange(len(looked_for))
    asked, wanted = records.items[query], place[records.items[target]]
    linked = (asked >= 0) & (wanted >= 0)
    queries, first_row = np.unique(np.where(linked & records.asks, asked, -1), return_index=True)
    queries, first_row = queries[queries >= 0], first_row[queries >= 0]
    number = np.full(len(vectors[query]), -1)
    number[queries] = np.arange(len(queries))
    pairs = np.unique(np.stack([number[asked[linked]], wanted[linked]], axis=1), axis=0)
    pairs = pairs[pairs[:, 0] >= 0]
    ranks = rank_pool(vectors[query][queries], vectors[target][looked_for], pairs)
    groups = records.groups[first_row]
    values, tied = ranking_values(ranks), int(np.count_nonzero(ranks.tied))
    estimates = {}
    for name in METRICS:
        bounds = (1.0, float(ranks.pool)) if name == "mean_rank" else (0.0, 1.0)
        each = mean_with_interval(values[name], groups, seed=config.seed, bounds=bounds, resamples=config.resamples)
        if each is not None:
            estimates[name] = replace(each, ties=tied)
    return Retrieval(query, target, estimates, chance_of(ranks, pairs), ranks, groups)
