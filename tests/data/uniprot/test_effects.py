"""Which statement is about which mutant, and which clauses are effects."""

from collections import Counter

import pytest

from protrek_hm.data.uniprot.effects import split_effects, variant_effect
from protrek_hm.data.uniprot.mutations import parse_changes


@pytest.mark.parametrize(
    ("description", "statements"),
    [
        ("Loss of activity.", [("Loss of activity.", ())]),
        ("Slow. Dead; when associated with A-5 and A- 12.", [("Slow.", ()), ("Dead.", ((5, "A"), (12, "A")))]),
        ("Dead; when associated with variant V-5. No growth.", [("Dead.", ((5, "V"),)), ("No growth.", ())]),
        ("A; when associated with R-5. B; when associated with R-5.", [("A. B.", ((5, "R"),))]),
        ("Dead when associated with 62-D-E-63.", [("Dead.", ((62, "DE"),))]),
        ("Dead; when associated with DEL-GENE.", [("Dead.", None)]),
        ("Dead; when associated with 332-A--A-342.", [("Dead.", None)]),
        ("Dead; when associated with 332-A-A-342.", [("Dead.", None)]),
        ("Grows in E.coli at 37 degrees. Dead.", [("Grows in E.coli at 37 degrees. Dead.", ())]),
        ("When associated with A-5, dead.", [("Dead.", ((5, "A"),))]),
        ("Slow; when assocoated with A-5.", [("Slow.", ((5, "A"),))]),
        ("No effect in combination with A-5.", [("No effect.", ((5, "A"),))]),
        ("Lethal in combination with a TSTX disruption.", [("Lethal.", None)]),
        ("No effect when associated with A-5 but dead alone.", [("No effect.", None)]),
        ("", []),
    ],
)  # fmt: skip
def test_statements(description, statements):
    assert split_effects(description) == statements


@pytest.mark.parametrize(
    ("description", "effect"),
    [
        ("in TAX1; no effect on kinase activity; dbSNP:rs1", "No effect on kinase activity."),
        ("in TAX1; uncertain significance", None),
        ("requires 2 nucleotide substitutions", None),
        ("in strain: K12", None),
        ("does not affect binding", "Does not affect binding."),
        ("in TAX1; no change in level; stays inside the cell", "No change in level; stays inside the cell."),
        ("in TAX1; reduced activity; sticks to glass; dbSNP:rs1", "Reduced activity; sticks to glass."),
        ("in vitro loss of activity; in TAX1", "In vitro loss of activity."),
        ("in a sample; somatic mutation; common; loss of activity", "Loss of activity."),
        ("in TAX1; stays inside the cell", None),
        (
            "no effect on level; associated with reduced activity",
            "No effect on level; associated with reduced activity.",
        ),
        ("in TAX1; in transfected cells, loss of binding", "In transfected cells, loss of binding."),
        ("in TAX1, TAX2 and TAX3; associated with susceptibility to TAX4", None),
        ("in a patient with testing deficiency; found in a family with tests", None),
        ("", None),
    ],
)
def test_effects_of_variants(description, effect):
    assert variant_effect(description) == effect


@pytest.mark.realdata
def test_against_the_partners_of_real_mutants(real_data):
    """Each partner named there is found here, and the ones they left out besides."""
    import polars as pl

    table = pl.read_csv(real_data / "mutagenesis_twins.tsv.gz", separator="\t", quote_char=None, infer_schema=False)
    seen = Counter()
    for name, effect in table.filter(pl.col("mutation").str.contains("+", literal=True))[
        "mutation", "effect"
    ].iter_rows():
        partners = {(change.start, change.replacement) for change in parse_changes(name)[1:]}
        found = [set(each) for _, each in split_effects(effect) if each]
        seen["equal" if partners in found else "more" if any(each > partners for each in found) else "none"] += 1
    assert (seen["equal"], seen["more"]) == (560, 166)
    assert seen["none"] == 22, "other genes' deletions and slips of the pen"
