"""What answers a question in words: three signals, and the order that they make together.

- *model*: the cosine of question and protein, as the model sees both;
- *meaning*: the cosine of the question with the text of the protein's record, as a sentence encoder sees both;
- *words*: how much of the question's words that record holds (BM25), as a share of the most that any record could. What
  a text says first is what the protein is: words count more where a text opens with them, and less where it opens as a
  regulator, a subunit, a neighbour of something, unless the question asks for one. In a column of names they count
  most.

Each signal proposes its best records; of all these every signal is computed exactly. Cosines are counted in standard
deviations above the mean of the index's background sample, so that they can be added. A record without a text has the
model's deviations in place of its text's. What words and meaning say of the texts of its labelled relatives is added
(`index.relatives`), and never counts as its own: a hit names the relatives that said most. The weights were chosen on
the validation parts of `benchmarks/questions/` and `benchmarks/unseen.py`.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, NamedTuple, get_args

import numpy as np
import polars as pl
from jaxtyping import Bool, Float, Int

from protrek_hm.config import Modality
from protrek_hm.cosines import cosines_of_pairs
from protrek_hm.homology.identity import identity
from protrek_hm.index.nearest import nearest
from protrek_hm.index.segments import Embeddings
from protrek_hm.index.store import Index
from protrek_hm.index.vocabulary import fold
from protrek_hm.index.words import Matches

Signal = Literal["model", "words", "meaning"]
SIGNALS: tuple[Signal, ...] = get_args(Signal)
WEIGHTS: Mapping[Signal, float] = {"model": 0.2, "words": 12.0, "meaning": 1.0}
"""Of a standard deviation of model and meaning; of words: of all words of the question."""

OPENING = 1.0
"""Weight of the share of the question's terms that a text opens with, in standard deviations of meaning."""

NAMED = 4.0
"""Weight of the share of the question's terms that stand in the names of a record, in the same unit."""

RELATION = 1.0
"""What a text loses that opens by relating its protein to another one, in the same unit."""

RELATIVES = 0.5
"""Weight of what words and meaning say of the texts of a protein's relatives, beside what they say of a text itself."""

TOLD = 3
"""Relatives that a hit names, at most."""

POOL = 200
"""Records that each signal proposes, at least."""


_NAME = re.compile(r"(?i)(?:^|[_\s])(?:names?|genes?|product|title)(?:[_\s]|$)")
_OF_OTHERS = re.compile(r"(?i)organism|species|taxon|host|strain|file|sample|author|source")
_END = re.compile(r"[.;]")
_LOOKED_AT = 300  # characters of a text's first sentence
_MORE = 3  # words of an opening beyond as many as the question has terms
_RELATION = re.compile(
    r"\b(regulat\w+|repress\w+|inhibit\w+|leader|[a-z]+-associated|[a-z]+-binding|interact\w*|subunit|attenuator"
    r"|involved in control|pathway)\b"
)


@dataclass(frozen=True)
class Relative:
    """A labelled relative whose text speaks for a hit that has none.

    Attributes
    ----------
    id, text
        Its own.
    words, meaning
        What its record has in common with the question, as in `Matched`.
    sequences
        Those of the hit and of the relative.
    """

    id: str
    text: str
    words: tuple[str, ...]
    meaning: float | None
    sequences: tuple[str, str]

    @cached_property
    def identity(self) -> float:
        """Of the two sequences, in [0, 1]; see `homology.identity`."""
        return identity(*self.sequences)


@dataclass(frozen=True)
class Matched:
    """What a hit has in common with a question.

    Attributes
    ----------
    words
        The question's words that its record holds, as they are written there.
    meaning
        Cosine of the question and its text, in [-1, 1]; None without a text.
    total
        Of all signals, weighted: what it was ranked by.
    inferred
        The part of it that the texts of labelled relatives gave; 0 for a record that has a text.
    relatives
        Those that gave most of it, the first `TOLD` at most, best first.
    """

    words: tuple[str, ...] = ()
    meaning: float | None = None
    total: float = 0.0
    inferred: float = 0.0
    relatives: tuple[Relative, ...] = ()


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
        """Count cosines in standard deviations above the mean; NaN gives NaN."""
        return (cosines - self.mean) / self.deviation


