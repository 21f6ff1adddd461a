"""Names in one cell, the nested brackets of chemistry included."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protrek_hm.data.texts import fold_text, split_evidence
from protrek_hm.data.uniprot.texts import bare, parse_names, plain


@pytest.mark.parametrize(
    ("cell", "name", "alternatives"),
    [
        ("Testase", "Testase", []),
        ("Tyrosine 3-monooxygenase (EC 1.14.16.2) (Tyrosine 3-hydroxylase) (TH)", "Tyrosine 3-monooxygenase",
         ["Tyrosine 3-hydroxylase", "TH"]),
        ("(S)-2-haloacid dehalogenase (EC 3.8.1.2)", "(S)-2-haloacid dehalogenase", []),
        ("tRNA (guanine(37)-N(1))-methyltransferase (EC 2.1.1.228) (M1G-methyltransferase)",
         "tRNA (guanine(37)-N(1))-methyltransferase", ["M1G-methyltransferase"]),
        ("DNA ligase (NAD(+))", "DNA ligase", ["NAD(+)"]),  # cannot be told from an alternative
        ("T-cell protein (CD antigen CD4) (allergen Tes t 1)", "T-cell protein", ["CD4", "Tes t 1"]),
        ("Odd (unclosed", "Odd (unclosed", []),
        ("Odd closed)", "Odd closed)", []),
        ("", "", []),
    ],
)  # fmt: skip
def test_names(cell, name, alternatives):
    names = parse_names(cell)
    assert (names.name, names.alternatives) == (name, alternatives)


def test_parts_with_parts():
    names = parse_names(
        "Poly [Cleaved into: A (a-chain) (EC 1.1.1.1); B] [Includes: C (EC 2.2.2.2); D (EC 3.3.3.3)] (Fragments)"
    )
    assert (names.components, names.domains, names.fragment) == (["A", "B"], ["C", "D"], True)
    assert names.ec == ["1.1.1.1", "2.2.2.2", "3.3.3.3"]
    assert parse_names("Poly (Fragment) [Includes: C]").fragment


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Binds (PubMed:1, PubMed:2 and PubMed:3).", "Binds."),
        ("Binds (PubMed:1; Ref.4), then rests.", "Binds, then rests."),
        ("Binds (in vitro, PubMed:1) iron.", "Binds (in vitro) iron."),
        ("Binds [in vitro; PubMed:1, PubMed:2].", "Binds [in vitro; a publication]."),
        ("One. {ECO:0000269|PubMed:1, ECO:0000305}. Two {ECO:0000303}; three. {ECO:0000305}", "One. Two; three."),
        ("According to PubMed:1 and Ref.2, binds.", "According to a publication, binds."),
        ("Why? {ECO:1}", "Why?"),
        ("Binds (Potential)  a\tb", "Binds a b."),
        ("In {braces} and (brackets)", "In {braces} and (brackets)."),
        (" ", ""),
    ],
)
def test_by_hand(text, words):
    assert plain(text) == words


WORDS = st.lists(st.sampled_from(["binds", "iron", "(II)", "in", "E.coli", "at", "pH 5"]), min_size=1).map(" ".join)
TAGS = st.sampled_from([" {ECO:0000269|PubMed:1}", "", ". {ECO:0000305}"])


@given(st.lists(st.tuples(WORDS, st.sampled_from(["", " (PubMed:1)", " (PubMed:1, PubMed:22)"]), TAGS), min_size=1))
def test_only_marks_go(sentences):
    text = " ".join(f"{words}{citation}.{tag.removeprefix('.')}" for words, citation, tag in sentences)
    assert plain(text) == " ".join(f"{words}." for words, _, _ in sentences)
    assert plain(plain(text)) == plain(text)


@pytest.mark.parametrize(
    "text",
    [
        "Binds iron (PubMed:1). Rests. {ECO:0000269|PubMed:1}.",
        "Inert. {ECO:0000305}.",
        "Binds iron (SRP54, PubMed:12; By similarity).",
        "Binds iron (By similarity). {ECO:0000250}.",
        "As PubMed:7 says, binds iron.",
    ],
)
def test_one_result_wherever_texts_are_cleaned(text):
    import polars as pl

    assert split_evidence(pl.Series([text]))[0].to_list() == [plain(text)]
    assert fold_text(plain(text)) == fold_text(text)


def test_names_lose_their_tags_only():
    assert bare("Name {ECO:1, ECO:2}; x") == "Name; x"
