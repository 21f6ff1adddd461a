"""The same three entries in four formats are the same three rows; what is no such file is told in one line."""

import gzip
import io
import itertools
import json
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protrek_hm.data.uniprot import formats, gold_twins, read_entries
from protrek_hm.data.uniprot.conversion import SCHEMA, row_of
from protrek_hm.data.uniprot.entry import SECTIONS
from protrek_hm.data.uniprot.formats import CutShortError, flat_records, json_records, lines, sniff, xml_records
from protrek_hm.errors import FileFormatError, MissingColumnError, MissingFileError

FORMATS = ["dat", "xml", "json", "tsv"]
FIRST = {
    "id": "P00901",
    "text": "Tests NAD(P)H-dependent substrates at the 3'-end of RNA-protein complexes. Acts in N- and C-terminal "
    "processing (in vitro). As shown by a publication, needs no light. [Isoform 2]: Inert.",
    "ec": "1.5.1.99; 1.6.99.2; 1.6.99.10",
    "go": "GO:0003955 F:NAD(P)H dehydrogenase (quinone) activity; GO:0046872 F:metal ion binding; "
    "GO:0005886 C:plasma membrane; GO:0006979 P:response to oxidative stress",
    "organism": "Fictus exemplaris (Imaginary testfly)",
    "entry_name": "TSTA_FICTI",
    "protein_name": "NAD(P)H-dependent testase A",
    "alternative_names": "TstA; Test oxidoreductase (quinone-forming); TOR; Fic t 1; CD999",
    "domains": "Reductase domain",
    "gene": "tstA",
    "taxon": 999901,
    "reviewed": True,
    "fragment": False,
    "length": 80,
    "alphafold_id": "P00901",
    "text_evidence": "ECO:0000250; ECO:0000269",
    "function": "Tests NAD(P)H-dependent substrates at the 3'-end of RNA-protein complexes. Acts in N- and C-terminal "
    "processing (in vitro). As shown by a publication, needs no light. [Isoform 2]: Inert.",
    "catalytic_activity": "a quinone + NADH + H(+) = a quinol + NAD(+). "
    "[Isoform 1]: Endonucleolytic test of N-terminal residues.",
    "cofactor": "Mg(2+), [4Fe-4S] cluster. Binds 2 Mg(2+) ions per subunit.",
    "activity_regulation": "Inhibited by tests; activated by rest.",
    "pathway": "Cofactor metabolism; test degradation; quinol from quinone: step 1/2.",
    "subunit": "Homodimer. Interacts with TSTB (via N-terminus).",
    "subcellular_location": "Cell membrane; Peripheral membrane protein; Cytoplasmic side. Cytoplasm, cytosol. "
    "Moves to the membrane upon testing. [Isoform 2]: Nucleus.",
    "tissue_specificity": "Wings and legs.",
    "induction": "By exams.",
    "ptm": "Phosphorylated at Ser-4.",
    "disease": "Test anxiety 1 (TAX1): A disorder of pupils. Not lethal. The disease is caused by variants affecting "
    "the gene represented in this entry. May play a role in boredom.",
    "miscellaneous": "Present with 99 molecules/cell.",
    "similarity": "Belongs to the testase family.",
    "caution": "Could be invented.",
}
SECOND = {
    "id": "A0A999FIC1",
    "sequence": "AVLGDEKRNYTPLSQWFHCMIVKX",
    "ec": "1.6.99.-",
    "organism": "Fictus coli (strain K-12 / TEST) (Bacillus fictus)",
    "entry_name": "A0A999FIC1_FICTC",
    "protein_name": "Putative testase",
    "gene": "FIC_0002",
    "taxon": 999902,
    "reviewed": False,
    "fragment": True,
    "length": 24,
}
THIRD = {
    "id": "P00903",
    "text": "[Capsid protein C]: Packs the genome. [Serine protease NS3]: Cuts the polyprotein. Cuts nothing else.",
    "ec": "3.4.21.91; 3.6.1.15",
    "components": "Capsid protein C; Serine protease NS3",
    "organism": "Fictus virus",
    "subcellular_location": "[Capsid protein C]: Virion. Host nucleus.",
    "reviewed": True,
    "fragment": False,
}
TWINS = [
    ("W12R", "Loss of testase activity; no effect on binding.", 0, 1),
    ("NS79-80del", "Decreased stability.", 0, 2),
    ("Y7A", "Loss of activity.", 0, 1),
    ("Y7F", "Loss of activity.", 0, 1),
    ("KR22-23AA", "No effect on testing.", 1, 2),
    ("KR22-23AA+R37A+GE54-55AG", "Abolishes binding.", 0, 5),
    ("V30del", '"Silent" mutant; does not affect testing.', 1, 1),
]


