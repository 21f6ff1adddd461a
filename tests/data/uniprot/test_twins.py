"""Gold twins from features; whatever cannot be trusted is counted, not guessed."""

from collections import Counter

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protrek_hm.data import read_proteins
from protrek_hm.data.uniprot.entry import Entry, Feature, Names
from protrek_hm.data.uniprot.twins import (
    SCHEMA,
    Change,
    TwinReport,
    apply_changes,
    gold_twins,
    name_changes,
    parse_changes,
    split_effects,
    variant_effect,
)

SEQUENCE = "MKVLAAAAKKMR"


def twins(*features, report=None):
    entry = Entry(
        accession="P1",
        entry_name="TST_X",
        names=Names("Testase"),
        organism="X",
        sequence=SEQUENCE,
        comments={"function": ["Tests.", "Rests."]},
        features=list(features),
    )
    return [dict(zip(SCHEMA, row, strict=True)) for row in gold_twins(entry, report)]


def mutagen(start, end, original, replacements, text, isoform=None):
    return Feature("MUTAGEN", start, end, original, replacements, text, isoform)


def test_a_row():
    assert twins(mutagen(2, 2, "K", ("R",), "No effect.")) == [
        {
            "accession": "P1",
            "entry_name": "TST_X",
            "protein_name": "Testase",
            "organism": "X",
            "mutation": "K2R",
            "effect": "No effect.",
            "neutral": 1,
            "wt_function": "Tests. Rests.",
            "n_changed": 1,
            "wt_sequence": SEQUENCE,
            "mut_sequence": "MRVLAAAAKKMR",
            "source": "UniProt MUTAGEN",
        }
    ]


@pytest.mark.parametrize(
    ("feature", "rows"),
    [
        (mutagen(2, 2, "K", ("A", "R"), "Dead."), [("K2A", "MAVL", 1), ("K2R", "MRVL", 1)]),
        (mutagen(2, 4, "KVL", ("AAA",), "Dead."), [("KVL2-4AAA", "MAAA", 3)]),
        (mutagen(2, 2, "K", ("KGGG",), "Dead."), [("K2KGGG", "MKGGGVL", 4)]),
        (mutagen(2, 3, "", (), "Dead."), [("KV2-3del", "MLAA", 2)]),
        (mutagen(2, 2, "K", ("A",), "Dead; when associated with L-3."), [("K2A+V3L", "MALL", 2)]),
        (mutagen(2, 2, "K", ("A",), "Slow. Dead; when associated with 3-L-V-4."),
         [("K2A", "MAVL", 1), ("K2A+VL3-4LV", "MALV", 3)]),
    ],
)  # fmt: skip
def test_mutants(feature, rows):
    found = twins(feature)
    assert [(row["mutation"], row["n_changed"]) for row in found] == [(name, changed) for name, _, changed in rows]
    assert all(row["mut_sequence"].startswith(start) for row, (_, start, _) in zip(found, rows, strict=True))


def test_both_partners_tell_of_one_mutant():
    report = TwinReport()
    found = twins(
        mutagen(2, 2, "K", ("A",), "Dead; when associated with A-4."),
        mutagen(4, 4, "L", ("A",), "Dead; when associated with A-2."),
        report=report,
    )
    assert [row["mutation"] for row in found] == ["K2A+L4A"]
    assert report.skipped == {"repeated": 1}


@pytest.mark.parametrize(
    ("feature", "reason"),
    [
        (mutagen(2, 2, "K", ("A",), "Dead.", "P1-2"), "other isoform"),
        (mutagen(0, 2, "K", ("A",), "Dead."), "position unknown"),
        (mutagen(5, 4, "K", ("A",), "Dead."), "position unknown"),
        (mutagen(2, 2, "K", ("A",), ""), "no effect told"),
        (Feature("VARIANT", 2, 2, "K", ("A",), "in TAX1; dbSNP:rs1"), "no effect told"),
        (mutagen(2, 2, "R", ("A",), "Dead."), "mismatch"),
        (mutagen(2, 3, "K", ("A",), "Dead."), "mismatch"),
        (mutagen(12, 13, "", (), "Dead."), "mismatch"),
        (mutagen(99, 99, "", (), "Dead."), "mismatch"),
        (mutagen(2, 2, "K", ("A",), "Dead; when associated with K-9."), "mismatch"),
        (mutagen(2, 2, "K", ("A",), "Dead; when associated with A-99."), "mismatch"),
        (mutagen(2, 2, "K", ("A",), "Dead; when associated with R-2."), "mismatch"),
        (mutagen(2, 2, "K", ("A",), "Dead; when associated with A-3 or A-4."), "partners unclear"),
        (mutagen(2, 2, "K", ("K",), "Odd."), "no change"),
        (mutagen(2, 2, "K", ("J",), "Odd."), "odd letters"),
        (mutagen(1, 12, "", (), "All gone."), "no change"),
    ],
)
def test_what_is_skipped(feature, reason):
    report = TwinReport()
    assert twins(feature, report=report) == []
    assert report.skipped == {reason: 1}
    assert (report.features, report.twins) == (1, 0)
    assert f"skipped: {reason} 1" in str(report)
    assert bool(report.mismatch) == (reason == "mismatch")


