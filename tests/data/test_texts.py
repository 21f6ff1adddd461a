"""What is taken out of texts, and what stays."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protrek_hm.data.texts import clean_text, fold_text, read_evidence, split_evidence


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
        ("Binds (SRP54, PubMed:12) ribosomes", "Binds (SRP54) ribosomes"),
        ("Binds NAD(+) (By similarity).", "Binds NAD(+)."),
        ("Inert. {ECO:0000305}.", "Inert."),
        ("Binds heme. (By similarity).", "Binds heme."),
        ("Binds heme. By similarity.", "Binds heme."),
        ("Binds heme. By similarity. {ECO:0000250}.", "Binds heme."),
        ("Binds heme (Ref.1; By similarity), and iron (SRP54; By similarity).", "Binds heme, and iron (SRP54)."),
        ("Clusters sequences by similarity to others.", "Clusters sequences by similarity to others."),
        ("Possible role. {ECO:0000305}", "Possible role."),
        (None, None),
    ],
)
def test_marks_are_taken_out(text, expected):
    assert split_evidence(pl.Series([text, "x"], dtype=pl.String))[0].to_list() == [expected, "x"]


@pytest.mark.parametrize(
    ("text", "evidence"),
    [
        ("Binds iron.", None),
        ("Binds iron. {ECO:0000250|UniProtKB:P1}.", "ECO:0000250"),
        ("Binds iron. Rests. {ECO:0000250|UniProtKB:P1}.", "ECO:0000250"),
        ("Binds iron. {ECO:0000269|PubMed:1}. Rests. {ECO:0000250}.", "ECO:0000250; ECO:0000269"),
        ("Binds. {ECO:0000250|UniProtKB:P1, ECO:0000269|PubMed:1}.", "ECO:0000250; ECO:0000269"),
        ("Binds iron. {ECO:0000250}. Rests.", "ECO:0000250; none"),
        ("Binds iron (By similarity). Rests (Probable). Sings (Potential).", "ECO:0000250; ECO:0000255; ECO:0000305"),
        ("Binds iron. By similarity.", "ECO:0000250"),
        ("Binds iron. Rests (By similarity).", "ECO:0000250; none"),
        ("Binds iron (SRP54; By similarity).", "ECO:0000250"),
        ("FUNCTION: Binds. {ECO:0000250}.; FUNCTION: [Isoform 2]: Rests. {ECO:0000305}.", "ECO:0000250; ECO:0000305"),
        ("", None),
    ],
)
def test_what_marks_say(text, evidence):
    assert read_evidence(text) == evidence


@given(st.text(max_size=60))
def test_folding_is_idempotent(text):
    assert fold_text(fold_text(text)) == fold_text(text)


def test_marks_are_no_statement():
    assert clean_text("Binds iron. {ECO:0000269|PubMed:1} (Probable)") == "Binds iron."
    assert fold_text("Binds IRON (By similarity).") == fold_text("binds iron")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Binds  ZINC\tions.\r\n", "binds zinc ions"),
        ("Binds\u00a0zinc\u2009ions", "Binds zinc ions"),
        ("Cytochrom für Häm", "CYTOCHROM FU\u0308R HA\u0308M"),
        ("Bindet Straße", "bindet STRASSE"),
        ("Binds Fe²⁺ ﬁrmly", "Binds Fe2+ firmly"),
        ("Binds \u00b5-opioids", "Binds \u03bc-opioids"),
        ("A zinc\u2011binding, 5′-specific kinase", "A zinc-binding 5'-specific kinase"),
        ("A kin\u00adase\ufeff", "A kinase"),
        ("Binds NAD(+).", "Binds NAD+"),
        ("Binds heme (PubMed:1; PubMed:2) {ECO:0000269}.", "binds heme"),
    ],
)
def test_two_spellings_are_one_text(one, other):
    assert fold_text(one) == fold_text(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Makes (+)-limonene", "Makes (-)-limonene"),
        ("Makes (-)-limonene", "Makes limonene"),
        ("Binds Fe(2+)", "Binds Fe(3+)"),
        ("Opens at pH > 7", "Opens at pH < 7"),
        ("Is a kinase?", "Is a kinase."),
        ("Loses 50% of it", "Loses 50 of it"),
        ("Binds alpha", "Binds beta"),
        ("Is a kinase", "Isa kinase"),
    ],
)
def test_other_texts_stay_other_texts(one, other):
    assert fold_text(one) != fold_text(other)
