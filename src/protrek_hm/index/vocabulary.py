"""Words of questions and texts: how they are spelled, which of them say nothing, and which say the same.

`synonyms.txt` beside this file holds names of biology that mean one thing, and what else a word stands for. It was
written from general knowledge; questions with known answers served to choose how much another name counts.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

WORD = re.compile(r"[^\W_]+")
"""A word of a folded text."""

_STOP = frozenset(
    "a about all also am an and any are as at be been being by can could do does did for from had has have how i if in "
    "into is it its let like made make makes me my of on or our out over please show so some such than that the their "
    "them then there these they this those to under up used us using via was we were what when where which while who "
    "whose why will with would you your find give looking need want search protein proteins".split()
)
_GREEK = re.compile(r"([\u0391-\u03a9\u03b1-\u03c9])(?=([^\W_])?)")
_ENDING = re.compile(r"(?<=\w)['\u2019](?:s|t|d|m|ll|re|ve)\b")  # Parkinson's, can't
_SPELLINGS = tuple(
    (re.compile(british), american)
    for british, american in (
        (r"aem", "em"),  # haemoglobin, anaemia
        (r"oed", "ed"),
        (r"\boest", "est"),
        (r"\boesoph", "esoph"),
        (r"\bfoet", "fet"),
        (r"\b(f|c|p)aec", r"\1ec"),
        (r"anaesth", "anesth"),
        (r"rrhoea", "rrhea"),
        (r"\b(tum|col|behavi|od|fav|neighb|flav|vap)our", r"\1or"),
        (r"sulph", "sulf"),
        (r"leucocyt", "leukocyt"),
        (r"(hydro|ana|para|cata|auto)lys(e|es|ed|ing)\b", r"\1lyz\2"),
        (r"([a-z]{3})is(e|es|ed|ing|ation|ations)\b", r"\1iz\2"),
        (r"\b(cent|fib|lit)re(s?)\b", r"\1er\2"),
    )
)


def fold(text: str) -> str:
    """Bring a text to the form in which words are compared, before they are stemmed.

    Examples
    --------
    >>> fold("TNF-α, γδ T cells; α1-antitrypsin"), fold("Haemoglobin of Cooley's, polymerised")
    ('tnf-alpha, gamma delta t cells; alpha 1-antitrypsin', 'hemoglobin of cooley, polymerized')
    """
    folded = _ENDING.sub("", _GREEK.sub(_greek_name, unicodedata.normalize("NFKC", text)).lower())
    for british, american in _SPELLINGS:
        folded = british.sub(american, folded)
    return folded


def query_words(query: str) -> list[str]:
    """Split a query into the words that are looked up: distinct, folded, without those that say nothing.

    If nothing else is left, those are kept.

    Examples
    --------
    >>> query_words("Which protein hydrolyses β-lactams?"), query_words("what is it")
    (['hydrolyzes', 'beta', 'lactams'], ['what', 'is', 'it'])
    """
    found = list(dict.fromkeys(WORD.findall(fold(query))))
    return [word for word in found if word not in _STOP] or found


def _greek_name(match: re.Match[str]) -> str:
    *_, name = unicodedata.name(match[1]).rsplit(" ", 1)
    word = "lambda" if name == "LAMDA" else name.lower()
    return word + " " * (match[2] is not None)


@dataclass(frozen=True)
class Term:
    """A word of a question, or several that are one name.

    Attributes
    ----------
    words
        Its words, folded, without those that say nothing.
    same
        Other names of the same thing, as words in a row.
    stands_for
        What it may stand for besides: work of an enzyme, the field's word for an everyday one.
    """

    words: tuple[str, ...]
    same: tuple[tuple[str, ...], ...] = ()
    stands_for: tuple[tuple[str, ...], ...] = ()

    def __str__(self) -> str:
        """Write the words."""
        return " ".join(self.words)

    @property
    def own(self) -> tuple[tuple[str, ...], ...]:
        """Return each word by itself, then the other names of the same thing."""
        return (*((word,) for word in self.words), *self.same)

    @property
    def phrases(self) -> tuple[tuple[str, ...], ...]:
        """Return those, then what the term stands for."""
        return (*self.own, *self.stands_for)


def query_terms(query: str) -> list[Term]:
    """Split a query into terms, the longest known names first, without words that say nothing (see `query_words`).

    Examples
    --------
    >>> [(str(term), term.same) for term in query_terms("restriction enzymes of yeast")]
    [('restriction enzymes', (('restriction', 'endonuclease'),)), ('yeast', ())]
    """
    words, telling = WORD.findall(fold(query)), frozenset(query_words(query))
    keys, known, terms, start = _key(words), _synonyms(), dict[tuple[str, ...], Term](), 0
    while start < len(words):
        ends = range(min(len(words), start + known.longest), start, -1)
        end = next((end for end in ends if keys[start:end] in known), start + 1)
        held = tuple(word for word in words[start:end] if word in telling)
        if held:
            name = keys[start:end]
            terms.setdefault(held, Term(held, known.same.get(name, ()), known.stands_for.get(name, ())))
        start = end
    return list(terms.values())


Names = Mapping[tuple[str, ...], tuple[tuple[str, ...], ...]]


@dataclass(frozen=True)
class _Synonyms:
    same: Names = field(default_factory=dict)
    stands_for: Names = field(default_factory=dict)

    def __contains__(self, name: object) -> bool:
        return name in self.same or name in self.stands_for

    @property
    def longest(self) -> int:
        return max(map(len, (*self.same, *self.stands_for)))


@cache
def _synonyms() -> _Synonyms:
    same, stands_for = dict[tuple[str, ...], list[tuple[str, ...]]](), dict[tuple[str, ...], list[tuple[str, ...]]]()
    for line in _lines(Path(__file__).with_name("synonyms.txt")):
        head, arrow, others = line.partition(" > ")
        names = [tuple(WORD.findall(fold(name))) for name in (others if arrow else line).split("|")]
        if arrow:
            stands_for.setdefault(_key(WORD.findall(fold(head))), []).extend(names)
        else:
            for name in names:
                same.setdefault(_key(name), []).extend(other for other in names if other != name)
    return _Synonyms(
        *({key: tuple(dict.fromkeys(names)) for key, names in each.items()} for each in (same, stands_for))
    )


def _lines(path: Path) -> Iterator[str]:
    for line in path.read_text("utf-8").splitlines():
        if told := line.partition("#")[0].strip():
            yield told


def _key(words: Sequence[str]) -> tuple[str, ...]:
    """Take the plural s from words, so that names are found in both numbers."""
    return tuple(re.sub(r"(?<=[^\W_]{3})(?<!s)s$", "", word) for word in words)
