"""Which statement is about which mutant, and which say that nothing changed."""

from collections import Counter

import pytest

from protrek_hm.data.uniprot.effects import is_neutral, split_effects, variant_effect
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
        ("", None),
    ],
)
def test_effects_of_variants(description, effect):
    assert variant_effect(description) == effect


@pytest.mark.parametrize(
    "effect",
    [
        "No effect.",
        "No effect on growth; no effect on kinase activity.",
        "In dlt1-1; normal growth.",
        "Almost no effect on activity.",
        "Does not affect protein levels. Does not impair heterodimer formation.",
        "Does not significantly affect activity.",
        "Has little or no effect on binding.",
        "Retains full activity.",
        "Same activity as wild-type.",
        "Unaffected cleavage.",
        "No change in activity, and normal localization.",
    ],
)
def test_neutral(effect):
    assert is_neutral(effect)


@pytest.mark.parametrize(
    "effect",
    [
        "Loss of activity.",
        "Reduces binding without affecting growth.",
        "No effect on binding but impairs growth.",
        "14% of wild-type activity.",
        "Retains about 60% of activity.",
        "No kinase activity.",
        "Non-viable.",
        "Partially functional.",
        "Less active than the wild-type enzyme.",
        "No interaction with FIS1; slight decrease in interaction with DNM1.",
        "Increased binding. No effect on growth.",
        "Binds zinc.",
        "",
    ],
)
def test_not_neutral(effect):
    assert not is_neutral(effect)


@pytest.mark.realdata
def test_against_the_labels_of_real_mutants(real_data):
    """The labels call an effect neutral if any words in it do, mixed ones too; ours only if all do: 93.2 % agree."""
    import polars as pl

    table = pl.read_csv(real_data / "mutagenesis_twins.tsv.gz", separator="\t", quote_char=None, infer_schema=False)
    ours = [str(int(is_neutral(effect))) for effect in table["effect"]]
    counts = Counter(zip(table["neutral"], ours, strict=True))
    assert sum(counts.values()) == 4_264
    assert counts == {("0", "0"): 3_628, ("1", "1"): 346, ("1", "0"): 242, ("0", "1"): 48}


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