@dataclass(frozen=True)
class Meaning(Background):
    """The same of texts, and the question as the sentence encoder sees it."""

    vector: Float[np.ndarray, " dim"]

    @classmethod
    def of_texts(cls, vector: Float[np.ndarray, " dim"], cosines: Float[np.ndarray, " sample"]) -> "Meaning":
        """Describe a question by its cosines with a sample of texts."""
        sample = Background.of(cosines)
        return cls(sample.mean, sample.deviation, vector)


@dataclass(frozen=True)
class Question:
    """A question, as each signal sees it.

    Attributes
    ----------
    vector, model
        Its unit vector of the model, and the model's background; None where the model is no signal.
    words
        Its words with the records that hold them, as `Words.find` gives; empty where they are no signal.
    meaning
        None where it is no signal.
    background
        Its vector's cosines with the index's background sample, in ascending order.
    by_relatives
        Whether the texts of labelled relatives speak for proteins that have none.
    reads_like_a_sequence
        Whether it may be a sequence that was typed as words.
    text
        Itself; empty where only its vectors are known.
    """

    vector: Float[np.ndarray, " dim"]
    model: Background | None = None
    words: Mapping[str, Matches] = field(default_factory=dict)
    meaning: Meaning | None = None
    background: Float[np.ndarray, " sample"] = field(default_factory=lambda: np.empty(0))
    reads_like_a_sequence: bool = False
    text: str = ""
    by_relatives: bool = False


def usable_signals(index: Index, wanted: Collection[Signal]) -> tuple[Signal, ...]:
    """Say which of the wanted signals an index can give."""
    held = {"model": True, "words": index.words is not None, "meaning": index.meaning is not None}
    return tuple(signal for signal in SIGNALS if signal in wanted and held[signal])


def rank_by_signals(
    index: Index,
    question: Question,
    *,
    target_type: Modality,
    k: int,
    allowed: Bool[np.ndarray, " rows"] | None = None,
) -> Ranked:
    """Rank the records of an index by several signals.

    Parameters
    ----------
    question
        What is known of it by each signal.
    allowed
        Which records may answer; None: all.

    Returns
    -------
    At most `k` proteins; each protein once, by its best record.
    """
    count = index.info.counts["records"]
    pool = min(max(k, POOL), count)
    share, exact = _share(question.words, rows=count), True
    proposed = [_most(share if allowed is None else np.where(allowed, share, 0.0), pool)]
    if question.model is not None:
        near = index.neighbours(question.vector[None], want=target_type, k=pool, where=allowed)
        exact = bool(near.exact[0])
        proposed.append(_alike(index.embeddings[target_type], near.found[0][near.found[0] >= 0], allowed))
    if question.meaning is not None and index.meaning is not None:
        proposed.append(_nearest_texts(index.meaning, question.meaning.vector, pool, allowed))
    if question.by_relatives and index.relatives is not None:
        proposed.append(_with_relatives(index, question, share, pool, allowed))
    rows = np.unique(np.concatenate(proposed))
    rows = rows[index.embeddings[target_type].of_row[rows] >= 0]
    cosines = _cosines(index.embeddings[target_type], question.vector, rows)
    score = _by_words(index, question.words, share, rows)
    meaning = np.full(len(rows), np.nan)
    by_model = np.zeros(len(rows)) if question.model is None else question.model.deviations(cosines)
    score += WEIGHTS["model"] * by_model
    if question.meaning is not None and index.meaning is not None:
        meaning = _cosines(index.meaning, question.meaning.vector, rows)
        score += WEIGHTS["meaning"] * np.where(np.isnan(meaning), by_model, question.meaning.deviations(meaning))
    inferred = _by_relatives(index, question, rows)
    score += inferred.sums
    order = np.lexsort((rows, -score))
    order = order[index.records["id"].gather(rows[order]).is_first_distinct().to_numpy()][:k]
    relatives = inferred.name(index, question, rows, order)
    matched = [
        Matched(_words_of(question, row), None if np.isnan(cosine) else cosine, total, part, told)
        for row, cosine, total, part, told in zip(
            *(each[order].tolist() for each in (rows, meaning, score, inferred.sums)), relatives, strict=True
        )
    ]
    return Ranked(rows[order], cosines[order], matched, exact)


