"""FASTA: every record, its line, and its header taken apart."""

import gzip
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protrek_hm.data import read_fasta, read_proteins
from protrek_hm.data.compression import open_compressed
from protrek_hm.data.fasta import parse_header
from protrek_hm.errors import FileFormatError, RecordError

LETTERS = st.text(alphabet="ACDEFGHIKLMNPQRSTVWY", min_size=1, max_size=30)


def naive(text):
    """Read FASTA by splitting the whole text at its headers."""
    return [
        (chunk.split("\n")[0].split(" ")[0], "".join("".join(chunk.split("\n")[1:]).split()))
        for chunk in ("\n" + text).split("\n>")[1:]
    ]


@settings(deadline=None, max_examples=60)
@given(st.lists(LETTERS, min_size=1, max_size=6), st.integers(1, 10), st.sampled_from(["\n", "\n\n", " \n"]))
def test_agrees_with_the_naive_reader(tmp_path_factory, sequences, width, line_end):
    path = tmp_path_factory.mktemp("fasta") / "a.fasta"
    text = ""
    for number, sequence in enumerate(sequences):
        lines = [sequence[start : start + width] for start in range(0, len(sequence), width)]
        text += f">P{number} some words\n" + line_end.join(lines) + "\n"
    path.write_text(text)
    records = list(read_fasta(path))
    assert [(record.id, record.sequence) for record in records] == naive(text)
    assert [record.sequence for record in records] == sequences
    lines = text.split("\n")
    assert all(lines[record.line - 1].startswith(f">{record.id}") for record in records)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (
            "sp|P62593|BLAT_ECOLX Beta-lactamase TEM OS=Escherichia coli OX=562 GN=bla PE=1 SV=1",
            ("P62593", "Beta-lactamase TEM", "Escherichia coli", "BLAT_ECOLX"),
        ),
        (
            "tr|A0A024|X_Y Protein OS=Homo sapiens (Human) OX=9606",
            ("A0A024", "Protein", "Homo sapiens (Human)", "X_Y"),
        ),
        (
            "UniRef50_P1 Cluster: X n=5 Tax=Bacteria TaxID=2 RepID=A_B",
            ("UniRef50_P1", "Cluster: X", "Bacteria", None),
        ),
        ("sp|P68575|SCP1_BACSU", ("P68575", "", None, "SCP1_BACSU")),
        ("WP_1.1 beta-lactamase k=3 [Shigella]", ("WP_1.1", "beta-lactamase k=3 [Shigella]", None, None)),
        ("X1 channel with n=4 subunits", ("X1", "channel with n=4 subunits", None, None)),
        ("X1 binds PE=2 and OS=1 ions", ("X1", "binds PE=2 and OS=1 ions", None, None)),
        ("X1 OS=1 form OS=Homo sapiens OX=9606", ("X1", "OS=1 form OS=Homo sapiens OX=9606", None, None)),
        ("X1 with n=4 sites OS=Homo sapiens OX=9606", ("X1", "with n=4 sites", "Homo sapiens", None)),
        ("XP_1.1 beta [A b]\x01XP_2.1 alpha [C d]\x01XP_3.1", ("XP_1.1", "beta [A b]", None, None)),
        (" P1\tafter a tab ", ("P1", "after a tab", None, None)),
        ("", ("", "", None, None)),
    ],
)
def test_headers(header, expected):
    name, description, fields = parse_header(header)
    assert (name, description, fields.get("OS") or fields.get("Tax"), fields.get("name")) == expected


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_any_line_end(tmp_path, end):
    path = tmp_path / "a.fasta"
    path.write_bytes(end.join([">A one", "MK", "V", ">B two", "MKL", ""]).encode())
    assert [(record.line, record.id, record.description, record.sequence) for record in read_fasta(path)] == [
        (1, "A", "one", "MKV"),
        (4, "B", "two", "MKL"),
    ]


def test_it_streams(tmp_path):
    path = tmp_path / "a.fasta"
    path.write_text(">A\nMKV\n>B\nMK\nnot \N{DEGREE SIGN}\n")
    with path.open("ab") as file:
        file.write(b"\xff")
    records = read_fasta(path)
    assert isinstance(records, Iterator)
    assert next(records).id == "A"
    with pytest.raises(FileFormatError, match="line 6 is not UTF-8"):
        list(records)


@pytest.mark.parametrize("name", ["a.fasta", "a.fa.gz", "a.faa.zst", "unknown.ending"])
def test_read_proteins_knows_it_in_any_dress(tmp_path, name):
    with open_compressed(tmp_path / name) as stream:
        stream.write(b"\xef\xbb\xbf>sp|P1|A_B Binds iron OS=Homo sapiens GN=abc\r\nMK\r\nv*\r\n\r\n>P2\r\nMA\r\n")
    frame = read_proteins(tmp_path / name)
    assert frame.to_dicts() == [
        {
            "id": "P1",
            "sequence": "MKV",
            "text": "Binds iron",
            "organism": "Homo sapiens",
            "entry_name": "A_B",
            "gene": "abc",
        },
        {"id": "P2", "sequence": "MA", "text": None, "organism": None, "entry_name": None, "gene": None},
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"\n\n", "the file is empty"),
        (b"\nMKV\n", "no FASTA: line 2 does not begin with '>'"),
        (b">A\nM\0V\n", "line 2 holds a zero byte"),
        (">A\nMKV\n".encode("utf-16"), "text in UTF-16; save it as UTF-8"),
    ],
)
def test_files_that_are_no_fasta(tmp_path, content, message):
    path = tmp_path / "a.fasta"
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match=message):
        read_proteins(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (">A\nMKV\n>B\n>C\nMK\n", "a.fasta:3: B: no sequence"),
        (">A\nMKV\n>\nMK\n", "a.fasta:3: record: no id"),
        (">A\nMKV\n>B\nMK\n-V\n", "a.fasta:3: B: gap '-' at position 3"),
        (">A\nMKV\n\n>A\nMKL\n", "a.fasta:4: A: its id has another sequence on line 1"),
    ],
)
def test_bad_records_are_named_by_the_line_of_their_header(tmp_path, content, message):
    path = tmp_path / "a.fasta"
    path.write_text(content)
    with pytest.raises(RecordError, match=message):
        read_proteins(path)


def test_truncated(tmp_path):
    path = tmp_path / "a.fasta.gz"
    path.write_bytes(gzip.compress(b">A\n" + b"MKVACDEFGHIKL\n" * 50_000)[:-20])
    with pytest.raises(FileFormatError, match="truncated"):
        list(read_fasta(path))


@pytest.mark.realdata
def test_real_proteomes(real_data):
    count = residues = 0
    for record in read_fasta(real_data / "unlabelled.fasta.gz"):
        count += 1
        residues += len(record.sequence)
        assert record.id
        assert "|" not in record.id
    assert count == 49_458
    assert round(residues / 1e6, 1) == 18.7
