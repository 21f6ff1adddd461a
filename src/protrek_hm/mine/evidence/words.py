"""What the texts themselves say: labelled fields ("Substrates: Carbapenem."), and telling words.

A difference in wording is not a difference in function. Names and identifiers are taken out, words are cut to
their stems, and two texts differ only where *each* says of its own protein something telling that the other
does not say; where one merely says more, nothing is known (*unsure*).
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from protrek_hm.mine.evidence.columns import compare_sets, split_set
from protrek_hm.mine.evidence.findings import Findings, Outcome, Verdict, compare_values
from protrek_hm.mine.evidence.lexicon import is_name, is_telling, stem
from protrek_hm.mine.text import clean_text

_FIELD = re.compile(r"^([A-Z][A-Za-z]+(?: [A-Za-z]+){0,3}):\s+(.+?)[.;]?$")
_SENTENCE = re.compile(r"(?<=[.;])\s+(?=[A-Z0-9])")
_LEAST_LABEL_USE = 3  # distinct texts that use a label before it counts as a field of the corpus
_MOST_SHARED = 0.5  # share of common words above which two contrasting texts are not called different

_IDENTICAL = Outcome("text:identical", Verdict.SAME)
_SAME_WORDS = Outcome("words:same", Verdict.SAME)
_FIELDS_SAME = Outcome("fields:same", Verdict.SAME)
_MORE = Outcome("words:one-says-more", Verdict.UNSURE)
_ALIKE = Outcome("words:alike", Verdict.UNSURE)
_REWORDED = Outcome("words:fields-same", Verdict.UNSURE)
_CONTRAST = Outcome("words:contrast", Verdict.DIFFERENT)
_UNTOLD = Outcome("words:nothing-telling", Verdict.UNSURE)


@dataclass(frozen=True)
class Statement:
    """A text in parts: `fields` by label, and the stems of its other words, all and telling ones."""

    fields: tuple[tuple[str, frozenset[str]], ...]
    words: frozenset[str]
    telling: frozenset[str]


def read_statements(texts: Sequence[str]) -> list[Statement]:
    """Take all `texts` of a corpus apart; a label counts as a field if several distinct texts use it.

    Examples
    --------
    >>> texts = [f"Class A lactamase TEM-{number}. Substrates: Carbapenem." for number in range(3)]
    >>> statement = read_statements(texts)[0]
    >>> statement.fields, sorted(statement.words)
    ((('substrates', frozenset({'carbapenem'})),), ['a', 'clas', 'lactam'])
    """
    distinct = sorted(set(texts))
    parts = {text: _SENTENCE.split(clean_text(text)) for text in distinct}
    matches = {text: [_FIELD.match(part) for part in parts[text]] for text in distinct}
    uses = Counter(label for found in matches.values() for label in {m[1].casefold() for m in found if m})
    read = {}
    for text in distinct:
        fields, words = [], []
        for part, match in zip(parts[text], matches[text], strict=True):
            if match and uses[match[1].casefold()] >= _LEAST_LABEL_USE:
                fields.append((match[1].casefold(), split_set(match[2])))
            else:
                words += re.findall(r"[A-Za-z0-9][\w'()/+-]*", part)
        named = [word for word in words if not is_name(word)]
        stems = {stem(piece): piece for word in named for piece in re.findall(r"[A-Za-z]+\d*|\d+", word)}
        telling = frozenset(key for key, piece in stems.items() if is_telling(piece))
        read[text] = Statement(tuple(sorted(fields, key=lambda field: field[0])), frozenset(stems), telling)
    return [read[text] for text in texts]


def compare_statements(one: Statement, other: Statement) -> Outcome:
    """Judge two texts: labelled fields first, then telling words, by the rule in this module's head."""
    ours, theirs = dict(one.fields), dict(other.fields)
    overlap = False
    for label in sorted(ours.keys() & theirs.keys()):
        outcome = compare_sets(
            ours[label],
            theirs[label],
            same=_FIELDS_SAME,
            overlaps=Outcome(f"field:{label}:overlaps", Verdict.UNSURE),
            differs=Outcome(f"field:{label}:differs", Verdict.DIFFERENT),
        )
        if outcome.verdict == Verdict.DIFFERENT:
            return outcome
        overlap = overlap or outcome.verdict == Verdict.UNSURE
    mine, yours = one.telling - other.words, other.telling - one.words
    fields_alike = ours == theirs and not overlap
    if not mine and not yours:
        return (_SAME_WORDS if one.words == other.words else _UNTOLD) if fields_alike else _MORE
    if ours and fields_alike:
        return _REWORDED
    if not mine or not yours or overlap:
        return _MORE
    shared = len(one.telling & other.telling) / len(one.telling | other.telling)
    return _CONTRAST if shared <= _MOST_SHARED else _ALIKE


def judge_words(
    texts: Sequence[str], left: Int[np.ndarray, " pairs"], right: Int[np.ndarray, " pairs"]
) -> Findings:
    """Judge each pair of entries by their texts alone.

    Examples
    --------
    >>> texts = ["Carbapenem-hydrolyzing lactamase.", "Penicillin-hydrolyzing lactamase.", "Lactamase."]
    >>> judge_words(texts, np.array([0, 0]), np.array([1, 2])).reasons.tolist()
    ['words:contrast', 'words:one-says-more']
    """
    return compare_values(read_statements(texts), left, right, compare=compare_statements)
