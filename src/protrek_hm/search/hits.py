"""What a search gives: hits, families of near-identical hits, and what should be known of an answer.

Twins are found together or not at all, so they are shown together. A hit joins the first family to whose best hit it is
identical enough, by exact identity (`homology.identity`), in order of rank; else it begins a family. So no member is
far from the best hit of its family.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, get_args

import numpy as np
import polars as pl
from jaxtyping import Float
from rapidfuzz.distance import LCSseq

from protrek_hm.config import require
from protrek_hm.deadline import checkpoint
from protrek_hm.figures.notebook import html_table, notebook_html, paragraph
from protrek_hm.homology.identity import align, identity
from protrek_hm.search.differences import differences
from protrek_hm.search.reading import Cut
from protrek_hm.search.signals import Matched

Vote = Literal["model", "difference", "relatives"]
"""What may order the members of a family: the model's own score, the twin head, labelled relatives."""

VOTES: tuple[Vote, ...] = get_args(Vote)
Item = TypeVar("Item")
Other = TypeVar("Other")
PROPOSED = "an engine proposed what was compared: a near one may be missing"
NOT_EXACT = f"{PROPOSED}; ask for an exact search (--exact)"
_SCORES = ("rank", "id", "score", "protrek_score", "probability", "p_value", "e_value")
MIN_IDENTITY = 0.7
FEW = 5
"""Differences that are written out; of more only the number is."""


@dataclass(frozen=True)
class Hit:
    """One answer.

    Attributes
    ----------
    rank
        From 1.
    id
        Of the protein.
    score, protrek_score
        Cosine of query and answer, in [-1, 1]; on ProTrek's own scale: score ÷ temperature.
    probability
        Share of right hits at such a score when the index is asked for its own records, in (0, 1): see
        `search.calibration`. None where it holds too few families to learn this from, and where words or meaning
        have put the hit in its place.
    p_value, e_value
        Chance that a vector drawn from the index scores as high, and how many of all would: p × vectors. See
        `search.significance`.
    record
        The protein's row of the table, all columns.
    matched
        What it has in common with a question in words, and what put it in its place beside the score; None where the
        score alone did.
    """

    rank: int
    id: str
    score: float
    protrek_score: float
    probability: float | None
    p_value: float | None
    e_value: float | None
    record: Mapping[str, Any]
    matched: Matched | None = None


@dataclass(frozen=True)
class Family:
    """Near-identical hits.

    Attributes
    ----------
    rank
        Among families, from 1.
    hits
        All of which are near-identical to the one that ranks first of them; by rank, unless `decided` says otherwise.
    decided
        What put them in another order than their ranks; None where they stand by rank. See `search.within`.
    """

    rank: int
    hits: tuple[Hit, ...]
    decided: Vote | None = None

    @property
    def best(self) -> Hit:
        """The hit that comes first, and that the others are compared with."""
        return self.hits[0]