def rows(path):
    entries = [found.entry for found in read_entries(path)]
    return [dict(zip(SCHEMA, row_of(entry, ["function"]), strict=True)) for entry in entries]


@pytest.mark.parametrize("kind", FORMATS)
def test_each_format_gives_the_same_rows(files, kind):
    first, second, third = rows(files / f"three.{kind}")
    want = FIRST | ({"similarity": None} if kind == "tsv" else {})  # UniProt does not export it
    assert {name: first[name] for name in want} == want
    assert second == dict.fromkeys(SCHEMA) | SECOND
    assert {name: third[name] for name in THIRD} == THIRD
    written = {name for row in (first, second, third) for name, cell in row.items() if cell is not None}
    assert set(SCHEMA) - written - {"similarity"} == set(SECTIONS) - set(FIRST)


@pytest.mark.parametrize("kind", FORMATS)
def test_each_format_gives_the_same_twins(files, kind):
    twins = [row for found in read_entries(files / f"three.{kind}") for row in gold_twins(found.entry)]
    assert [(row[4], row[5], row[6], row[8]) for row in twins] == TWINS
    assert {row[11] for row in twins} == {"UniProt MUTAGEN", "UniProt VARIANT"}


@pytest.mark.parametrize("kind", FORMATS)
def test_each_format_gives_the_same_evidence(files, kind):
    first, _, third = (found.entry.evidence for found in read_entries(files / f"three.{kind}"))
    want = {
        "function": "ECO:0000250 ECO:0000269",
        "catalytic_activity": "ECO:0000255 ECO:0000269 ECO:0000305",
        "cofactor": "ECO:0000250 ECO:0000269",
        "pathway": "ECO:0000305",
        "subcellular_location": "ECO:0000269 ECO:0000305",
        "caution": "ECO:0000305",
    }
    assert {section: " ".join(sorted(first[section])) for section in want} == want
    assert third == {"function": {"ECO:0000250"}, "subcellular_location": {"ECO:0000305"}}


TEXTS = [("ECO:0000269", "Binds zinc."), ("ECO:0000250", "Binds iron. Rests."), ("", "Sings.")]


@pytest.mark.parametrize(
    ("kept", "evidence"),
    [
        ([0], {"ECO:0000269"}),
        ([1], {"ECO:0000250"}),
        ([2], {"none"}),
        ([0, 1], {"ECO:0000250", "ECO:0000269"}),
        ([1, 2], {"ECO:0000250", "none"}),
    ],
)
def test_evidence_of_several_statements(tmp_path, kept, evidence):
    """Each format has its own way of saying how a text is known; a text of which nothing is said is told apart."""
    texts = [TEXTS[number] for number in kept]
    cell = " ".join(f"{words} {{{code}}}." if code else words for code, words in texts)
    trees = [{"value": words} | ({"evidences": [{"evidenceCode": code}]} if code else {}) for code, words in texts]
    tags = "".join(
        f'<text evidence="{number}">{words}</text>' if code else f"<text>{words}</text>"
        for number, (code, words) in zip(kept, texts, strict=True)
    )
    tree = {
        "entryType": "UniProtKB reviewed (Swiss-Prot)",
        "primaryAccession": "Q1",
        "sequence": {"value": "MKV", "length": 3},
        "comments": [{"commentType": "FUNCTION", "texts": trees}],
    }
    contents = {
        "tsv": f"Entry\tSequence\tFunction [CC]\nQ1\tMKV\tFUNCTION: {cell}\n",
        "dat": f"ID   A_B   Reviewed;   3 AA.\nAC   Q1;\nCC   -!- FUNCTION: {cell}\nSQ   SEQUENCE\n     MKV\n//\n",
        "json": json.dumps(tree),
        "xml": f'<uniprot><entry><accession>Q1</accession><comment type="function">{tags}</comment>'
        '<evidence key="0" type="ECO:0000269"/><evidence type="ECO:0000250" key="1"/>'
        '<sequence length="3">MKV</sequence></entry></uniprot>',
    }
    for kind, content in contents.items():
        (tmp_path / kind).write_text(content)
        [found] = read_entries(tmp_path / kind)
        assert found.entry.evidence == {"function": evidence}, kind