def text_scores(index: Index, question: Question, rows: Int[np.ndarray, " n"]) -> Float[np.ndarray, " n"] | None:
    """Return what words and meaning alone say of records: their part of the sum that ranks them.

    NaN where meaning is a signal and a record has none; None where neither is a signal.
    """
    share = _share(question.words, rows=index.info.counts["records"])
    scores = _by_words(index, question.words, share, rows)
    if question.meaning is not None and index.meaning is not None:
        meaning = _cosines(index.meaning, question.meaning.vector, rows)
        scores = scores + WEIGHTS["meaning"] * question.meaning.deviations(meaning)
        return np.asarray(scores)
    return scores if question.words else None


def _with_relatives(
    index: Index,
    question: Question,
    share: Float[np.ndarray, " rows"],
    count: int,
    allowed: Bool[np.ndarray, " rows"] | None,
) -> Int[np.ndarray, " some"]:
    """Propose proteins by what words and meaning say of those of their relatives that they would propose themselves."""
    assert index.relatives is not None, "it is asked where there are relatives"
    known = np.zeros(len(share))
    best = _most(share, count)
    known[best] = WEIGHTS["words"] * share[best]
    if question.meaning is not None and index.meaning is not None:
        near = _nearest_texts(index.meaning, question.meaning.vector, count, None)
        known[near] += question.meaning.deviations(_cosines(index.meaning, question.meaning.vector, near))
    rows, means = index.relatives.means(known)
    if allowed is not None:
        rows, means = rows[allowed[rows]], means[allowed[rows]]
    return rows[np.lexsort((rows, -means))[:count]]


@dataclass(frozen=True)
class _Inferred:
    """What relatives say of some records: for each pair the place of the record (ascending), the other's row, how much.

    sums: over the relatives of each record; 0 where there is none.
    """

    place: Int[np.ndarray, " pairs"]
    others: Int[np.ndarray, " pairs"]
    said: Float[np.ndarray, " pairs"]
    sums: Float[np.ndarray, " records"]

    def name(
        self, index: Index, question: Question, rows: Int[np.ndarray, " records"], places: Int[np.ndarray, " some"]
    ) -> list[tuple[Relative, ...]]:
        """Name for the records in these places the relatives that said most, if they said something for them."""
        pairs, owners = list[int](), list[int]()
        for number, place in enumerate(places.tolist()):
            first, last = np.searchsorted(self.place, [place, place + 1])
            best = first + np.argsort(-self.said[first:last], kind="stable")[:TOLD]
            best = best[self.said[best] > 0] if self.sums[place] > 0 else best[:0]
            pairs += best.tolist()
            owners += [number] * len(best)
        found: list[tuple[Relative, ...]] = [()] * len(places)
        if not pairs:
            return found
        others = self.others[pairs]
        meaning = np.full(len(others), np.nan)
        if question.meaning is not None and index.meaning is not None:
            meaning = _cosines(index.meaning, question.meaning.vector, others)
        own = index.records["sequence"].gather(rows[places[owners]])
        records = index.take(others).select("id", "text", "sequence").rows()
        told = zip(owners, records, own, others.tolist(), meaning.tolist(), strict=True)
        for number, (name, text, sequence), of, other, cosine in told:
            common = _words_of(question, other), None if np.isnan(cosine) else cosine
            found[number] += (Relative(name, text, *common, (of, sequence)),)
        return found


def _by_relatives(index: Index, question: Question, rows: Int[np.ndarray, " n"]) -> _Inferred:
    """Return what words and meaning say of the texts of relatives, weighted."""
    nothing = np.empty(0, dtype=np.int64)
    place, others, weights = nothing, nothing, np.empty(0)
    if question.by_relatives and index.relatives is not None:
        place, others, weights = index.relatives.of(rows)
    distinct, of_pair = np.unique(others, return_inverse=True)
    known = text_scores(index, question, distinct) if len(distinct) else None
    said = RELATIVES * weights * (0.0 if known is None else np.nan_to_num(known)[of_pair])
    return _Inferred(place, others, said, np.bincount(place, said, minlength=len(rows)).astype(np.float64))


def _words_of(question: Question, row: int) -> tuple[str, ...]:
    return tuple(word for word, each in question.words.items() if row in each)


def _most(share: Float[np.ndarray, " rows"], count: int) -> Int[np.ndarray, " some"]:
    """Return the rows of the highest shares above 0."""
    written = np.flatnonzero(share)
    return np.asarray(written[np.lexsort((written, -share[written]))[:count]])