class Answer(list[Item]):
    """The hits (or families) of one query, best first, and what should be known of them.

    Attributes
    ----------
    cut
        How much of the query the model reads, if not all; None where only vectors were asked with, as by `rank`.
    exact
        Whether every vector that may answer was compared; else an engine proposed those that were, and near ones may
        be missing.
    looked_at
        Hits that were ranked: the families hold them all, or those of the first families.
    background
        The query's cosines with the index's background sample, in ascending order.
    missing
        Shards of the index that did not answer: hits of theirs are left out.
    notes
        All this, and what else should be known, a sentence each.

    Examples
    --------
    >>> answer = Answer(["P1"], exact=False)
    >>> answer == ["P1"], answer.notes
    (True, ('an engine proposed what was compared: a near one may be missing; ask for an exact search (--exact)',))
    """

    def __init__(
        self,
        items: Iterable[Item] = (),
        *,
        cut: Cut | None = None,
        exact: bool = True,
        looked_at: int | None = None,
        background: Float[np.ndarray, " sample"] | None = None,
        notes: Sequence[str] = (),
    ) -> None:
        super().__init__(items)
        self.missing: tuple[str, ...] = ()
        self.cut, self.exact, self._others = cut, exact, tuple(notes)
        self.looked_at = len(self) if looked_at is None else looked_at
        self.background = np.empty(0) if background is None else background

    @property
    def notes(self) -> tuple[str, ...]:
        """What should be known besides, a sentence each."""
        own = [] if self.cut is None else [str(self.cut)]
        lost = [f"a partial answer: {', '.join(self.missing)} of the index did not answer"] if self.missing else []
        return (*lost, *own, *self._others, *([] if self.exact else [NOT_EXACT]))

    def to_frame(self) -> pl.DataFrame:
        """Return a row for each hit: `rank`, `id`, scores as in `Hit`, then the record's other columns.

        Examples
        --------
        >>> hit = Hit(1, "P1", 0.5, 5.0, None, 0.01, 2.0, {"id": "P1", "sequence": "MKV", "rank": "species"})
        >>> Answer([hit]).to_frame().select("rank", "id", "score", "sequence", "record.rank").rows()
        [(1, 'P1', 0.5, 'MKV', 'species')]
        """
        rows = []
        for hit in self._hits():
            own = {name: getattr(hit, name) for name in _SCORES}
            others = {name: value for name, value in hit.record.items() if name != "id"}
            rows.append(own | {f"record.{name}" if name in own else name: value for name, value in others.items()})
        return pl.DataFrame(rows, infer_schema_length=None)

    def _hits(self) -> list[Hit]:
        """List the hits, those of families one family after another."""
        items: list[Any] = list(self)  # hits or families, which their type does not say
        return [hit for item in items for hit in (item.hits if isinstance(item, Family) else [item])]

    def _repr_html_(self) -> str:
        """Show itself in a notebook; of a family the best, and how many there are besides."""
        rows = []
        items: list[Any] = list(self)
        for item in items:
            best, more = (item.best, len(item.hits) - 1) if isinstance(item, Family) else (item, 0)
            chance = "" if best.e_value is None or best.matched else f"{best.e_value:.2g}"
            words = ", ".join(best.matched.words) if best.matched else ""
            alike = f"{more} near-identical" if more else ""
            text = " ".join((best.record.get("text") or "").split())
            rows.append([f"{item.rank}", best.id, f"{best.score:.4f}", chance, words, alike, text])
        headings = ["", "id", "score", "E", "words", "besides", "text"]
        kept = [at for at, heading in enumerate(headings) if not heading or any(row[at] for row in rows)]
        table = html_table(
            [headings[at] for at in kept],
            [[row[at] for at in kept] for row in rows],
            numbers=[place for place, at in enumerate(kept) if headings[at] in ("", "score", "E")],
        )
        return notebook_html(table, *(paragraph(note, small=True) for note in self.notes))

    def with_items(self, items: Iterable[Other], *, notes: Sequence[str] = ()) -> "Answer[Other]":
        """Return an answer of other items, of which the same is known, and these notes."""
        said = (*self._others, *notes)
        other = Answer(
            items,
            cut=self.cut,
            exact=self.exact,
            looked_at=self.looked_at,
            background=self.background,
            notes=said,
        )
        other.missing = self.missing
        return other


def group_hits(hits: Sequence[Hit], *, min_identity: float = MIN_IDENTITY) -> list[Family]:
    """Group the hits of one query.

    Parameters
    ----------
    hits
        By rank; their records hold `sequence`.
    min_identity
        To the best hit of the family, in (0, 1]: identical columns ÷ columns of the best global alignment.

    Raises
    ------
    OptionError
        If min_identity lies outside (0, 1].

    Examples
    --------
    >>> sequences = ["MKTAYIAKQR", "WWWWWWWWWW", "MKTAYIAKQK"]
    >>> hits = [Hit(i + 1, f"P{i}", 0.5, 5.0, None, None, None, {"sequence": s}) for i, s in enumerate(sequences)]
    >>> [(family.rank, [hit.id for hit in family.hits]) for family in group_hits(hits)]
    [(1, ['P0', 'P2']), (2, ['P1'])]
    """
    require("min_identity", min_identity, "must lie in (0, 1]", holds=0 < min_identity <= 1)
    groups: list[list[Hit]] = []
    for hit in hits:
        sequence = hit.record["sequence"]
        home = next((each for each in groups if alike(each[0].record["sequence"], sequence, min_identity)), None)
        if home is None:
            groups.append([hit])
        else:
            home.append(hit)
    return [Family(rank, tuple(group)) for rank, group in enumerate(groups, start=1)]


def each_alone(hits: Sequence[Hit]) -> list[Family]:
    """Make each hit its own family."""
    return [Family(rank, (hit,)) for rank, hit in enumerate(hits, start=1)]


def identity_and_difference(best: str, other: str) -> tuple[float, str]:
    """Return the identity of two sequences and, in words, what the second has otherwise than the first.

    Examples
    --------
    >>> identity_and_difference("MKTAYIAKQR", "MKTAYAKQK")
    (0.8, 'I6del, R10K')
    >>> identity_and_difference("MKTAYIAKQR", "WWTWWIWWQW")
    (0.3, '7 differences')
    >>> identity_and_difference("MKT", "MKT")
    (1.0, 'same sequence')
    """
    if best == other:
        return 1.0, "same sequence"
    alignment = align(best, other)
    found = differences(alignment)
    if len(found) > FEW:
        return alignment.identity, f"{len(found)} differences"
    return alignment.identity, ", ".join(each.notation for each in found)


def alike(best: str, other: str, min_identity: float) -> bool:
    """Say whether two sequences are identical enough, in [0, 1]; what cannot be is told without an alignment.

    No alignment has more identical columns than the longest common subsequence has letters, nor fewer columns than the
    longer sequence.
    """
    checkpoint()
    if best == other:
        return True
    columns = max(len(best), len(other))
    return LCSseq.similarity(best, other) / columns >= min_identity and identity(best, other) >= min_identity
