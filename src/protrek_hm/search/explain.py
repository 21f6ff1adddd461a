"""Why this protein and not its twin: two candidates aligned, and what each difference does to the score.

A candidate is named by its id in an index, or written out. A difference is taken back in one of the two alone, the
mutant is scored, and the change is what the difference is worth there. Single changes need not add up to the gap
between the two; how much is left is said, too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np
from jaxtyping import Float

from protrek_hm.config import require, require_characters
from protrek_hm.data.schema import sequence_problem, upper_case
from protrek_hm.errors import OptionError, in_percent, shorten
from protrek_hm.figures.blocks import marks
from protrek_hm.figures.notebook import alignment_html, html_table, notebook_html, paragraph, signed_bar
from protrek_hm.homology.identity import Alignment
from protrek_hm.index.encoder import encode_unit
from protrek_hm.index.store import Index
from protrek_hm.model.encoder import FingerprintedEncoder
from protrek_hm.search.differences import Difference, align_in_bounds, differences, with_one_difference
from protrek_hm.search.hits import Vote
from protrek_hm.search.query import clean_query
from protrek_hm.search.reading import cuts, residues_read, tell_unread
from protrek_hm.search.searcher import Searcher

SHORTEST = 10
"""Residues from which letters that are no id are taken for a sequence: ids such as TEM or HBA are letters, too."""

LONGEST_ID = 30
"""Letters above which something is no id, but a sequence with a wrong letter."""


@dataclass(frozen=True)
class Protein:
    """A sequence, and the id that the index knows it by, if it was named so."""

    id: str | None
    sequence: str


def find_protein(index: Index, given: str) -> Protein:
    """Look `given` up as an id in the index, or else take it for a sequence of at least 10 residues.

    Raises
    ------
    OptionError
        If it is neither; it says which ids come close.
    """
    require_characters("protein", given)
    name = given.strip()
    letters = upper_case("".join(given.split()).removesuffix("*"))
    if len(letters) >= SHORTEST and not (index.records["id"] == name).any():
        problem = sequence_problem(letters)
        if problem is None:
            return Protein(None, letters)
        if len(letters) > LONGEST_ID:
            raise OptionError("protein", shorten(letters), f"{problem}; mend the sequence")
    [row] = index.find([name])
    return Protein(name, str(index.records["sequence"][int(row)]))


_DECIDED: Mapping[Vote, str] = {
    "model": "the model's score",
    "difference": "the twin head",
    "relatives": "what labelled relatives suggest",
}
_FULL = 0.05  # change of a cosine from which a bar may be full: less hardly moves a protein among others
TWINS = 0.5
"""Identity from which single differences are worth a look; below, each would count against another background."""

MOST_DIFFERENCES = 100
"""Differences up to which each is scored: twice as many proteins are encoded."""


@dataclass(frozen=True)
class Candidate:
    """One of the two proteins.

    id: in the index, None if the sequence was given. score: cosine with the text, in [-1, 1]. protrek_score: on
    ProTrek's own scale, score ÷ temperature. residues_read: how many the model reads, from the first one on.
    """

    id: str | None
    sequence: str
    score: float
    protrek_score: float
    residues_read: int


@dataclass(frozen=True)
class Substitution(Difference):
    """A difference, and what it is worth.

    change: score of `a` with this one difference as `b` has it, less the score of `a`. change_in_b: score of `b`
    with it as `a` has it, less the score of `b`. Both are None where they were not computed.
    """

    change: float | None = None
    change_in_b: float | None = None


@dataclass(frozen=True)
class Explanation:
    """Two candidates for a text, side by side.

    alignment: global, of `a` and `b`. identity, coverage: its own, in [0, 1]. substitutions: all that differs,
    runs of gaps as one item, in order. notes: what should be known besides, a sentence each. votes: of `a` less
    those of `b`, as `search.within` adds them up; above 0 they speak for `a`. None without an index.
    """

    text: str
    a: Candidate
    b: Candidate
    alignment: Alignment
    identity: float
    coverage: float
    substitutions: tuple[Substitution, ...]
    notes: tuple[str, ...] = ()
    votes: Mapping[str, float] | None = None

    @property
    def gap(self) -> float:
        """Score of `a` − score of `b`."""
        return self.a.score - self.b.score

    @property
    def winner(self) -> Literal["a", "b"] | None:
        """Which of the two fits the text better; None if neither."""
        return "a" if self.gap > 0 else "b" if self.gap < 0 else None

    @property
    def explained(self) -> float | None:
        """What the gap would be if the changes of `a` simply added up: −(their sum); None if not computed."""
        changes = [each.change for each in self.substitutions if each.change is not None]
        return -sum(changes) if len(changes) == len(self.substitutions) else None

    @property
    def explained_in_b(self) -> float | None:
        """The same by the changes of `b`: their sum."""
        changes = [each.change_in_b for each in self.substitutions if each.change_in_b is not None]
        return sum(changes) if len(changes) == len(self.substitutions) else None

    @property
    def interaction(self) -> float | None:
        """The gap less `explained`: what the differences do only together."""
        return None if self.explained is None else self.gap - self.explained

    def _repr_html_(self) -> str:
        """Show itself in a notebook: the verdict, the alignment, and signed bars of what each difference is worth."""
        names = self.a.id or "A", self.b.id or "B"
        better = {"a": f"{names[0]} fits better", "b": f"{names[1]} fits better", None: "both fit equally well"}
        alike = f"{in_percent(self.identity)} identical"
        parts = [paragraph(f"“{self.text}”")]
        parts.append(paragraph(f"{better[self.winner]}: {self.a.score:.4f} and {self.b.score:.4f}; {alike}"))
        parts.append(alignment_html(self.alignment.a, self.alignment.b, names))
        scored = [each for each in self.substitutions if each.change is not None]
        scored.sort(key=lambda each: -_worth(each))
        if scored:
            most = max(_FULL, _worth(scored[0]))
            rows = [[each.notation, signed_bar(each.change or 0, most), f"{each.change:+.4f}"] for each in scored]
            parts.append(html_table([f"{names[0]} → {names[1]}", "", f"{names[0]} changes by"], rows, numbers=[2]))
        if self.explained is not None and len(scored) > 1:
            together = f"one by one they change the score by {-self.explained:+.4f}, together by {-self.gap:+.4f}"
            parts.append(paragraph(together, small=True))
        return notebook_html(*parts, *(paragraph(note, small=True) for note in self.notes))

    def as_dict(self) -> dict[str, Any]:
        """Return everything as JSON can hold it."""
        pair = {name: {**asdict(each), "length": len(each.sequence)} for name, each in (("a", self.a), ("b", self.b))}
        return {
            "text": self.text,
            **pair,
            "winner": self.winner,
            "gap": self.gap,
            "alignment": {**asdict(self.alignment), "marks": marks(self.alignment.a, self.alignment.b)},
            "identity": self.identity,
            "coverage": self.coverage,
            "substitutions": [asdict(each) for each in self.substitutions],
            "explained": self.explained,
            "explained_in_b": self.explained_in_b,
            "interaction": self.interaction,
            "notes": list(self.notes),
            "votes": None if self.votes is None else dict(self.votes),
        }


def _worth(difference: Substitution) -> float:
    return abs(difference.change or 0.0)


def explain(
    searcher: Searcher, text: str, a: str, b: str, *, most_differences: int = MOST_DIFFERENCES, batch_size: int = 256
) -> Explanation:
    """Compare two proteins, given as ids of the index or as sequences of at least 10 residues; see `explain_pair`.

    Raises
    ------
    OptionError
        If a protein is neither an id nor a sequence, or as `explain_pair`.
    ModelError
        If the model gives a vector without direction.
    """
    one, other = find_protein(searcher.index, a), find_protein(searcher.index, b)
    found = explain_pair(searcher.model, text, one, other, most_differences=most_differences, batch_size=batch_size)
    return with_votes(searcher, found)


def with_votes(searcher: Searcher, explanation: Explanation) -> Explanation:
    """Add what else than the score would order the two in a family of hits, by the index: `Searcher.votes`."""
    a, b = explanation.a.sequence, explanation.b.sequence
    if explanation.identity < TWINS or a == b:
        return explanation
    votes = searcher.votes(explanation.text, a, b)
    gaps = {name: float(each[0] - each[1]) for name, each in vars(votes).items()}
    if not (gaps["difference"] or gaps["relatives"]):
        return replace(explanation, votes=gaps)
    first = int(np.argmax(votes.total))
    said = ", ".join(f"{name} {gap:+.2f}" for name, gap in gaps.items() if gap)
    decided = votes.decided(first, 1 - first)
    names = explanation.a.id or "A", explanation.b.id or "B"
    why = f"{_DECIDED[decided]} ({names[0]} less {names[1]}: {said})"
    told = f"in a family of hits {names[first]} would stand first, most of all by {why}"
    return replace(explanation, votes=gaps, notes=(*explanation.notes, told))


def explain_pair(
    model: FingerprintedEncoder,
    text: str,
    a: Protein,
    b: Protein,
    *,
    most_differences: int = MOST_DIFFERENCES,
    batch_size: int = 256,
) -> Explanation:
    """Align two proteins, score both for `text`, and say what each difference between them is worth.

    Parameters
    ----------
    most_differences
        Pairs that differ in more places are aligned and scored, and their single differences are not; at least 0.
    batch_size
        Proteins that the model takes at a time at most.

    Raises
    ------
    OptionError
        If the text is empty, or the proteins are too long to be aligned.
    ModelError
        If the model gives a vector without direction.

    Examples
    --------
    A stand-in for a model, which gives a protein 0.1 for each K:

    >>> class Lysines:
    ...     temperature, tasks, fingerprint = 0.1, ("text", "sequence"), lambda self: "k"
    ...     def encode(self, inputs, /, *, task, **options):
    ...         share = np.array([1.0 if task == "text" else 0.1 * each.count("K") for each in inputs])
    ...         return np.stack([share, np.sqrt(1 - share**2)], axis=1)
    >>> why = explain_pair(Lysines(), "much K", Protein("P1", "MKTKYWKAAR"), Protein(None, "MKTRYWRAAKR"))
    >>> why.alignment.a, why.alignment.b, why.winner, round(why.gap, 6)
    ('MKTKYWKAA-R', 'MKTRYWRAAKR', 'a', 0.1)
    >>> [(each.notation, round(each.change, 6)) for each in why.substitutions]
    [('K4R', -0.1), ('K7R', -0.1), ('A9_R10insK', 0.1)]
    """
    require("most_differences", most_differences, "must be 0 or more", holds=most_differences >= 0)
    text = clean_query(text, "text")
    alignment = align_in_bounds(a.sequence, b.sequence)
    found = differences(alignment)
    notes = _why_not_scored(alignment, len(found), most_differences)
    mutants = [with_one_difference(alignment, each, into=side) for side in "ab" for each in found] if not notes else []
    scores = cosines(model, text, [a.sequence, b.sequence, *mutants], batch_size=batch_size)
    one, other = (_candidate(model, each, score) for each, score in zip((a, b), scores[:2].tolist(), strict=True))
    in_a, in_b = (scores[2:].reshape(2, -1) - scores[:2, None]).tolist()
    changes = list(zip(in_a, in_b, strict=True)) or [(None, None)] * len(found)
    read = [(each.id or name, len(each.sequence), each.residues_read) for name, each in (("A", one), ("B", other))]
    return Explanation(
        text,
        one,
        other,
        alignment,
        alignment.identity,
        alignment.coverage,
        tuple(Substitution(**vars(each), change=x, change_in_b=y) for each, (x, y) in zip(found, changes, strict=True)),
        (*notes, *(f"the text: {cut}" for cut in cuts(model, [text], task="text") if cut), *tell_unread(read)),
    )


def _why_not_scored(alignment: Alignment, found: int, most: int) -> list[str]:
    """Say why single differences are not scored; nothing if they are."""
    if alignment.identity < TWINS:
        share = in_percent(alignment.identity, digits=0)
        return [f"no twins: {share} of the columns are identical; single differences are not scored"]
    if found > most:
        return [f"{found:,} differences, more than the {most:,} up to which single ones are scored"]
    return [] if found else ["the two sequences are the same"]


def _candidate(model: FingerprintedEncoder, protein: Protein, score: float) -> Candidate:
    read = residues_read(model, len(protein.sequence))
    return Candidate(protein.id, protein.sequence, score, score / model.temperature, read)


def cosines(
    model: FingerprintedEncoder, text: str, proteins: Sequence[str], *, batch_size: int
) -> Float[np.ndarray, " proteins"]:
    """Return the cosines of a text with proteins, of which so much is read as the model reads of any."""
    asked = encode_unit(model, [text], task="text").astype(np.float64)
    # cut here, so that proteins which differ behind the window alone get the same vector to the last bit
    read = [each[: residues_read(model, len(each))] for each in proteins]
    vectors = encode_unit(model, read, task="sequence", batch_size=batch_size).astype(np.float64)
    return np.asarray(np.clip((vectors * asked).sum(axis=1), -1, 1))
