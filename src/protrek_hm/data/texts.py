"""Texts as people would write them, with what UniProt says of their evidence apart; and when two are one text."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

import polars as pl

EVIDENCE = "text_evidence"
"""Column that says how a text is known: the ECO codes of its statements, and `UNTOLD` for those without."""

UNTOLD = "none"
_DASHES = dict.fromkeys(map(ord, "‐‑‒–—―−"), "-")
_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"), "")
_SIGNS = ("(-)", *"!?%‰&*#@")  # beside what Unicode calls symbols
_NO_LETTER = re.compile(r"\(-\)|[^\w\s]|_")

_TAG = re.compile(r"\{ECO:[^}]*\}", re.IGNORECASE)
_CODE = re.compile(r"ECO:\d+", re.IGNORECASE)
_STANDINGS = {"by similarity": "ECO:0000250", "probable": "ECO:0000305", "potential": "ECO:0000255"}
"""What UniProt wrote before 2014, and the codes that it replaced it by."""
_FROM_RELATIVES = r"by similarity|inferred from homology"
_STANDING = rf"{_FROM_RELATIVES}|probable|potential|possible|predicted"
_STANDS = re.compile(rf"[(;,]\s?(?:{_STANDING})\)|(?:^|(?<=[.;]))\s*(?:{_FROM_RELATIVES})\.?$", re.IGNORECASE)
_SOURCE = r"(?:PubMed:\s?\d+|Ref\.\s?\d+)"
_LISTED = rf"(?:{_SOURCE}|{_FROM_RELATIVES})"
_SOURCES = rf"{_LISTED}(?:(?:,? and |[,;] ?){_LISTED})*"
# Each begins with a letter that must stand there, or is tried only where its letters do: so they are found fast.
_MARK = re.compile(rf"\{{(?i:ECO):[^}}]*\}}|\((?i:{_STANDING}|{_SOURCES})\)")
_LAST_MARK = re.compile(rf"(?:^|(?<=[.;]))\s*(?:{_FROM_RELATIVES})\.?$", re.IGNORECASE)
_SOURCE_IN_BRACKETS = re.compile(rf"[,;] ?{_SOURCES}(?=[);])", re.IGNORECASE)
_SOURCE_IN_SENTENCE = re.compile(rf"{_SOURCE}(?:(?:,? and |, ){_SOURCE})*", re.IGNORECASE)
_TOLD_BY = ("pubmed:", "ref.", "imilarity", "omology")
_MARKED = rf"(?i)\{{ECO:|PubMed:|Ref\.|\((?:{_STANDING})\)|{_FROM_RELATIVES}"
_SENTENCE = re.compile(r"(?<=[.;])\s+(?=[A-Z0-9\[])(?!By similarity|Inferred from homology)")


def split_evidence(texts: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Take UniProt's marks out of texts; return the texts, and what the marks say (see `read_evidence`).

    >>> text = "FUNCTION: Binds iron (PubMed:1). {ECO:0000269|PubMed:1}.; FUNCTION: [Isoform 2]: Inert."
    >>> [column.to_list() for column in split_evidence(pl.Series([text, "Kinase."]))]
    [['Binds iron. [Isoform 2]: Inert.', 'Kinase.'], ['ECO:0000269; none', None]]
    """
    texts = texts.str.replace("^FUNCTION: ", "").str.replace_all("; FUNCTION: ", " ", literal=True)
    evidence = pl.Series([None], dtype=pl.String).new_from_index(0, len(texts))
    rows = texts.str.contains(_MARKED).fill_null(value=False).arg_true()
    if len(rows):
        marked = texts.gather(rows).to_list()
        texts = texts.scatter(rows, list(map(clean_text, marked)))
        evidence = evidence.scatter(rows, list(map(read_evidence, marked)))
    return texts, evidence


def read_evidence(text: str) -> str | None:
    """Return the ECO codes that a text's marks stand for, each once, joined by "; "; None without any mark.

    A tag speaks for all that stands in front of it up to the tag before. A statement that no mark speaks for is
    `UNTOLD`. "By similarity", "Probable" and "Potential" are the codes that UniProt replaced them by.

    >>> read_evidence("Binds iron. Rests. {ECO:0000250|UniProtKB:P1}."), read_evidence("Kinase.")
    ('ECO:0000250', None)
    >>> read_evidence("Kinase. Binds iron (By similarity)."), read_evidence("Kinase {ECO:0000269|PubMed:1}. Rests.")
    ('ECO:0000250; none', 'ECO:0000269; none')
    """
    return join_evidence(codes_of(text))


