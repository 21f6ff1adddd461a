"""The report's counts, against plain counting."""

import statistics
from collections import Counter, defaultdict

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protrek_hm.data import check_proteins, read_proteins, write_proteins
from protrek_hm.data.check import Spread

ROWS = st.lists(
    st.tuples(
        st.sampled_from(["MKV", "MKL", "MUKV", "M-V", "MKVLAA"]),
        st.sampled_from([None, "one", "one two", "one two three"]),
        st.integers(0, 2),
    ),
    min_size=1,
    max_size=12,
)


@settings(deadline=None, max_examples=100)
@given(ROWS)
def test_counts(tmp_path_factory, rows):
    """Ids hold their sequence, so that only gaps are bad."""
    records = [(f"{sequence}_{number}", sequence, text) for sequence, text, number in rows]
    good = [record for record in records if "-" not in record[1]]
    path = tmp_path_factory.mktemp("check") / "a.csv"
    write_proteins(
        pl.DataFrame(records, schema=dict.fromkeys(["id", "sequence", "text"], pl.String), orient="row"), path
    )
    report = check_proteins(path)

    assert report.records == len(records)
    assert [bad.line for bad in report.bad] == [row + 2 for row, record in enumerate(records) if "-" in record[1]]
    ids_of, sequences_of = defaultdict(set), defaultdict(set)
    for name, sequence, text in good:
        ids_of[sequence].add(name)
        sequences_of[text].add(sequence)
    without_text = sum(text is None for _, _, text in good)
    sequences_of.pop(None, None)
    assert (report.ids, report.sequences, report.texts) == (
        len({record[0] for record in good}),
        len(ids_of),
        len(sequences_of),
    )
    assert report.without_text == without_text
    assert report.repeated_ids == sum(count > 1 for count in Counter(record[0] for record in good).values())
    assert report.repeated_sequences == sum(len(ids) > 1 for ids in ids_of.values())
    assert report.repeated_texts == sum(len(sequences) > 1 for sequences in sequences_of.values())
    assert report.repeated_records == len(good) - len(set(good))
    assert report.unusual_letters == sum("U" in record[1] for record in good)
    assert report.residues == sum(map(len, ids_of))
    if good:
        assert report.lengths.mean == pytest.approx(statistics.mean(map(len, ids_of)))
        assert report.lengths.median == statistics.median(map(len, ids_of))
    if sequences_of:
        assert report.words.maximum == max(len(text.split()) for text in sequences_of)


def test_spread_of_nothing_and_of_one():
    assert Spread.of(pl.Series([], dtype=pl.UInt32)) == Spread(0, 0, 0, 0, 0, 0)
    assert Spread.of(pl.Series([7])) == Spread(7, 7, 7, 7, 7, 7)


def test_columns_are_told(tmp_path):
    (tmp_path / "a.tsv").write_text("Entry\tLength\tSequence\tNote\nA\t3\tMKV\tx\n")
    report = check_proteins(tmp_path / "a.tsv", columns={"text": "Note"})
    assert report.columns == {"id": "Entry", "sequence": "Sequence", "text": "Note"}
    assert report.other_columns == ("Length",)


