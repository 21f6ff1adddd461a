"""Texts as people would say them: without evidence, references and marks of how a thing is known."""

import re

# Each pattern begins with a letter or two that must stand there: so it is found at the speed of a search for them.
_EVIDENCE = re.compile(r"\{ECO:[^}]*\}")
_STANDING = re.compile(r" \((?:[Bb]y [Ss]imilarity|[Pp]robable|[Pp]otential|[Pp]ossible)\)")
_SOURCE = r"(?:PubMed:\d+|Ref\.\d+)"
_SOURCES = rf"{_SOURCE}(?:(?:,? and |[,;] ?){_SOURCE})*"
_CITATION = re.compile(rf" \({_SOURCES}\)")
_CITATION_IN_BRACKETS = re.compile(rf"[,;] ?{_SOURCES}(?=[);])")
_BARE = re.compile(rf"{_SOURCE}(?:(?:,? and |, ){_SOURCE})*")


def plain(text: str) -> str:
    """Take evidence tags, PubMed identifiers and "By similarity" out of a text, and end it with a full stop.

    A publication that is part of the sentence stays as "a publication".

    >>> plain("Binds iron (PubMed:1, PubMed:2). Inert in vitro (at pH 5; PubMed:3) {ECO:0000269|PubMed:1}.")
    'Binds iron. Inert in vitro (at pH 5).'
    >>> plain("Homodimer (By similarity). {ECO:0000250}."), plain("Was said by PubMed:7 to bind zinc")
    ('Homodimer.', 'Was said by a publication to bind zinc.')
    >>> plain("  ")
    ''
    """
    text = " ".join(text.split())
    if "{ECO" in text:
        text = _without_evidence(text)
    if " (" in text:
        text = _CITATION.sub("", _STANDING.sub("", text))
    if "PubMed:" in text or "Ref." in text:
        text = _BARE.sub("a publication", _CITATION_IN_BRACKETS.sub("", text))
    return text if not text or text.endswith((".", "?", "!")) else text + "."


def bare(text: str) -> str:
    """Take evidence tags out of a name, and nothing else.

    >>> bare("Iron sulfur cluster {ECO:0000255|HAMAP-Rule:MF_1}")
    'Iron sulfur cluster'
    """
    return _without_evidence(text).strip() if "{ECO" in text else text.strip()


def _without_evidence(text: str) -> str:
    """Take the tags out, with the blanks in front of them and a full stop that stood on both sides."""
    kept, *rest = _EVIDENCE.split(text)
    for part in rest:
        kept = kept.rstrip()
        kept += part[1:] if kept.endswith(".") and part.startswith(".") else part
    return kept.rstrip()
