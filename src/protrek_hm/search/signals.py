"""What answers a question in words: three signals, and the order that they make together.

- *model*: the cosine of question and protein, as the model sees both;
- *meaning*: the cosine of the question with the text of the protein's record;
- *words*: how much of the question's words that record holds (BM25), as a share of the most that any record could.

Each signal proposes its best records; of all these every signal is computed exactly. Cosines are counted in standard
deviations above the mean of the index's background sample, so that they can be added. A record without a text stands
where an average text would have put it: the model alone decides, and nothing is taken off. The weights were chosen on
the validation part of `benchmarks/questions/`.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import numpy as np
from jaxtyping import Bool, Float, Int

from protrek_hm.config import Modality
from protrek_hm.cosines import cosines_of_pairs
from protrek_hm.index.store import Index
from protrek_hm.index.words import Matches

Signal = Literal["model", "words", "meaning"]
SIGNALS: tuple[Signal, ...] = get_args(Signal)
WEIGHTS: Mapping[Signal, float] = {"model": 0.3, "words": 4.0, "meaning": 1.0}
"""Of a standard deviation of model and meaning; of words: of all words of the question."""

POOL = 200
"""Records that each signal proposes, at least."""


@dataclass(frozen=True)
class Matched:
    """What a hit has in common with a question.

    Attributes
    ----------
    words
        The question's words that its record holds.
    meaning
        Cosine of the question and its text, in [-1, 1]; None without a text.
    """

    words: tuple[str, ...] = ()
    meaning: float | None = None


class Ranked(NamedTuple):
    """The best records of one question, best first: rows, the model's cosines, and what each has in common with it.

    exact: whether every vector was compared; else an engine proposed those that were.
    """

    rows: Int[np.ndarray, " some"]
    cosines: Float[np.ndarray, " some"]
    matched: list[Matched]
    exact: bool


@dataclass(frozen=True)
class Background:
    """Cosines of one question with a sample of the index: their mean and standard deviation."""

    mean: float
    deviation: float

    @classmethod
    def of(cls, cosines: Float[np.ndarray, " sample"]) -> "Background":
        """Describe a sample."""
        return cls(float(cosines.mean(dtype=np.float64)), max(float(cosines.std(dtype=np.float64)), 1e-6))

    def deviations(self, cosines: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        """Count cosines in standard deviations above the mean; NaN, a missing one, is none."""
        return np.nan_to_num((cosines - self.mean) / self.deviation)


def usable_signals(index: Index, wanted: Collection[Signal]) -> tuple[Signal, ...]:
    """Say which of the wanted signals an index can give."""
    held = {"model": True, "words": index.words is not None, "meaning": "text" in index.embeddings}
    return tuple(signal for signal in SIGNALS if signal in wanted and held[signal])


def rank_by_signals(
    index: Index,
    question: Float[np.ndarray, " dim"],
    words: Mapping[str, Matches],
    *,
    target_type: Modality,
    k: int,
    backgrounds: Mapping[Signal, Background],
    allowed: Bool[np.ndarray, " rows"] | None = None,
) -> Ranked:
    """Rank the records of an index by several signals.

    Parameters
    ----------
    question
        Its unit vector.
    words
        Its words with the records that hold them, as `Words.find` gives; empty: they are no signal.
    backgrounds
        Of the signals to be used: "model", and "meaning" where texts are to be compared.
    allowed
        Which records may answer; None: all.

    Returns
    -------
    At most `k` proteins; each protein once, by its best record.
    """
    pool = min(max(k, POOL), index.info.counts["records"])
    vector, exact = question[None], True
    share = _share(words, rows=index.info.counts["records"])
    if allowed is not None:
        share[~allowed] = 0.0
    proposed = [np.flatnonzero(share)]
    if len(proposed[0]) > pool:
        proposed = [np.sort(np.lexsort((np.arange(len(share)), -share))[:pool])]
    for signal in backgrounds:
        kind: Modality = target_type if signal == "model" else "text"
        near = index.neighbours(vector, want=kind, k=pool, where=allowed)
        exact &= bool(near.exact[0])
        proposed.append(_alike(index, kind, near.found[0][near.found[0] >= 0], allowed))
    rows = np.unique(np.concatenate(proposed))
    rows = rows[index.embeddings[target_type].of_row[rows] >= 0]
    cosines = _cosines(index, target_type, vector, rows)
    meaning = _cosines(index, "text", vector, rows) if "meaning" in backgrounds else np.full(len(rows), np.nan)
    score = WEIGHTS["words"] * share[rows]
    for signal, values in (("model", cosines), ("meaning", meaning)):
        if signal in backgrounds:
            score += WEIGHTS[signal] * backgrounds[signal].deviations(values)
    order = np.lexsort((rows, -score))
    order = order[index.records["id"].gather(rows[order]).is_first_distinct().to_numpy()][:k]
    held = [[word for word, each in words.items() if row in each] for row in rows[order].tolist()]
    matched = [
        Matched(tuple(of_row), None if np.isnan(cosine) else float(cosine))
        for of_row, cosine in zip(held, meaning[order].tolist(), strict=True)
    ]
    return Ranked(rows[order], cosines[order], matched, exact)


def _share(words: Mapping[str, Matches], *, rows: int) -> Float[np.ndarray, " rows"]:
    """Add up what words say of each record, as a share of the most that they could; unknown words count as rare."""
    share = np.zeros(rows)
    most = 0.0
    rarest = np.log(rows + 1)
    for each in words.values():
        share[each.rows] += each.scores
        most += each.scores.max(initial=0.0) if len(each.rows) else rarest
    return share / most if most else share


def _alike(
    index: Index, kind: Modality, rows: Int[np.ndarray, " some"], allowed: Bool[np.ndarray, " rows"] | None
) -> Int[np.ndarray, " more"]:
    """Add the other records of the same vectors: a text that several proteins share was one answer."""
    held = index.embeddings[kind]
    every = [held.rows_of(vector) for vector in held.of_row[rows].tolist()]
    found = np.concatenate([rows[:0], *every])
    return found if allowed is None else found[allowed[found]]


def _cosines(
    index: Index, kind: Modality, vector: Float[np.ndarray, "one dim"], rows: Int[np.ndarray, " n"]
) -> Float[np.ndarray, " n"]:
    held = index.embeddings[kind]
    numbers = held.of_row[rows]
    known = np.flatnonzero(numbers >= 0)
    cosines = np.full(len(rows), np.nan)
    cosines[known] = cosines_of_pairs(vector, held.vectors, np.zeros(len(known), dtype=np.int64), numbers[known])
    return cosines
