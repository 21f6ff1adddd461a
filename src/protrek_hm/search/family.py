"""A family of relatives below each other, and what each of their differences is worth for a text.

It is a star alignment: every member is aligned with the first alone (`homology.identity`), and these pairs are laid on
each other. So the columns of the first member's residues are exact, and what others have between two of its residues
stands from the left, not aligned among themselves. A difference is put into the first member alone and scored; the
twin head, where the model has one, scores the substitutions, too.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from protrek_hm.config import require
from protrek_hm.data.schema import AMINO_ACIDS
from protrek_hm.deadline import checkpoint
from protrek_hm.errors import in_percent
from protrek_hm.homology.identity import Alignment
from protrek_hm.search.config import ScanConfig, ScanSignal
from protrek_hm.search.differences import Difference, align_in_bounds, differences, with_one_difference
from protrek_hm.search.explain import TWINS, Protein, cosines
from protrek_hm.search.query import clean_query
from protrek_hm.search.reading import cuts, residues_read, tell_unread
from protrek_hm.search.scan import scan_protein
from protrek_hm.search.searcher import Searcher

MOST_VARIATIONS = 1000
"""Distinct differences up to which each is scored: as many proteins are encoded."""

_AT_ONCE = 128  # variants that are encoded between two looks at the clock


@dataclass(frozen=True)
class Variation:
    """A difference that some members have from the first.

    column: of the alignment, from 1. position: of the first member's residue, from 1; of an insertion, the residue
    before it, or 0. members: places of those that have it, from 0. model: what it does alone to the first member's
    cosine with the text. head: by how much the twin head prefers it, in log odds. None where it was not scored.
    """

    notation: str
    column: int
    position: int
    members: tuple[int, ...]
    model: float | None = None
    head: float | None = None


@dataclass(frozen=True)
class FamilyAlignment:
    """Members of a family, aligned with the first of them.

    rows: gapped sequences of one length. identities: of each with the first, in [0, 1]. variations: all that differs,
    from the first column to the last. notes: what should be known besides, a sentence each.
    """

    text: str | None
    members: tuple[Protein, ...]
    rows: tuple[str, ...]
    identities: tuple[float, ...]
    variations: tuple[Variation, ...]
    notes: tuple[str, ...] = ()

    @property
    def ordered_by(self) -> ScanSignal | None:
        """The signal that says which variations decide: the head where there is one; None where none was asked."""
        return next(
            (name for name in ("head", "model") if any(getattr(v, name) is not None for v in self.variations)), None
        )

    def as_dict(self) -> dict[str, Any]:
        """Return everything as JSON can hold it."""
        members = zip(self.members, self.rows, self.identities, strict=True)
        return {
            "text": self.text,
            "members": [{"id": each.id, "aligned": row, "identity": share} for each, row, share in members],
            "variations": [asdict(each) for each in self.variations],
            "ordered_by": self.ordered_by,
            "notes": list(self.notes),
        }


def lay_on_first(alignments: Sequence[Alignment]) -> list[str]:
    """Lay pairs that share their first sequence on each other: the row of that one, then a row for each pair.

    Examples
    --------
    >>> lay_on_first([Alignment("MK-TA", "MKGTA"), Alignment("MKTA--", "M-TAYW")])
    ['MK-TA--', 'MKGTA--', 'M--TAYW']
    """
    spread = [_spread(each.a, each.b) for each in alignments]
    own = _spread(alignments[0].a.replace("-", ""), alignments[0].a.replace("-", ""))
    room = [max(map(len, runs)) for runs in zip(*(inserted for inserted, _ in spread), strict=True)]
    return [
        "".join(run.ljust(size, "-") + letter for run, size, letter in zip(inserted, room, aligned, strict=True))
        for inserted, aligned in (own, *spread)
    ]


def _spread(a: str, b: str) -> tuple[list[str], list[str]]:
    """Return what `b` has before each residue of `a`, and at its end; and what it has below each, last nothing."""
    inserted, aligned = [""], list[str]()
    for one, other in zip(a, b, strict=True):
        if one == "-":
            inserted[-1] += other
        else:
            aligned.append(other)
            inserted.append("")
    return inserted, [*aligned, ""]


def align_family(
    searcher: Searcher,
    members: Sequence[Protein],
    text: str | None = None,
    *,
    most_variations: int = MOST_VARIATIONS,
    batch_size: int = 32,
) -> FamilyAlignment:
    """Align the members of a family with the first of them, and say what each difference is worth for a text.

    Parameters
    ----------
    members
        Two or more; `search.explain.find_protein` looks them up.
    text
        None: nothing is scored.
    most_variations
        Families with more distinct differences are aligned, and the model does not score them; at least 0.

    Raises
    ------
    OptionError
        If there are fewer than two members, the text is empty, or a protein is too long to be aligned.
    ModelError
        If the model gives a vector without direction.
    GivenUpError
        If the deadline of the work is over, or nobody waits for it.
    """
    require("members", len(members), "an alignment needs two at least", holds=len(members) >= 2)
    require("most_variations", most_variations, "must be 0 or more", holds=most_variations >= 0)
    first, *others = members
    text = None if text is None else clean_query(text, "text")
    pairs = []
    for each in others:
        checkpoint()
        pairs.append(align_in_bounds(first.sequence, each.sequence))
    rows = lay_on_first(pairs)
    found = _distinct(pairs, [column for column, letter in enumerate(rows[0], start=1) if letter != "-"])
    variations, notes = [each.variation for each in found], _distant(members, pairs)
    if text is not None:
        model, length = searcher.model, len(first.sequence)
        notes += [f"the text: {cut}" for cut in cuts(model, [text], task="text") if cut]
        notes += tell_unread([(first.id or "the first", length, residues_read(model, length))])
        by_model: list[float | None] = [None] * len(found)
        if len(found) <= most_variations:
            by_model = _changes(searcher, text, first.sequence, found, batch_size=batch_size)
        else:
            notes.append(
                f"{len(found):,} differences, more than the {most_variations:,} up to which the model scores each"
            )
        by_head = _preferences(searcher, text, first, found)
        scores = zip(variations, by_model, by_head, strict=True)
        variations = [replace(each, model=model, head=head) for each, model, head in scores]
    shares = (1.0, *(pair.identity for pair in pairs))
    return FamilyAlignment(text, tuple(members), tuple(rows), shares, tuple(variations), tuple(notes))


@dataclass(frozen=True)
class _Found:
    """A variation, and a pair that shows it."""

    variation: Variation
    pair: Alignment
    difference: Difference

    @property
    def mutant(self) -> str:
        """The first member with this alone."""
        return with_one_difference(self.pair, self.difference, into="a")


def _distinct(pairs: Sequence[Alignment], columns: Sequence[int]) -> list[_Found]:
    """Collect what the pairs show, each difference once, by column. columns: of the first member's residues, from 1."""
    having: dict[tuple[int, str, str], list[int]] = {}
    shown: dict[tuple[int, str, str], tuple[Alignment, Difference]] = {}
    for place, pair in enumerate(pairs, start=1):
        for each in differences(pair):
            key = (each.position_a, each.letter_a, each.letter_b)
            having.setdefault(key, []).append(place)
            shown.setdefault(key, (pair, each))
    found = []
    for key, (pair, each) in shown.items():
        behind = 0 if each.letter_a else 1  # an insertion stands behind the residue before it
        column = columns[each.position_a - 1] + behind if each.position_a else 1
        variation = Variation(each.notation, column, each.position_a, tuple(having[key]))
        found.append(_Found(variation, pair, each))
    return sorted(found, key=lambda each: (each.variation.column, each.difference.letter_a, each.difference.letter_b))


