import pytest

from protrek_hm.mine.evidence.guesses import is_guess


@pytest.mark.parametrize(
    "text",
    [
        "Putative uncharacterized protein.",
        "May act as a transporter.",
        "Binds heme (By similarity).",
        "Binds heme. {ECO:0000250|UniProtKB:P12345}",
        "Binds heme (By similarity). Transports iron (Probable).",
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
        "Binds heme. Transports iron (By similarity).",
        "Insulin-like growth regulator",
        "Resolves homologous recombination intermediates.",
        "Generates the membrane potential.",
    ],
)
def test_statements_are_none(text):
    assert not is_guess(text)