@pytest.mark.parametrize("kind", FORMATS)
def test_features_only_if_wanted(files, kind):
    assert not any(found.entry.features for found in read_entries(files / f"three.{kind}", features=False))


@pytest.mark.parametrize("kind", FORMATS)
def test_the_name_does_not_matter_but_lines_are_counted(files, tmp_path, kind):
    content = (files / f"three.{kind}").read_bytes()
    disguised = tmp_path / "x.parquet"
    disguised.write_bytes(gzip.compress(b"\xef\xbb\xbf" + content))
    found = list(read_entries(disguised))
    assert [each.entry for each in found] == [each.entry for each in read_entries(files / f"three.{kind}")]
    text = content.decode()
    starts = {"dat": "ID   ", "xml": "<entry ", "json": '{"entryType', "tsv": ("P0", "A0A")}[kind]
    lines = [number for number, line in enumerate(text.splitlines(), 1) if line.startswith(starts)]
    assert [each.line for each in found] == (lines if kind != "json" else [1, 1, 1])


@pytest.mark.parametrize("end", [b"\r\n", b"\r"])
def test_other_line_ends(files, tmp_path, end):
    for kind in FORMATS:
        path = tmp_path / f"a.{kind}"
        path.write_bytes((files / f"three.{kind}").read_bytes().replace(b"\n", end))
        assert rows(path) == rows(files / f"three.{kind}")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b" \n\n", "the file is empty"),
        (b">sp|P00901|A\nMKV\n", "FASTA, which holds no annotation"),
        (b"PAR1....", "a Parquet table"),
        (b"<!DOCTYPE html><html><body>404", "a web page"),
        (b'<?xml version="1.0"?>\n<UniRef50 xmlns="x">', "UniRef, clusters"),
        (b"id,sequence\nA,MKV\n", "it begins with 'id,sequence A,MKV'"),
        (b"Entry\tSequence\n", "no entry in it"),
        (b"<uniprot>\n</uniprot>", "no entry in it"),
        (b'{"results":[]}', "no entry in it"),
        (b"Entry\tSequence\nP1\tM\xff\xff\n", "not UTF-8"),
    ],
)
def test_what_is_no_file_of_uniprots(tmp_path, content, message):
    (tmp_path / "a.dat").write_bytes(content)
    with pytest.raises(FileFormatError) as caught:
        list(read_entries(tmp_path / "a.dat"))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_table_without_sequences(tmp_path):
    (tmp_path / "a.tsv").write_text("Entry\tFunction [CC]\nP1\tx\n")
    with pytest.raises(MissingColumnError, match="no column 'Sequence' .*export the table again"):
        list(read_entries(tmp_path / "a.tsv"))
    with pytest.raises(MissingFileError):
        list(read_entries(tmp_path / "absent.dat"))


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("kept", [0.2, 0.6, 0.95])
def test_truncated_gzip(files, tmp_path, kind, kept):
    packed = gzip.compress((files / f"three.{kind}").read_bytes())
    (tmp_path / "a.gz").write_bytes(packed[: int(len(packed) * kept)])
    with pytest.raises(FileFormatError, match="truncated"):
        list(read_entries(tmp_path / "a.gz"))


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("kept", [0.4, 0.7, 0.98])
def test_a_file_that_ends_too_early_tells_the_line(files, tmp_path, kind, kept):
    content = (files / f"three.{kind}").read_bytes()
    (tmp_path / "a").write_bytes(content[: int(len(content) * kept)])
    *_, last = read_entries(tmp_path / "a")
    assert last.entry is None
    assert last.bad.line == last.line <= content.count(b"\n") + 1
    assert last.bad.problem