def test_features_that_are_not_understood_are_counted():
    report = TwinReport()
    unclear = Feature("VARIANT", 2, 2, "K", ("A",), "in TAX1; sticks to glass")
    entry = Entry(accession="P1", sequence=SEQUENCE, features=[unclear], unread=2)
    assert gold_twins(entry, report) == []
    assert (report.features, report.skipped) == (3, {"not understood": 2, "effect unclear": 1})


def test_a_mutant_is_neutral_only_if_all_that_is_said_of_it_is():
    found = twins(
        mutagen(2, 2, "K", ("A",), "No effect on binding."),
        mutagen(2, 2, "K", ("A", "R"), "Loss of activity."),
        mutagen(4, 4, "L", ("A",), "No effect on binding."),
    )
    assert [(row["mutation"], row["neutral"]) for row in found] == [("K2A", 0), ("K2A", 0), ("K2R", 0), ("L4A", 1)]


def test_the_words_of_a_variant_stay_beside_what_we_understand():
    variant = Feature("VARIANT", 2, 2, "K", ("A",), "in TAX1; no significant change in level; stays inside; dbSNP:rs1")
    [row] = twins(variant)
    assert (row["effect"], row["neutral"]) == ("No significant change in level; stays inside.", 0)


def test_the_table_is_read_as_proteins(tmp_path):
    rows = twins(mutagen(2, 2, "K", ("A",), "Dead."), mutagen(2, 2, "K", ("R",), "No effect."))
    path = tmp_path / "twins.tsv"
    pl.DataFrame(rows, schema=SCHEMA).write_csv(path, separator="\t")
    read = read_proteins(path)
    assert read["id"].to_list() == ["P1", "P1:K2A", "P1:K2R"]
    assert read["text"].to_list() == ["Tests. Rests.", "Dead.", "No effect."]
    assert read["neutral"].to_list() == [None, "0", "1"]


@pytest.mark.realdata
def test_real_features_give_the_real_twins(real_data):
    """Each single-residue row of the table, written as a feature, comes out as it stands there."""
    table = pl.read_csv(real_data / "mutagenesis_twins.tsv.gz", separator="\t", quote_char=None, infer_schema=False)
    assert table.columns == list(SCHEMA)
    single = table.filter(pl.col("mutation").str.contains(r"^[A-Z]\d+[A-Z]$"))
    same = without = 0
    for row in single.iter_rows(named=True):
        start = int(row["mutation"][1:-1])
        feature = mutagen(start, start, row["mutation"][0], (row["mutation"][-1],), row["effect"])
        entry = Entry(accession=row["accession"], sequence=row["wt_sequence"], features=[feature])
        made = {twin[4]: (twin[8], twin[10]) for twin in gold_twins(entry)}
        same += made.get(row["mutation"]) == (int(row["n_changed"]), row["mut_sequence"])
        without += row["mutation"] not in made
    assert (single.height, same) == (3_239, 3_236)
    assert without == 3, "'when assocoated with', twice, and 'in combination with': not the single mutant's effect"


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


SEQUENCES = st.text("ACDEFGHIKLMNPQRSTVWY", min_size=4, max_size=30)


@given(SEQUENCES, st.data())
def test_there_and_back(sequence, data):
    cuts = sorted(data.draw(st.sets(st.integers(0, len(sequence)), min_size=2, max_size=6)))
    spans = list(zip(cuts, cuts[1:], strict=False))[::2]
    changes = [
        Change(start + 1, sequence[start:end], data.draw(st.text("ACDEFGHIKLMNPQRSTVWY", max_size=3)))
        for start, end in spans
    ]
    letters = list(sequence)
    for change in changes:
        letters[change.start - 1 : change.end] = [change.replacement] + [""] * (len(change.original) - 1)
    assert apply_changes(sequence, reversed(changes)) == "".join(letters)
    assert sorted(parse_changes(name_changes(changes))) == sorted(changes)


@pytest.mark.parametrize("name", ["", "K45", "45A", "K45-46A", "KR45A", "K45A+", "k45a", "K45?"])
def test_what_is_no_name(name):
    with pytest.raises(ValueError, match="is not written like|do not fill"):
        parse_changes(name)


@pytest.mark.parametrize("name", ["K3R", "K9R", "VL3-4AA+L4R", "K2R+K2A"])
def test_what_does_not_fit(name):
    with pytest.raises(ValueError, match="stands at|overlaps"):
        apply_changes("MKVLA", parse_changes(name))
    with pytest.raises(ValueError, match="stands at"):
        apply_changes("MKVLA", [Change(0, "A", "K")])


@pytest.mark.realdata
def test_real_mutants(real_data):
    import polars as pl

    table = pl.read_csv(real_data / "mutagenesis_twins.tsv.gz", separator="\t", quote_char=None, infer_schema=False)
    same, refused = 0, []
    for name, wild_type, mutant in table.select("mutation", "wt_sequence", "mut_sequence").iter_rows():
        try:
            same += apply_changes(wild_type, parse_changes(name)) == mutant
        except ValueError:
            refused.append(name)
    assert (table.height, same) == (4_264, 4_261)
    assert refused == ["L194A+L194L", "C95A+C95A", "S208A+S208S"], "one residue changed twice, once to itself"
