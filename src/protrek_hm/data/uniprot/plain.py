"""Texts and names as people would say them: without evidence, references and marks of how a thing is known."""

import re

from protrek_hm.data.texts import clean_text

_TAG = re.compile(r"\s*\{ECO:[^}]*\}")


def plain(text: str) -> str:
    """Clean a text (`data.texts.clean_text`), and end it with a full stop.

    >>> plain("Binds iron (PubMed:1, PubMed:2). Inert in vitro (at pH 5; PubMed:3) {ECO:0000269|PubMed:1}.")
    'Binds iron. Inert in vitro (at pH 5).'
    >>> plain("Homodimer (By similarity). {ECO:0000250}."), plain("Was said by PubMed:7 to bind zinc")
    ('Homodimer.', 'Was said by a publication to bind zinc.')
    >>> plain("  ")
    ''
    """
    text = clean_text(text)
    return text if not text or text.endswith((".", "?", "!")) else text + "."


def bare(text: str) -> str:
    """Take evidence tags out of a name, and nothing else.

    >>> bare("Iron sulfur cluster {ECO:0000255|HAMAP-Rule:MF_1}")
    'Iron sulfur cluster'
    """
    return _TAG.sub("", text).strip() if "{ECO" in text else text.strip()
