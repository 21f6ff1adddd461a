import pytest

from protrek_hm.mine.evidence.guesses import is_guess


@pytest.mark.parametrize(
    "text",
    [
        "Putative uncharacterized protein.",
        "May act as a transporter.",
        "Binds heme (By similarity).",
        "Binds heme. {ECO:0000250|UniProtKB:P12345}",
        "Binds heme. Binds iron. {ECO:0000250|UniProtKB:P12345}.",
        "Binds heme. {ECO:0000256|HAMAP-Rule:MF_1, ECO:0000256|ARBA:1}.",
        "Binds heme. {ECO:0000255|HAMAP-Rule:MF_1}. Binds iron. {ECO:0000305}.",
        "Binds heme (By similarity). Transports iron (Probable).",
        "Cuts chitin, by similarity.",
        "Cuts chitin (inferred from sequence similarity); binds iron.",
        "Ferritin-like protein 2",
        "Homolog of yeast CDC6.",
        "Protein mago nashi homolog",
    ],
)
def test_inferred_texts_are_guesses(text):
    assert is_guess(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Binds heme.",
        "Binds heme. {ECO:0000269|PubMed:1}",
        "Binds heme. {ECO:0000250|UniProtKB:P1, ECO:0000269|PubMed:1}.",
        "Binds heme. {ECO:0000303|PubMed:1}.",
        "Binds heme. {ECO:0000250}. Binds iron. {ECO:0000269|PubMed:1}.",
        "Binds heme. {ECO:0000250}. Binds iron.",
        "Binds heme. Transports iron (By similarity).",
        "Insulin-like growth regulator",
        "Resolves homologous recombination intermediates.",
        "Generates the membrane potential.",
        "Repairs breaks by homology-directed exchange.",
    ],
)
def test_statements_are_none(text):
    assert not is_guess(text)


@pytest.mark.parametrize(
    ("evidence", "guess"),
    [
        ("ECO:0000250", True),
        ("ECO:0000250; ECO:0000305", True),
        ("ECO:0000250|UniProtKB:P1;ECO:0000305", True),
        ("ECO:0000250; ECO:0000269", False),
        ("ECO:0000250; none", False),
        ("ECO:0000269", False),
        (None, False),
    ],
)
def test_evidence_in_a_column_of_its_own(evidence, guess):
    assert is_guess("Binds heme.", evidence) is guess
    assert is_guess("Probable kinase.", evidence), "its words say so, whatever is known of them"