@pytest.mark.parametrize(
    ("kind", "old", "new", "record", "problem"),
    [
        ("dat", "SQ   SEQUENCE   24", "XX   SEQUENCE   24", "A0A999FIC1", "no SQ line"),
        ("dat", "AVLGDEKRNY ", "AVLGDEKRN ", "A0A999FIC1", "23 residues where its length says 24"),
        ("dat", "//\nID   A0A", "ID   A0A", "P00901", "another ID line stands in it: the line // is missing"),
        ("dat", "ID   A0A999FIC1_FICTC ", "XX   ", "A0A999FIC1", "its first line is no ID line"),
        ("xml", '<ecNumber evidence="1">1.6.99.-</ecNumber>', "<ecNumber>", "A0A999FIC1", "not well-formed XML"),
        ("xml", ">AVLG", ">AVL", "A0A999FIC1", "23 residues where its length says 24"),
        ("json", '"AVLG', '"AVL', "A0A999FIC1", "23 residues where its length says 24"),
        ("json", '"primaryAccession":"A0A999FIC1"', '"x":1', "record", "no 'primaryAccession'"),
        ("json", '"genes":[{"orderedLocusNames"', '"genes":[[],{"x"', "A0A999FIC1", "not laid out as UniProt's"),
        ("tsv", "\tAVLG", "\tAVL", "A0A999FIC1", "23 residues where its length says 24"),
        ("tsv", "A0A999FIC1\tunreviewed\t", "A0A999FIC1\t", "A0A999FIC1", "28 fields where the header has 29"),
        ("tsv", "A0A999FIC1\tunreviewed", "\tunreviewed", "record", "no accession"),
    ],
)
def test_a_broken_record_is_named_and_the_others_are_read(files, tmp_path, kind, old, new, record, problem):
    text = (files / f"three.{kind}").read_text(encoding="utf-8")
    assert text.count(old) == 1
    (tmp_path / "a").write_text(text.replace(old, new), encoding="utf-8")
    found = list(read_entries(tmp_path / "a"))
    [bad] = [each.bad for each in found if each.bad]
    assert bad.record == record
    assert problem in bad.problem
    good = [each.entry.accession for each in found if each.entry]
    assert good == (["P00903"] if record == "P00901" else ["P00901", "P00903"])
    if kind == "dat":
        starts = dict.fromkeys(["P00901"], 1) | {"A0A999FIC1": text[: text.index("ID   A0A")].count("\n") + 1}
        assert bad.line == starts[record]


GONE = {
    "tsv": "Entry\tReviewed\tProtein names\tSequence\nQ1\t\t{}\t\n",
    "dat": "ID   Q1_T   Unreviewed;   0 AA.\nAC   Q1;\nDE   SubName: Full={};\nSQ   SEQUENCE   0 AA;\n//\n",
    "xml": '<uniprot><entry dataset="TrEMBL"><accession>Q1</accession><protein><submittedName><fullName>{}</fullName>'
    '</submittedName></protein><sequence length="0"/></entry></uniprot>',
}


@pytest.mark.parametrize("kind", GONE)
@pytest.mark.parametrize("name", ["deleted", "Merged into P00901.", "Demerged into P1 and P2."])
def test_entries_of_the_past_are_passed_over(tmp_path, kind, name):
    (tmp_path / "a").write_text(GONE[kind].format(name))
    assert [(found.entry, found.bad) for found in read_entries(tmp_path / "a")] == [(None, None)]


@pytest.mark.parametrize("inactive", ['"entryType":"Inactive"', '"entryType":"","inactiveReason":{"reason":"DELETED"}'])
def test_entries_of_the_past_in_json(tmp_path, inactive):
    (tmp_path / "a.json").write_text(f'{{"results":[{{{inactive},"primaryAccession":"Q1"}}]}}')
    assert list(read_entries(tmp_path / "a.json")) == [(1, None, None)]


@pytest.mark.parametrize("kind", GONE)
def test_an_entry_without_a_sequence_is_no_protein(tmp_path, kind):
    (tmp_path / "a").write_text(GONE[kind].format("Testase"))
    [found] = read_entries(tmp_path / "a")
    assert found.entry is None
    assert "no " in found.bad.problem
    assert "sequence" in found.bad.problem