def codes_of(text: str) -> set[str]:
    """Return the same as a set; with `UNTOLD` alone for a text without any mark."""
    *_, last = _TAG.split(text)
    codes = codes_in(text)
    for sentence in _SENTENCE.split(last):
        standing = {mark[0].strip(" .(),;").lower() for mark in _STANDS.finditer(sentence)}
        codes |= {_STANDINGS.get(mark, "ECO:0000250") for mark in standing}
        if not standing and re.search(r"\w", sentence):
            codes.add(UNTOLD)
    return codes


def codes_in(text: str) -> set[str]:
    """Return the ECO codes of the tags in a text.

    >>> sorted(codes_in("Binds {ECO:0000250|UniProtKB:P1, ECO:0000305}."))
    ['ECO:0000250', 'ECO:0000305']
    """
    return {code.upper() for tag in _TAG.findall(text) for code in _CODE.findall(tag)}


def join_evidence(codes: set[str]) -> str | None:
    """Join codes as they stand in the column `EVIDENCE`.

    >>> join_evidence({"none", "ECO:0000269"}), join_evidence({"none"})
    ('ECO:0000269; none', None)
    """
    return "; ".join(sorted(codes)) if codes - {UNTOLD} else None


def clean_text(text: str) -> str:
    """Take out what says how a statement is known: evidence codes, citations, "By similarity".

    A publication that is part of the sentence stays as "a publication".

    >>> clean_text("Binds heme (PubMed:123). (By similarity) {ECO:0000250}."), clean_text("Inert. {ECO:0000305}.")
    ('Binds heme.', 'Inert.')
    >>> clean_text("Inert in vitro (at pH 5; PubMed:3), as PubMed:7 says {ECO:0000269|PubMed:1}")
    'Inert in vitro (at pH 5), as a publication says'
    """
    kept, end = "", 0
    text = " ".join(text.split())
    for mark in _MARK.finditer(text):
        kept = _joined(kept, text[end : mark.start()].rstrip())
        end = mark.end()
    kept = _joined(kept, text[end:]).strip()
    lower = kept.lower()
    if not any(told in lower for told in _TOLD_BY):
        return kept
    kept = _SOURCE_IN_BRACKETS.sub("", _LAST_MARK.sub("", kept))
    return _SOURCE_IN_SENTENCE.sub("a publication", kept)


def _joined(one: str, other: str) -> str:
    """Join what stands on both sides of a mark; a full stop that stood on both sides is one."""
    return one + other[1:] if one.endswith(".") and other.startswith(".") else one + other


@lru_cache(maxsize=1_000_000)
def fold_text(text: str) -> str:
    r"""Return the form in which two spellings of a text are one, wherever texts are told apart or held as the same.

    Case, blanks of any kind, Unicode's forms (composed or not, ligatures, superscripts), invisible characters,
    punctuation and marks (see `clean_text`) do not count. Signs that say something do: +, >, %, "?" and "(-)".

    Examples
    --------
    >>> fold_text("Binds heme. (By similarity)") == fold_text("binds\u00a0 HEME")
    True
    >>> fold_text("Makes (+)-limonene."), fold_text("Makes (−)-limonene."), fold_text("NAD(+)") == fold_text("NAD+")
    ('makes + limonene', 'makes (-) limonene', True)
    """
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFD", text).casefold())
    plain = unicodedata.normalize("NFKC", plain.casefold()).translate(_DASHES | _INVISIBLE)
    return " ".join(_NO_LETTER.sub(_sign, clean_text(plain)).split())


def one_spelling(texts: Iterable[str]) -> dict[str, str]:
    """Return for each spelling the one that stands for its text: the most frequent, of several the first by letters.

    >>> one_spelling(["Binds iron.", "binds iron", "Binds iron.", "Cuts."])
    {'Binds iron.': 'Binds iron.', 'Cuts.': 'Cuts.', 'binds iron': 'Binds iron.'}
    """
    counts = Counter(texts)
    best: dict[str, str] = {}
    for text in sorted(counts, key=lambda each: (-counts[each], each)):
        best.setdefault(fold_text(text), text)
    return {text: best[fold_text(text)] for text in sorted(counts)}


def _sign(found: re.Match[str]) -> str:
    """Keep a sign apart from the words, an accent on its letter; punctuation becomes a blank."""
    character = found[0]
    kind = "S" if character in _SIGNS else unicodedata.category(character)[0]
    return f" {character} " if kind == "S" else character if kind == "M" else " "
