"""Names in one cell, the nested brackets of chemistry included."""

import pytest

from protrek_hm.data.uniprot.names import parse_names


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
