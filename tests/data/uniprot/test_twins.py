"""Gold twins from features; whatever cannot be trusted is counted, not guessed."""

import polars as pl
import pytest

from protrek_hm.data import read_proteins
from protrek_hm.data.uniprot.entry import Entry, Feature, Names
from protrek_hm.data.uniprot.twins import SCHEMA, TwinReport, gold_twins

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
