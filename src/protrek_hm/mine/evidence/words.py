"""What the texts themselves say: labelled fields ("Substrates: Carbapenem."), and words that fill a slot.

A difference in wording is not a difference in function. Two texts *differ* only where they contradict each
other: a labelled field with other values, a sentence that is alike but for a measured value or an opposite (see
`contrasts`), or a slot of function (the enzyme, the substance, the colour of light, the "X" of "X-hydrolyzing") that
each fills with something the other does not mention at all. Where one merely says more, or both use other words,
nothing is known (*unsure*); so it is where they share a whole statement.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from protrek_hm.data.texts import clean_text, fold_text
from protrek_hm.mine.evidence.columns import compare_sets, split_set
from protrek_hm.mine.evidence.contrasts import Frames, contrast, read_colours, read_frames, same_measure
from protrek_hm.mine.evidence.findings import Findings, Outcome, Rows, Verdict, compare_values
from protrek_hm.mine.evidence.nomenclature import is_name, slots, stem

_FIELD = re.compile(r"^([A-Z][A-Za-z]+(?: [A-Za-z]+){0,3}):\s+(.+?)[.;]?$")
_SENTENCE = re.compile(r"(?<=[.;])\s+(?=[A-Z0-9])")
_WORD = re.compile(r"[A-Za-z0-9][\w'()/+-]*")
_LEAST_LABEL_USE = 3  # distinct texts that use a label before it counts as a field of the corpus
_MAIN_WORDS = 30  # words from the beginning of a text that can fill slots: the rest is detail
_LEAST_STATEMENT = 5  # words of a sentence that is a statement of its own

_SAME = Outcome("words:same", Verdict.SAME)
_REORDERED = Outcome("words:reordered", Verdict.UNSURE)
_MORE = Outcome("words:one-says-more", Verdict.UNSURE)
_OTHER = Outcome("words:other-words", Verdict.UNSURE)
_REWORDED = Outcome("words:fields-same", Verdict.UNSURE)
_SHARED = Outcome("words:shared-statement", Verdict.UNSURE)

Fields = tuple[tuple[str, frozenset[str]], ...]


@dataclass(frozen=True)
class Statement:
    """A text in parts: labelled `fields`, `stems` of other words in order, filled `slots`, `sentences`, `frames`."""

    fields: Fields
    stems: tuple[str, ...]
    slots: frozenset[tuple[str, str]]
    sentences: frozenset[str]
    frames: Frames

    @cached_property
    def distinct_stems(self) -> frozenset[str]:
        """The stems without order."""
        return frozenset(self.stems)


def read_statements(texts: Sequence[str]) -> list[Statement]:
    """Take all `texts` of a corpus apart; a label counts as a field if several distinct texts use it.

    Examples
    --------
    >>> texts = [f"Class A lactamase TEM-{number}. Substrates: Carbapenem." for number in range(3)]
    >>> statement = read_statements(texts)[0]
    >>> statement.fields, statement.stems
    ((('substrates', frozenset({'carbapenem'})),), ('clas', 'a', 'lactam'))
    >>> sorted(statement.slots)
    [('enzyme', 'lactamase')]
    """
    parts = {text: _SENTENCE.split(clean_text(text)) for text in sorted(set(texts))}
    uses = Counter(label for found in parts.values() for label in {field[0] for field in map(_field, found) if field})
    labels = {label for label, count in uses.items() if count >= _LEAST_LABEL_USE}
    read = {text: _read(found, labels) for text, found in parts.items()}
    return [read[text] for text in texts]


def compare_statements(one: Statement, other: Statement) -> Outcome:
    """Judge two texts: labelled fields first, then slots, by the rule in this module's head."""
    ours, theirs = dict(one.fields), dict(other.fields)
    overlap = None
    for label in sorted(ours.keys() & theirs.keys()):
        outcome = compare_sets(
            ours[label],
            theirs[label],
            same=_SAME,
            overlaps=Outcome(f"field:{label}:overlaps", Verdict.UNSURE),
            differs=Outcome(f"field:{label}:differs", Verdict.DIFFERENT),
        )
        if outcome.verdict == Verdict.DIFFERENT:
            if not _near(ours[label], theirs[label]):
                return outcome
            outcome = Outcome(f"field:{label}:near", Verdict.UNSURE)
        overlap = outcome if outcome.verdict == Verdict.UNSURE else overlap
    if overlap:
        return overlap
    kind, slot = contrast(one.frames, other.frames), _contradicted_slot(one, other)
    if kind is None and slot is None:
        return _compare_wording(one, other)
    if ours and ours == theirs:
        return _REWORDED
    if kind is None and one.sentences & other.sentences:
        return _SHARED
    return Outcome(f"words:{kind or slot}:differs", Verdict.DIFFERENT)


def _compare_wording(one: Statement, other: Statement) -> Outcome:
    """Judge two texts that do not contradict each other."""
    if one.fields == other.fields and one.distinct_stems == other.distinct_stems:
        return _SAME if one.stems == other.stems else _REORDERED
    ours, theirs = ({*each.distinct_stems, *each.fields} for each in (one, other))
    return _MORE if ours <= theirs or theirs <= ours else _OTHER


def judge_words(statements: Sequence[Statement], left: Rows, right: Rows) -> Findings:
    """Judge each pair of entries by their texts alone.

    statements: from `read_statements`.

    Examples
    --------
    >>> import numpy as np
    >>> texts = ["Carbapenem-hydrolyzing lactamase.", "Penicillin-hydrolyzing lactamase.", "Lactamase."]
    >>> judge_words(read_statements(texts), np.array([0, 0]), np.array([1, 2])).reasons.tolist()
    ['words:-hydrolyzing:differs', 'words:one-says-more']
    """
    return compare_values(statements, left, right, compare=compare_statements)


def _near(one: frozenset[str], other: frozenset[str]) -> bool:
    """Tell whether two fields hold one measured value each, as near as measurements of one thing."""
    return len(one) == len(other) == 1 and same_measure(next(iter(one)), next(iter(other)))


def _field(part: str) -> tuple[str, str] | None:
    match = _FIELD.match(part)
    return (match[1].casefold(), match[2]) if match else None


def _read(parts: list[str], labels: set[str]) -> Statement:
    fields, plain = [], []
    for part in parts:
        field = _field(part)
        if field and field[0] in labels:
            fields.append((field[0], split_set(field[1])))
        else:
            plain.append(part)
    words = [word for part in plain for word in _WORD.findall(part) if not is_name(word)]
    stems = tuple(stem(piece) for word in words for piece in re.findall(r"[A-Za-z]+\d*|\d+", word))
    main = words[:_MAIN_WORDS]
    filled = frozenset({*read_colours(main), *(pair for word in main for pair in slots(word.strip("()'/+")))})
    long = frozenset(fold_text(part) for part in plain if len(part.split()) >= _LEAST_STATEMENT)
    return Statement(tuple(sorted(fields, key=lambda field: field[0])), stems, filled, long, read_frames(plain))


def _contradicted_slot(one: Statement, other: Statement) -> str | None:
    """Return the first slot that each text fills with something that the other does not mention."""
    ours, theirs = one.slots - other.slots, other.slots - one.slots
    if not ours or not theirs:
        return None
    mine = {slot for slot, value in ours if stem(value) not in other.distinct_stems}
    yours = {slot for slot, value in theirs if stem(value) not in one.distinct_stems}
    return min(mine & yours, default=None)