def test_names_of_columns_until_2022(tmp_path):
    (tmp_path / "a.tsv").write_text(
        "Entry\tEntry name\tStatus\tProtein names\tGene names  (primary )\tOrganism ID\tSequence\tEnzyme regulation"
        "\tGene ontology IDs\tCross-reference (AlphaFoldDB)\tMutagenesis\n"
        "Q1\tA_B\treviewed\tTestase\ttstA\t9999\tMKV\tENZYME REGULATION: Inhibited by rest.\tGO:0005524\tQ1;"
        "\tMUTAGEN 2 2 K->A,R: Inactive. {ECO:0000269|PubMed:1}.; MUTAGEN 2 3 KV->AA: Slow.; MUTAGEN 1 1 odd\n"
        "Q2\tC_D\tunreviewed\tTestase\t\t\tMKV\t\t\t\t\n"
    )
    first, second = (found.entry for found in read_entries(tmp_path / "a.tsv"))
    assert (first.reviewed, second.reviewed) == (True, False)
    assert (first.gene, first.taxon, first.alphafold, first.go) == ("tstA", 9999, "Q1", [("GO:0005524", "")])
    assert first.comments == {"activity_regulation": ["Inhibited by rest."]}
    assert [(each.start, each.end, each.replacements) for each in first.features] == [
        (2, 2, ("A", "R")),
        (2, 3, ("AA",)),
    ]
    assert first.unread == 1


@pytest.mark.parametrize(
    ("column", "cell", "reviewed"),
    [("Length", "3", None), ("Reviewed", "", None), ("Reviewed", "reviewed", True), ("Status", "unreviewed", False)],
)
def test_what_a_table_does_not_say_is_not_unreviewed(tmp_path, column, cell, reviewed):
    (tmp_path / "a.tsv").write_text(f"Entry\tSequence\t{column}\nQ1\tMKV\t{cell}\n")
    [found] = read_entries(tmp_path / "a.tsv")
    assert found.entry.reviewed is reviewed


@pytest.mark.parametrize(
    ("column", "cell", "gene"),
    [
        ("Gene Names", "tstA tst1; tstB", "tstA"),
        ("Gene Names", "tstA;tstB", "tstA"),
        ("Gene Names", "; tstB", "tstB"),
        ("Gene Names (primary)", "tstA; tstB", "tstA"),
        ("Gene Names (primary)", "tstA;", "tstA"),
        ("Gene Names", "", None),
    ],
)
def test_genes_of_tables(tmp_path, column, cell, gene):
    (tmp_path / "a.tsv").write_text(f"Entry\tSequence\t{column}\nQ1\tMKV\t{cell}\n")
    [found] = read_entries(tmp_path / "a.tsv")
    assert found.entry.gene == gene


def test_escaped_letters_in_a_table(tmp_path):
    (tmp_path / "a.tsv").write_text(
        "Entry\tSequence\tProtein names\tMutagenesis\n"
        "Q1\tMKV\t5'-&gt;3' testase &amp; co\tMUTAGEN 2; /note=\"K-&gt;A: Slow.\"\n"
    )
    [found] = read_entries(tmp_path / "a.tsv")
    assert found.entry.names.name == "5'->3' testase & co"
    assert [feature.replacements for feature in found.entry.features] == [("A",)]


def test_sniffing_by_hand():
    assert sniff(b"[\n{", "a") == "json"
    assert sniff(b'<?xml version="1.0"?><uniprot', "a") == "xml"
    assert next(flat_records(io.BufferedReader(io.BytesIO(b"ID   A\n//")))) == (1, "ID   A")


@pytest.mark.parametrize(
    ("kind", "old", "new"),
    [
        ("xml", 'length="24"', 'length="x"'),
        ("xml", 'id="999902"', 'id="x"'),
        ("xml", 'position="12"', 'position="x"'),
        ("xml", "<accession>P00901<", "<accession> <"),
        ("json", '"value":"AVLGDEKRNYTPLSQWFHCMIVKX"', '"value":7'),
        ("json", '"primaryAccession":"P00901"', '"primaryAccession":7'),
        ("json", '"value":"Putative testase"', '"value":7'),
        ("json", '"taxonId":999902', '"taxonId":"x"'),
        ("json", '{"value":12,"modifier"', '{"value":"x","modifier"'),
        ("json", '"scientificName":"Fictus virus"', '"scientificName":null'),
        ("dat", "NCBI_TaxID=999902", "NCBI_TaxID=99999999999999999999999"),
    ],
)
def test_a_value_of_the_wrong_kind_is_a_broken_record(files, tmp_path, kind, old, new):
    text = (files / f"three.{kind}").read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "a").write_text(text.replace(old, new, 1), encoding="utf-8")
    assert [each.bad is None for each in read_entries(tmp_path / "a")].count(False) == 1


CUTTERS = {"dat": flat_records, "xml": xml_records, "json": json_records, "tsv": lines}


def cut(kind, content):
    return list(CUTTERS[kind](io.BufferedReader(io.BytesIO(content))))