def _distant(members: Sequence[Protein], pairs: Sequence[Alignment]) -> list[str]:
    return [
        f"{each.id or f'member {place}'}: {in_percent(pair.identity, digits=0)} identical to the first; "
        "its differences count against another background"
        for place, (each, pair) in enumerate(zip(members[1:], pairs, strict=True), start=2)
        if pair.identity < TWINS
    ]


def _changes(
    searcher: Searcher, text: str, protein: str, found: Sequence[_Found], *, batch_size: int
) -> list[float | None]:
    changes: list[float | None] = []
    for start in range(0, len(found), _AT_ONCE):
        checkpoint()
        some = [protein, *(each.mutant for each in found[start : start + _AT_ONCE])]
        scores = cosines(searcher.model, text, some, batch_size=batch_size)
        changes += (scores[1:] - scores[0]).tolist()
    return changes


def _preferences(searcher: Searcher, text: str, first: Protein, found: Sequence[_Found]) -> list[float | None]:
    """Return what the twin head says of the substitutions; None of all else, and where there is no head."""
    places = [
        (each.difference.position_a - 1, AMINO_ACIDS.index(each.difference.letter_b))
        if each.difference.letter_a and each.difference.letter_b in AMINO_ACIDS and each.difference.letter_b
        else None
        for each in found
    ]
    if searcher.head is None or not any(places):
        return [None] * len(found)
    config = ScanConfig(signals=("head",), most_residues=len(first.sequence))
    scores = scan_protein(searcher.model, text, first, searcher=searcher, config=config).head
    assert scores is not None, "the searcher has a head"
    return [None if place is None else float(scores[place]) for place in places]
