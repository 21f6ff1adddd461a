"""What is taken out of texts, and what stays."""

import polars as pl
import pytest

from protrek_hm.data.texts import without_evidence


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FUNCTION: Binds iron.", "Binds iron."),
        ("Binds iron (PubMed:12).", "Binds iron."),
        ("Binds iron (PubMed:12, PubMed:345), copper (Ref.1) and zinc.", "Binds iron, copper and zinc."),
        ("Binds iron (PubMed:12 and PubMed:13).", "Binds iron."),
        ("Binds iron. {ECO:0000269|PubMed:1, ECO:0000305}.", "Binds iron."),
        ("TEM-1 {ECO:0000303|Ref.1}", "TEM-1"),
        ("FUNCTION: One. {ECO:0000250}.; FUNCTION: [Isoform 2]: Two.", "One. [Isoform 2]: Two."),
        ("Its FUNCTION: unknown", "Its FUNCTION: unknown"),
        ("Binds (SRP54, PubMed:12) ribosomes", "Binds (SRP54, PubMed:12) ribosomes"),
        ("Binds NAD(+) (By similarity).", "Binds NAD(+) (By similarity)."),
    ],
)
def test_evidence(text, expected):
    assert pl.select(without_evidence(pl.lit(text))).item() == expected
