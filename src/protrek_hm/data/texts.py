"""Texts as people would write them: UniProt's evidence tags and literature references taken out."""

import polars as pl

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