@pytest.mark.parametrize("kind", CUTTERS)
@settings(deadline=None, max_examples=30)
@given(size=st.integers(1, 3000))
def test_any_size_of_blocks(files, kind, size):
    content = (files / f"three.{kind}").read_bytes().replace(b"boredom", "Überdruß αβ 🧬".encode())
    with pytest.MonkeyPatch.context() as patch:
        whole = cut(kind, content)
        patch.setattr(formats, "BLOCK", size)
        assert cut(kind, content) == whole


TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@settings(deadline=None, max_examples=150)
@given(
    st.lists(st.dictionaries(st.text(max_size=5), TREES, max_size=3), min_size=1, max_size=4),
    st.sampled_from([None, 0, 2]),
    st.booleans(),
    st.integers(1, 40),
)
def test_any_json(trees, indent, as_ascii, size):
    text = [json.dumps(tree, indent=indent, ensure_ascii=as_ascii) for tree in trees]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(formats, "BLOCK", size)
        for whole in ('{"results": [' + ", ".join(text) + "]}", "[" + ",\n".join(text) + "\n]", "\n".join(text)):
            try:
                found = cut("json", whole.encode())
            except UnicodeEncodeError:  # a lone surrogate is no text
                return
            assert [tree for _, tree in found] == trees
            starts = itertools.accumulate((each.count("\n") for each in text[:-1]), initial=1)
            if not whole.startswith('{"r'):  # there they are separated by line breaks, but for the first
                assert [line for line, _ in found] == [start + place for place, start in enumerate(starts)]


@pytest.mark.parametrize(
    ("content", "line", "problem"),
    [
        (b'[{"a": 1},\n{"a": 2', 2, "the file ends in the middle of it"),
        (b'[{"a": 1},\n{"a": "x', 2, "the file ends in the middle of it"),
        (b'[{"a": 1},\n', 2, "the file ends in the middle of the list"),
        (b'[{"a": 1},\n\n{"a" 2}' + b" " * 200 + b"]", 3, "not JSON (Expecting ':' delimiter)"),
        (b'[{"a": 1},\n7]', 2, "'7]' stands where an entry should begin"),
    ],
)
def test_broken_json(content, line, problem):
    with pytest.raises(CutShortError) as caught:
        cut("json", content)
    assert (caught.value.line, caught.value.problem) == (line, problem)


@pytest.mark.parametrize(
    ("kind", "content", "line"),
    [
        ("dat", b"ID   A\n//\nID   B\nAC", 3),
        ("xml", b"<uniprot>\n<entry></entry>\n<entry>", 3),
        ("xml", b"<uniprot>\n<entry></entry>\n", 2),
    ],
)
def test_files_that_end_too_early(kind, content, line):
    with pytest.raises(CutShortError, match="ends in the middle") as caught:
        cut(kind, content)
    assert caught.value.line == line


def test_a_record_without_end_is_given_up(monkeypatch):
    monkeypatch.setattr(formats, "BLOCK", 100)
    monkeypatch.setattr(formats, "LONGEST", 1_000)
    for kind, content in (("dat", b"ID   " + b"A" * 5_000), ("json", b'[{"a": "' + b"A" * 5_000)):
        with pytest.raises(CutShortError, match="no end of the record|not JSON"):
            cut(kind, content)


class Elsewhere:
    """Workers to which all travels as to another process."""

    def map(self, work, shards, *, shared, needs):
        def sent(each):
            return pickle.loads(pickle.dumps(each))

        made = sent(shared.make)(*sent(shared.arguments))
        return (sent(sent(work)(made, sent(shard))) for shard in shards)


@pytest.mark.parametrize("ending", FORMATS)
def test_records_that_are_parsed_elsewhere_are_the_same(ending, files, tmp_path, monkeypatch):
    whole = (files / f"three.{ending}").read_bytes()
    (tmp_path / "cut").write_bytes(whole[: -len(whole) // 4])
    for path in (files / f"three.{ending}", tmp_path / "cut"):
        here = list(read_entries(path))
        with monkeypatch.context() as patch:
            patch.setattr(formats, "_TOGETHER", 2)
            patch.setattr("protrek_hm.workers.choose.Here", Elsewhere)
            assert list(read_entries(path)) == here
    assert ending == "tsv" or here[-1].bad, "the last record was cut short"
