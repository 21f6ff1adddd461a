"""The flat file as it was written in earlier decades, and what is peculiar to it."""

import pytest

from protrek_hm.data.uniprot.entry import BrokenRecordError, Feature
from protrek_hm.data.uniprot.flat import parse_flat

OLD = """\
ID   ANX5_TEST      STANDARD;      PRT;    12 AA.
AC   P00904;
DT   01-NOV-1988 (Rel. 09, Created)
DE   Annexin T5 (EC 3.1.1.4) (Annexin V) (Placental anticoagulant protein 4)
DE   (PP4) (Fragment).
GN   ANXT5 OR ENX2.
OS   Testus testus (Human), and
OS   Testus alter.
OX   NCBI_TaxID=999904, 999905;
CC   -!- FUNCTION: Inhibits tests (By similarity). Also binds DNA- and
CC       RNA-containing tests in 3'-
CC       processing / repair - or
CC       so.
CC   -!- CATALYTIC ACTIVITY: Phosphatidylcholine + H(2)O = nothing.
CC   -!- COFACTOR: Binds 1 zinc ion per subunit (Potential).
CC   -!- ENZYME REGULATION: Inhibited by rest.
CC   -!- SUBCELLULAR LOCATION: Nuclear (Probable).
CC   -!- DISEASE: Defects in ANXT5 are a cause of tests [MIM:1].
CC   --------------------------------------------------------------------------
CC   This SWISS-PROT entry is copyright.
CC   --------------------------------------------------------------------------
DR   GO; GO:0005509; F:calcium ion binding; TAS.
FT   VARIANT       3      4       VL -> AA (in test; loss of tests; very long
FT                                description).
FT                                /FTId=VAR_000004.
FT   MUTAGEN       6      6       A->K,R: NO LOSS
FT                                of activity.
FT   VARIANT       7      7       A -> V (in test; no loss of tests;
FT                                dbSNP:rs1). {ECO:0000269|PubMed:1,
FT                                ECO:0000269|Ref.2}.
FT                                /FTId=VAR_000005.
FT   MUTAGEN       7      7       A->V. {ECO:0000269|PubMed:1}.
FT   MUTAGEN      <1      2       Missing: Lethal.
FT   MUTAGEN       8      8       Odd note.
FT   CHAIN         1     12       Annexin.
SQ   SEQUENCE   12 AA;  1000 MW;  0123456789ABCDEF CRC64;
     MKVLAAAAKK MK
//"""


def test_an_entry_of_1999():
    entry = parse_flat(OLD)
    assert (entry.accession, entry.entry_name, entry.reviewed) == ("P00904", "ANX5_TEST", True)
    assert (entry.names.name, entry.names.fragment) == ("Annexin T5", True)
    assert entry.names.alternatives == ["Annexin V", "Placental anticoagulant protein 4", "PP4"]
    assert entry.names.ec == ["3.1.1.4"]
    assert (entry.organism, entry.taxon) == ("Testus testus (Human), and Testus alter", 999904)
    assert entry.comments == {
        "function": [
            "Inhibits tests. Also binds DNA- and RNA-containing tests in 3'-processing / repair - or so.",
        ],
        "catalytic_activity": ["Phosphatidylcholine + H(2)O = nothing."],
        "cofactor": ["Binds 1 zinc ion per subunit."],
        "activity_regulation": ["Inhibited by rest."],
        "subcellular_location": ["Nuclear."],
        "disease": ["Defects in ANXT5 are a cause of tests."],
    }
    assert entry.features == [
        Feature("VARIANT", 3, 4, "VL", ("AA",), "in test; loss of tests; very long description"),
        Feature("MUTAGEN", 6, 6, "A", ("K", "R"), "NO LOSS of activity."),
        Feature("VARIANT", 7, 7, "A", ("V",), "in test; no loss of tests; dbSNP:rs1"),
        Feature("MUTAGEN", 7, 7, "A", ("V",), ""),
        Feature("MUTAGEN", 0, 2, "", (), "Lethal."),
    ]
    assert entry.unread == 1


def test_long_changes_are_broken_over_lines():
    new = OLD.replace(
        "FT   MUTAGEN      <1      2       Missing: Lethal.",
        'FT   MUTAGEN         5..12\nFT                   /note="AAAA\nFT                   KKMK->GGGG\n'
        'FT                   GGGG: Lethal."\nFT                   /evidence="ECO:0000269"',
    )
    assert Feature("MUTAGEN", 5, 12, "AAAAKKMK", ("GGGGGGGG",), "Lethal.") in parse_flat(new).features


@pytest.mark.parametrize(
    ("lines", "gene"),
    [
        ("GN   ANXT5 OR ENX2.", "ANXT5"),
        ("GN   (ANXT5 OR ENX2) AND ANXT6.", "ANXT5"),
        ("GN   Name=abc; Synonyms=x;", "abc"),
        ("GN   Synonyms=x; OrderedLocusNames=b1, b2;", "b1"),
        ("GN   ORFNames=orf9 {ECO:1};", "orf9"),
        ("GN   Name=one;\nGN   and\nGN   Name=two;", "one"),
        ("GN   Synonyms=x;", None),
    ],
)
def test_genes(lines, gene):
    assert parse_flat(OLD.replace("GN   ANXT5 OR ENX2.", lines)).gene == gene


def test_without_optional_lines():
    entry = parse_flat("ID   A_B   Unreviewed;   3 AA.\nAC   Q1;\nSQ   SEQUENCE   3 AA;\n     MKV")
    assert (entry.accession, entry.sequence, entry.reviewed, entry.comments) == ("Q1", "MKV", False, {})
    for broken in ("ID   A_B   Unreviewed;   3 AA.\nAC   Q1;", "ID   A_B   Unreviewed;   3 AA.\nSQ   X", "AC   Q1;"):
        with pytest.raises(BrokenRecordError):
            parse_flat(broken)