def _by_words(
    index: Index, words: Mapping[str, Matches], share: Float[np.ndarray, " all"], rows: Int[np.ndarray, " some"]
) -> Float[np.ndarray, " some"]:
    """Add up what words say of records: their share, what a text opens with, what a protein is named."""
    return np.asarray(WEIGHTS["words"] * share[rows] + _openings(index, words, rows) + _named(index, words, rows))


def _share(words: Mapping[str, Matches], *, rows: int) -> Float[np.ndarray, " rows"]:
    """Add up what words say of each record, as a share of the most that they could; unknown words count as rare."""
    share = np.zeros(rows)
    most = 0.0
    rarest = np.log(rows + 1)
    for each in words.values():
        share[each.rows] += each.scores
        most += each.scores.max(initial=0.0) if len(each.rows) else rarest
    return share / most if most else share


def _named(index: Index, words: Mapping[str, Matches], rows: Int[np.ndarray, " some"]) -> Float[np.ndarray, " some"]:
    """Weigh the terms that stand in records' names, where columns hold names."""
    terms = [each.term for each in words.values() if each.term is not None]
    columns = [
        name
        for name, kind in index.records.schema.items()
        if kind == pl.String and _NAME.search(name) and not _OF_OTHERS.search(name)
    ]
    if not terms or not columns:
        return np.zeros(len(rows))
    held = []
    for names in index.records.select(pl.col(columns).gather(rows)).rows():
        name = fold(" ".join(filter(None, names)))
        held.append(sum(any(_holds(name, phrase) for phrase in term.own) for term in terms))
    return NAMED * np.array(held) / len(terms)


def _openings(index: Index, words: Mapping[str, Matches], rows: Int[np.ndarray, " some"]) -> Float[np.ndarray, " some"]:
    """Weigh what the texts of records say first."""
    terms = [each.term for each in words.values() if each.term is not None]
    if not terms or "text" not in index.records.columns:
        return np.zeros(len(rows))
    asked = _relations(" ".join(words))
    weights = []
    for text in index.records["text"].gather(rows).to_list():
        first = fold(_END.split(" ".join(text[:_LOOKED_AT].split()), maxsplit=1)[0]) if text else ""
        begins = " ".join(first.split()[: len(terms) + _MORE])
        held = sum(any(_holds(begins, phrase) for phrase in term.phrases) for term in terms)
        weights.append(OPENING * held / len(terms) - RELATION * bool(_relations(first) - asked))
    return np.array(weights)


def _relations(text: str) -> set[str]:
    """Name the relations that a text speaks of, by their first letters."""
    return {each[:6] for each in _RELATION.findall(text)}


def _holds(text: str, phrase: Collection[str]) -> bool:
    """Say whether a folded text holds all words of a phrase, whatever their endings."""
    return all(word[: max(4, len(word) - 3)] in text for word in phrase)


def _alike(
    held: Embeddings, rows: Int[np.ndarray, " some"], allowed: Bool[np.ndarray, " rows"] | None
) -> Int[np.ndarray, " more"]:
    """Add the other records of the same vectors."""
    found = np.concatenate([rows[:0], *(held.rows_of(vector) for vector in held.of_row[rows].tolist())])
    return found if allowed is None else found[allowed[found]]


def _nearest_texts(
    held: Embeddings, vector: Float[np.ndarray, " dim"], count: int, allowed: Bool[np.ndarray, " rows"] | None
) -> Int[np.ndarray, " some"]:
    """Find the records of the nearest texts; every text is compared."""
    _, found = nearest(vector[None], held.vectors, k=count, only=held.vectors_of(allowed))
    found = found[0][found[0] >= 0]
    return _alike(held, held.first_rows(found), allowed)


def _cosines(
    held: Embeddings, vector: Float[np.ndarray, " dim"], rows: Int[np.ndarray, " n"]
) -> Float[np.ndarray, " n"]:
    numbers = held.of_row[rows]
    known = np.flatnonzero(numbers >= 0)
    cosines = np.full(len(rows), np.nan)
    one = np.zeros(len(known), dtype=np.int64)
    own = held.vectors[numbers[known]]  # all at once: they may lie on other machines
    cosines[known] = cosines_of_pairs(vector[None], own, one, np.arange(len(known)))
    return cosines
