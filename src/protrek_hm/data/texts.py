"""Texts as people would write them, without UniProt's evidence tags and references; and when two are one text."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

import polars as pl

_MARKS = re.compile(
    r"\{ECO:[^}]*\}"  # evidence codes
    r"|\((?:PubMed|Ref)[:.][^)]*\)"  # citations
    r"|\((?:by similarity|probable|potential|possible|predicted)\)"
    r"|\b(?:by similarity|inferred from homology)\b",
    re.IGNORECASE,
)
_DASHES = dict.fromkeys(map(ord, "‐‑‒–—―−"), "-")
_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"), "")
_NO_LETTER = re.compile(r"\(-\)|[^\w\s]|_")

_REFERENCE = r"(?:PubMed:\d+|Ref\.\d+)"
_REPLACED = (
    (r"\.\s*\{ECO:[^}]*\}\.?", "."),
    (r"\s*\{ECO:[^}]*\}", ""),
    (rf"\s*\({_REFERENCE}(?:(?:, | and ){_REFERENCE})*\)", ""),
    (r"^FUNCTION: ", ""),
    (r"; FUNCTION: ", " "),
)


def without_evidence(texts: pl.Expr) -> pl.Expr:
    """Take UniProt's ``FUNCTION:``, ``{ECO:…}`` and ``(PubMed:…)`` out of texts.

    >>> text = "FUNCTION: Binds iron (PubMed:1). {ECO:0000269|PubMed:1}.; FUNCTION: [Isoform 2]: Inert."
    >>> pl.select(without_evidence(pl.lit(text))).item()
    'Binds iron. [Isoform 2]: Inert.'
    """
    for pattern, replacement in _REPLACED:
        texts = texts.str.replace_all(pattern, replacement)
    return texts


def clean_text(text: str) -> str:
    """Drop what says how a statement is known: evidence codes, citations, "By similarity".

    Examples
    --------
    >>> clean_text("Binds heme (PubMed:123). (By similarity) {ECO:0000250}")
    'Binds heme.'
    """
    return re.sub(r"\s+([.,;])", r"\1", " ".join(_MARKS.sub(" ", text).split()))


@lru_cache(maxsize=1_000_000)
def fold_text(text: str) -> str:
    r"""Return the form in which two spellings of a text are one, wherever texts are told apart or held as the same.

    Case, blanks of any kind, Unicode's forms (composed or not, ligatures, superscripts), invisible characters,
    punctuation and marks (see `clean_text`) do not count. Signs such as + and > do, and so does "(-)", since they
    tell substances apart.

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
    kind = "S" if character == "(-)" else unicodedata.category(character)[0]
    return f" {character} " if kind == "S" else character if kind == "M" else " "
