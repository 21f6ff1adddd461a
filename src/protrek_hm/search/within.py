"""The order inside a family of near-identical hits: a second stage, which changes no order between families.

For a question in words, three votes are added up for each member:

- *model*: its cosine with the question, in standard deviations above the index's background sample;
- *difference*: by how much the twin head, which reads two aligned proteins, prefers it over the member that ranks
  first, with the head's own weight beside a cosine, as far as the question speaks of what a change does: the first is
  no wild type; absent where the model has no such head;
- *relatives*: what words and meaning would say of its text if it had one, predicted from the labelled proteins of the
  index that are 50 % identical or more (`search.relatives`). A member with a text has that one, and no prediction.

Where relatives are few or say the same, they have no vote. Where nothing but words, meaning and the model vote, the
order is that of the ranking. The weights were chosen on the validation part of `benchmarks/relatives.py`.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from jaxtyping import Bool, Float, Int

from protrek_hm.deadline import checkpoint
from protrek_hm.homology.lookup import Lookup
from protrek_hm.index.encoder import encode_unit
from protrek_hm.index.store import Index
from protrek_hm.model.encoder import FingerprintedEncoder, TwinPreference
from protrek_hm.search.hits import Family, Hit, Vote, alike
from protrek_hm.search.relatives import RelativesConfig, Ridge, share_explained
from protrek_hm.search.signals import WEIGHTS, Background, Question, text_scores

BESIDE_RELATIVES = 2.0
"""Weight of the model's standard deviations where relatives vote, counted from the family's mean."""

OF_TEXTS = 0.3
"""The same where several texts are compared for one protein, beside a standard deviation of its relatives."""

MOST_MEMBERS = 50
"""Members of a family that are put in order, those of the highest ranks; the others follow."""

_KEPT = 16  # families whose relatives stay fitted; questions whose vectors stay
_SAME = 1e-9  # words and meaning say the same of texts that differ by no more


@dataclass(frozen=True)
class Votes:
    """What each vote says of the members of a family, weighted, in the order of their ranks.

    relatives: of a member's own text where it has one.
    """

    model: Float[np.ndarray, " members"]
    difference: Float[np.ndarray, " members"]
    relatives: Float[np.ndarray, " members"]

    @property
    def total(self) -> Float[np.ndarray, " members"]:
        """Their sum, which orders the members."""
        return np.asarray(self.model + self.difference + self.relatives)

    def decided(self, winner: int, other: int) -> Vote:
        """Name the vote that speaks most for one member against another.

        >>> Votes(np.array([0.0, 1.0]), np.array([0.5, 0.0]), np.array([3.0, 0.0])).decided(0, 1)
        'relatives'
        """
        gaps: dict[Vote, float] = {
            "model": float(self.model[winner] - self.model[other]),
            "difference": float(self.difference[winner] - self.difference[other]),
            "relatives": float(self.relatives[winner] - self.relatives[other]),
        }
        return max(gaps, key=gaps.__getitem__)


@dataclass(frozen=True)
class Predicted:
    """What is predicted of proteins, and the mean and standard deviation of their relatives, from which it departs."""

    scores: Float[np.ndarray, " proteins"]
    mean: float
    deviation: float

    @property
    def deviations(self) -> Float[np.ndarray, " proteins"]:
        """The same in standard deviations above the mean: comparable between texts, for one protein.

        >>> Predicted(np.array([3.0, 1.0]), 1.0, 2.0).deviations.tolist()
        [1.0, 0.0]
        """
        return np.asarray((self.scores - self.mean) / self.deviation)


@dataclass(frozen=True)
class Fit:
    """How well a text fits a protein.

    Attributes
    ----------
    score
        Cosine, in [-1, 1].
    model
        The same in standard deviations above the background of the text.
    relatives
        What words and meaning, asked the text, would say of the protein by its relatives: `Predicted.deviations`; 0
        where they say nothing.
    """

    text: str
    score: float
    model: float
    relatives: float

    @property
    def total(self) -> float:
        """What orders several texts of one protein."""
        return OF_TEXTS * self.model + self.relatives if self.relatives else self.model


class Within:
    """The second stage over an index; `head` may be absent.

    A searcher makes it (`Searcher.within`), and keeps it: the relatives of the families that were asked last stay
    fitted.
    """

    def __init__(
        self,
        index: Index,
        model: FingerprintedEncoder,
        head: TwinPreference | None = None,
        *,
        config: RelativesConfig | None = None,
    ) -> None:
        self.index, self.model, self.head, self.config = index, model, head, config or RelativesConfig()
        self._fitted = lru_cache(_KEPT)(self._fit)
        self._vector = lru_cache(_KEPT)(self._read)

    def order(self, families: Sequence[Family], question: Question, voters: Sequence[Vote]) -> list[Family]:
        """Put the members of each family in order by these votes; `decided` tells what put them in another one."""
        return [self._ordered(each, question, voters) if len(each.hits) > 1 else each for each in families]

    def _ordered(self, family: Family, question: Question, voters: Sequence[Vote]) -> Family:
        checkpoint()
        hits, others = family.hits[:MOST_MEMBERS], family.hits[MOST_MEMBERS:]
        votes = self.votes(hits, question, voters)
        order = np.argsort(-votes.total, kind="stable").tolist()
        moved = next((place for place, each in enumerate(order) if place != each), None)
        if moved is None:
            return family
        decided = votes.decided(order[moved], moved)
        return replace(family, hits=(*(hits[place] for place in order), *others), decided=decided)

    def votes(
        self, hits: Sequence[Hit], question: Question, voters: Sequence[Vote], *, without: tuple[str, ...] = ()
    ) -> Votes:
        """Say what each vote says of the members of a family, the first of which stands for it.

        without: proteins that count as relatives of none.
        """
        scores = np.array([hit.score for hit in hits])
        deviations = np.zeros(len(hits)) if question.model is None else question.model.deviations(scores)
        written = np.array([hit.matched is not None and bool(hit.record.get("text")) for hit in hits])
        weights = _weights_of_ranking(hits, written, question)
        model = deviations * weights
        by_text = np.array([hit.matched.total if hit.matched else own for hit, own in zip(hits, model, strict=True)])
        by_text -= model
        inferred = np.array([hit.matched.inferred if hit.matched else 0.0 for hit in hits])
        unread = np.flatnonzero(~written)
        if "relatives" in voters and len(unread):
            sequences = [hits[place].record["sequence"] for place in unread.tolist()]
            near = hits[0].record["sequence"]
            predicted = self.predicted(question, sequences, near, without=without)
            if predicted is not None:
                usual = float(deviations.mean())
                weights[unread] = BESIDE_RELATIVES
                model[unread] = WEIGHTS["model"] * usual + BESIDE_RELATIVES * (deviations[unread] - usual)
                by_text[unread] += predicted.scores  # of the family's own relatives, in place of any
                by_text[unread] -= inferred[unread]
        difference = np.zeros(len(hits))
        if "difference" in voters and self.head is not None and question.text:
            difference = self.head.weight * self._preferences(self.head, question.text, hits)
            difference *= weights / Background.of(question.background).deviation
        return Votes(model, difference, by_text)

    def _preferences(self, head: TwinPreference, text: str, hits: Sequence[Hit]) -> Float[np.ndarray, " members"]:
        """Return by how much the head prefers each member over the first, all seen as variants of that one."""
        sequences = [hit.record["sequence"] for hit in hits]
        first = [sequences[0]] * len(hits)
        pool = Lookup.of(self.index.records["sequence"].gather(self._neighbours(sequences[0])))
        texts = np.repeat(self._vector(text), len(hits), axis=0)
        preferred = head.prefer(texts, sequences, first, references=first, relatives=pool)
        return np.asarray(preferred * head.speaks(texts[:1]), dtype=np.float64)

    def _read(self, text: str) -> Float[np.ndarray, "1 dim"]:
        """Return the vector of a question as the head takes it; all families of the question share it."""
        assert self.head is not None, "it is asked where there is one"
        return self.head.read([text])

    def predicted(
        self, question: Question, sequences: Sequence[str], near: str, *, without: tuple[str, ...] = ()
    ) -> Predicted | None:
        """Predict what words and meaning would say of proteins from the labelled relatives of the protein `near`.

        without: proteins that count as relatives of none.

        Predictions are drawn towards the mean of the relatives as far as these cannot be predicted from one another:
        their deviations are multiplied by `share_explained`. None where there is nothing to learn from: fewer relatives
        than `RelativesConfig.least`, none that differ, or none that the others predict.
        """
        fitted = self._fitted(near, without)
        if fitted is None:
            return None
        rows, ridge = fitted
        known = text_scores(self.index, question, rows)
        if known is None or np.isnan(known).any() or np.ptp(known) < _SAME:
            return None
        trust = share_explained(known, ridge.left_out(known))
        usual = float(known.mean())
        scores = usual + trust * (ridge.weights(sequences) @ known - usual)
        return Predicted(scores, usual, float(known.std())) if trust else None

    def _fit(self, near: str, without: tuple[str, ...]) -> tuple[Int[np.ndarray, " n"], Ridge] | None:
        rows = self.relatives(near, without=without)
        if len(rows) < self.config.least:
            return None
        sequences = self.index.records["sequence"].gather(rows).to_list()
        return rows, Ridge.of(sequences, letters=self.config.letters, penalty=self.config.penalty)

    def relatives(self, near: str, *, without: Collection[str] = ()) -> Int[np.ndarray, " n"]:
        """Return the rows of the labelled relatives of any protein, the nearest by the model first."""
        records = self.index.records
        if "text" not in records.columns or "sequence" not in self.index.embeddings:
            return np.empty(0, dtype=np.int64)
        near_rows = self._neighbours(near)
        some = records.select("sequence", "text")[near_rows]
        labelled = [
            row
            for row, sequence, text in zip(near_rows.tolist(), some["sequence"], some["text"], strict=True)
            if text and sequence not in without and alike(near, sequence, self.config.min_identity)
        ]
        return np.array(labelled[: self.config.most], dtype=np.int64)

    def _neighbours(self, near: str) -> Int[np.ndarray, " n"]:
        held = self.index.embeddings["sequence"]
        own = np.flatnonzero((self.index.records["sequence"] == near).to_numpy())[:1]
        vector = held.vectors[held.of_row[own]] if len(own) else encode_unit(self.model, [near], task="sequence")
        k = min(2 * self.config.most, len(self.index.records))
        _, found = self.index.nearest(np.asarray(vector), want="sequence", k=k)
        return np.asarray(found[0][found[0] >= 0])


def _weights_of_ranking(
    hits: Sequence[Hit], written: Bool[np.ndarray, " members"], question: Question
) -> Float[np.ndarray, " members"]:
    """Return with which weight the model's deviations ranked each member."""
    if hits[0].matched is None:
        return np.ones(len(hits))
    meaning = 0.0 if question.meaning is None else WEIGHTS["meaning"]
    return WEIGHTS["model"] + np.where(written, 0.0, meaning)


def tell_order(families: Sequence[Family]) -> list[str]:
    """Say which families stand in another order than their ranks by the vote of relatives; nothing if none does.

    >>> tell_order([Family(1, (), "relatives"), Family(2, ()), Family(3, (), "difference")])
    ['family 1: its members stand in the order that labelled relatives suggest (--within model: that of the ranks)']
    """
    ranks = [str(family.rank) for family in families if family.decided == "relatives"]
    if not ranks:
        return []
    which = f"family {ranks[0]}: its" if len(ranks) == 1 else f"families {', '.join(ranks)}: their"
    return [f"{which} members stand in the order that labelled relatives suggest (--within model: that of the ranks)"]