PROTEIN = "MKRSTAYKLVHWENDPGQFC"
DNA = "ATGAAACGTTCTACCGCATACAAACTGGTTCACTGGGAAAACTAA"
FOLD = "DDPVVVVVVVVVVVVVLVVVVVPDPVSVVVVCVVPVD"


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        (f"id,sequence\na,{PROTEIN}\nb,{DNA}\nc,{DNA.replace('T', 'U')}\n", [("nucleotides", 2, ("b", "c"))]),
        (f"id,sequence\na,{DNA[:40]}NNNR\nb,{'GA' * 20}\nc,{DNA[:12]}\n", [("nucleotides", 1, ("a",))]),
        (f"id,sequence\na,{PROTEIN}\nb,{FOLD.lower()}\nc,{FOLD}\nd,{'VPGVG' * 9}\n", [("3di", 2, ("b", "c"))]),
        ("id,sequence\na,XXXX\nb,MXXX\nc,MKXX\n", [("unknown", 2, ("a", "b"))]),
        (f"sequence\n{PROTEIN}\nMKL\n", [("no ids", 2, ("protein_1", "protein_2"))]),
        (f"title,sequence\n{PROTEIN},MKL\n", [("no ids", 1, ("protein_1",))]),
        ("#id,sequence\na,MKV\n", []),
        ("id,sequence\n1-Mar,MKV\nSEPT2,MKL\n2.31E+13,MKW\n1e5,MKY\n", [("excel", 2, ("1-Mar", "2.31E+13"))]),
        (
            "id,sequence\nMar-01,MKV\n2024-03-01,MKL\n01/03/2024,MKW\nABC-12,MKY\n1.2.3.4,MKF\n",
            [("excel", 3, ("Mar-01", "2024-03-01", "01/03/2024"))],
        ),
        (f"id,sequence\na,{'MK' * 16_383}M\nb,{'MK' * 16_384}\n", [("excel", 1, ("a",))]),
        ("id,sequence\na,MetLysVal\nb,MET LYS VAL\nc,METLYSV\n", [("three letters", 2, ("a", "b"))]),
        (f"id,text,sequence\na,{PROTEIN},Binds\nb,KINASE,MKV\n", [("sequence as text", 1, ("a",))]),
        ("id,sequence,text,drug\na,MKV,x,NA\nb,MKL,y,#WERT!\nc,MKW,z,Na\n", [("missing", 2, ("a", "b"))]),
        ("id,sequence,text\na,MKV,x\u200b\nb,MKL,caf\ufffd\nc,MKW,café\n", [("control", 2, ("a", "b"))]),
        ("id,sequence,text\na,MKV,x\nb,MKL,x\nc,MKW,x\n", [("one text", 3, ("a", "b", "c"))]),
        ("id,sequence,text\na,MKV,x\na,MKV,x\n", []),
        ("id,sequence,text\na,MKV,x\x07\nb,MKL,tab\there\n", [("control", 1, ("a",))]),
        ('id,sequence,text\na,MKV,"x\nb,MKL,y"\n', [("line breaks", 1, ("a",))]),
        (
            "id,sequence,text,ec\na,MKV,#N/A,NA\nb,MKL,,\nc,MKW,x,nan\n#REF!,MKY,y,1.1.1.1\n",
            [("missing", 1, ("#REF!",)), ("missing", 1, ("a",)), ("missing", 2, ("a", "c"))],
        ),
    ],
)
def test_what_is_suspicious(tmp_path, table, expected):
    (tmp_path / "a.csv").write_text(table)
    found = check_proteins(tmp_path / "a.csv").suspicions
    assert [(each.kind, each.records, each.examples) for each in found] == expected


def test_structures_are_looked_at(tmp_path):
    rows = ["a,MKVL,dvvd,x", "b,MKVL,dvv,y", "c,MKVL,dvxd,z", "d,MKVL,,w", "e,MKVL,D#VD,v", "f,MKVL,NA,v"]
    (tmp_path / "a.csv").write_text("id,sequence,3di,text\n" + "\n".join(rows) + "\n")
    report = check_proteins(tmp_path / "a.csv")
    assert [(bad.line, bad.problem) for bad in report.bad] == [
        (3, "structure: 3 letters for 4 residues"),
        (4, "structure: 'x' is no 3Di letter"),
    ]
    assert report.structures == 2
    read = read_proteins(tmp_path / "a.csv", on_bad_record="skip")
    assert read["structure"].to_list() == ["dvvd", None, "d#vd", None]


@pytest.mark.realdata
def test_real_files(real_data):
    report = check_proteins(real_data / "swissprot_text.tsv.gz")
    assert (report.records, len(report.bad), report.without_text) == (10_831, 0, 10_831 - 10_657)
    assert report.ids - report.sequences == 76
    assert report.suspicions == ()
    report = check_proteins(real_data / "unlabelled.fasta.gz")
    assert (report.records, round(report.residues / 1e6, 1)) == (49_458, 18.7)
