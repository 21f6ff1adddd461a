"""Texts as people would write them: UniProt's evidence tags and literature references taken out."""

import polars as pl

MISSING = ("", "-", ".", "?", "na", "n/a", "nan", "null", "none")
"""Cells that say that there is nothing, in lower case. "NA" would be a dipeptide; nobody means it."""

_REFERENCE = r"(?:PubMed:\d+|Ref\.\d+)"
_REPLACED = (
    (r"\.\s*\{ECO:[^}]*\}\.?", "."),
    (r"\s*\{ECO:[^}]*\}", ""),
    (rf"\s*\({_REFERENCE}(?:(?:, | and ){_REFERENCE})*\)", ""),
    (r"^FUNCTION: ", ""),
    (r"; FUNCTION: ", " "),
)


def or_null(cells: pl.Expr) -> pl.Expr:
    """Take the blanks around cells away, and make those that say "nothing" null.

    >>> pl.select(or_null(pl.Series([" a ", "N/A", "-", "nano"])).alias("cells"))["cells"].to_list()
    ['a', None, None, 'nano']
    """
    stripped = cells.str.strip_chars()
    missing = (stripped.str.len_bytes() <= 4) & stripped.str.to_lowercase().is_in(MISSING)
    return pl.when(~missing).then(stripped)


def without_evidence(texts: pl.Expr) -> pl.Expr:
    """Take UniProt's ``FUNCTION:``, ``{ECO:…}`` and ``(PubMed:…)`` out of texts.

    >>> text = "FUNCTION: Binds iron (PubMed:1). {ECO:0000269|PubMed:1}.; FUNCTION: [Isoform 2]: Inert."
    >>> pl.select(without_evidence(pl.lit(text))).item()
    'Binds iron. [Isoform 2]: Inert.'
    """
    for pattern, replacement in _REPLACED:
        texts = texts.str.replace_all(pattern, replacement)
    return texts
