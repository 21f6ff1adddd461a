"""Files become a table that `read_proteins` reads, whole or not at all."""

import json
import re
from pathlib import Path

import polars as pl
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protrek_hm.data import read_proteins
from protrek_hm.data.uniprot import ConvertConfig, conversion, convert
from protrek_hm.data.uniprot.conversion import SCHEMA
from protrek_hm.errors import FileFormatError, OptionError, OutputExistsError, ProTrekHMError, RecordError

FORMATS = ["dat", "xml", "json", "tsv"]


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("ending", [".parquet", ".tsv", ".csv.gz", ".tsv.zst"])
def test_what_is_written_is_read_without_flags(files, tmp_path, kind, ending):
    report = convert([files / f"three.{kind}"], tmp_path / f"a{ending}", gold_twins_path=tmp_path / f"twins{ending}")
    assert (report.proteins, report.rows, report.with_text) == (3, 3, 2)
    read = read_proteins(tmp_path / f"a{ending}")
    assert read.columns[:7] == ["id", "sequence", "text", "ec", "go", "organism", "entry_name"]
    assert read["id"].to_list() == ["P00901", "A0A999FIC1", "P00903"]
    assert read["text"][0].startswith("Tests NAD(P)H-dependent substrates")
    assert "Catalytic activity: a quinone + NADH" in read["text"][0]
    assert read["text"][1] is None
    stacked = read_proteins(tmp_path / f"twins{ending}")
    assert stacked.height == 1 + 7
    assert stacked["neutral"].cast(pl.Int64).sum() == report.twins.neutral == 2


def test_parquet_says_where_it_comes_from(files, tmp_path):
    config = ConvertConfig(release="2026_03")
    convert([files / "three.dat"], tmp_path / "a.parquet", config=config)
    metadata = pyarrow.parquet.read_schema(tmp_path / "a.parquet").metadata
    assert json.loads(metadata[b"protrek_hm"]) == {
        "format_version": 1,
        "source": "UniProt (CC BY 4.0)",
        "release": "2026_03",
        "files": ["three.dat"],
    }
    assert pl.read_parquet_schema(tmp_path / "a.parquet") == {name: dtype() for name, dtype in SCHEMA.items()}


def test_a_row_per_section(files, tmp_path):
    config = ConvertConfig(text_sections=["induction", "function", "ptm"], text_per="section")
    report = convert([files / "three.xml"], tmp_path / "a.parquet", config=config)
    assert (report.proteins, report.rows) == (3, 5)
    read = read_proteins(tmp_path / "a.parquet")
    assert read.select("id", "section").rows() == [
        ("P00901", "induction"),
        ("P00901", "function"),
        ("P00901", "ptm"),
        ("A0A999FIC1", None),
        ("P00903", "function"),
    ]
    assert read["text"][0] == "Induction: By exams."
    assert read["text"][2] == "PTM: Phosphorylated at Ser-4."


def test_each_section_has_its_own_evidence(files, tmp_path):
    config = ConvertConfig(text_sections=["function", "pathway", "ptm"], text_per="section")
    convert([files / "three.xml"], tmp_path / "a.parquet", config=config)
    assert read_proteins(tmp_path / "a.parquet").select("section", "text_evidence").rows() == [
        ("function", "ECO:0000250; ECO:0000269"),
        ("pathway", "ECO:0000305"),
        ("ptm", "ECO:0000269"),
        (None, None),
        ("function", "ECO:0000250"),
    ]


def test_entries_that_are_no_more_are_counted_and_left_out(tmp_path):
    table = "Entry\tReviewed\tProtein names\tSequence\n{}Q2\t\tdeleted\t\nQ3\t\tMerged into Q1.\t\n"
    (tmp_path / "a.tsv").write_text(table.format("Q1\treviewed\tTestase\tMKV\n"))
    report = convert([tmp_path / "a.tsv"], tmp_path / "b.tsv")
    assert (report.proteins, report.inactive, report.bad) == (1, 2, 0)
    assert read_proteins(tmp_path / "b.tsv")["id"].to_list() == ["Q1"]
    (tmp_path / "a.tsv").write_text(table.format(""))
    with pytest.raises(FileFormatError, match="all 2 entries are deleted or merged"):
        convert([tmp_path / "a.tsv"], tmp_path / "c.tsv")


def test_cells_that_say_na_are_missing(tmp_path):
    path = tmp_path / "uniprot.tsv"
    path.write_text(
        "Entry\tSequence\tFunction [CC]\tEC number\tGene Names\n"
        "P1\tMKV\tNA\tnan\t#N/A\nP2\tNA\tFUNCTION: Cuts.\t\t\nNA\tMKL\t\t\t\n"
    )
    report = convert([path], tmp_path / "out.tsv", config=ConvertConfig(on_bad_record="skip"))
    assert (report.proteins, report.bad) == (1, 2)
    assert read_proteins(tmp_path / "out.tsv").select("id", "text", "ec", "gene").rows() == [("P1", None, None, None)]


@pytest.mark.parametrize("texts", ["{ECO:0000269|PubMed:1}.", "{ECO:0000250|UniProtKB:Q9}.", "", "(By similarity)."])
def test_evidence_is_that_of_the_table_itself(tmp_path, texts):
    """What `read_proteins` takes from the texts of a table is what conversion writes."""
    (tmp_path / "a.tsv").write_text(f"Entry\tSequence\tFunction [CC]\nQ1\tMKV\tFUNCTION: Binds zinc. {texts}\n")
    convert([tmp_path / "a.tsv"], tmp_path / "b.tsv")
    direct, converted = (read_proteins(tmp_path / name) for name in ("a.tsv", "b.tsv"))
    assert direct["text"].to_list() == converted["text"].to_list() == ["Binds zinc."]
    told = direct["text_evidence"][0] if "text_evidence" in direct.columns else None
    assert told == converted["text_evidence"][0]


def test_several_files_and_an_accession_twice(files, tmp_path):
    with pytest.raises(RecordError, match=r"three\.xml:3: P00901: its accession was there before") as caught:
        convert([files / "three.dat", files / "three.xml"], tmp_path / "a.parquet")
    assert "--on-bad-record skip" in str(caught.value)
    assert list(tmp_path.iterdir()) == []
    skipping = ConvertConfig(on_bad_record="skip")
    report = convert([files / "three.dat", files / "three.xml"], tmp_path / "a.parquet", config=skipping)
    assert (report.proteins, report.bad) == (3, 3)
    assert report.first_bad == f"{files / 'three.xml'}:3: P00901: its accession was there before"


def flat(accession, sequence):
    length = len(sequence)
    return f"ID   {accession}_T   Reviewed;   {length} AA.\nAC   {accession};\nSQ   SEQUENCE\n     {sequence}\n//\n"


def test_a_titin(tmp_path):
    (tmp_path / "a.dat").write_text(flat("Q1", "MKVLA" * 7_000) + flat("Q2", "mkv"))
    convert([tmp_path / "a.dat"], tmp_path / "a.parquet")
    assert read_proteins(tmp_path / "a.parquet")["length"].to_list() == [35_000, 3]


def test_broken_records(tmp_path):
    (tmp_path / "a.dat").write_text(flat("Q1", "MKV") + flat("Q2", "MKJ") + flat("Q3", "MK") + "ID   Q4\n")
    with pytest.raises(RecordError, match=r"a\.dat:6: Q2: letter 'J' at position 3"):
        convert([tmp_path / "a.dat"], tmp_path / "a.parquet")
    report = convert([tmp_path / "a.dat"], tmp_path / "a.parquet", config=ConvertConfig(on_bad_record="skip"))
    assert (report.proteins, report.bad) == (2, 2)
    (tmp_path / "b.dat").write_text(flat("Q2", "MKJ"))
    with pytest.raises(FileFormatError, match="no good entry"):
        convert([tmp_path / "b.dat"], tmp_path / "b.parquet", config=ConvertConfig(on_bad_record="skip"))
    assert not (tmp_path / "b.parquet").exists()


def test_an_interrupted_conversion_leaves_nothing(files, tmp_path, monkeypatch):
    seen = []

    def interrupt(stage, done, total):
        seen.append((stage, done, total))
        raise KeyboardInterrupt

    monkeypatch.setattr(conversion, "_REPORT_EVERY", 2)
    with pytest.raises(KeyboardInterrupt):
        convert([files / "three.dat"], tmp_path / "a.parquet", gold_twins_path=tmp_path / "t.tsv", progress=interrupt)
    assert seen == [("entries", 2, None)]
    assert list(tmp_path.iterdir()) == []


def test_outputs(files, tmp_path):
    (tmp_path / "a.tsv").touch()
    for output, twins in (("a.tsv", None), ("b.tsv", "a.tsv")):
        with pytest.raises(OutputExistsError):
            convert([files / "three.dat"], tmp_path / output, gold_twins_path=twins and tmp_path / twins)
    assert [path.name for path in tmp_path.iterdir()] == ["a.tsv"]
    with pytest.raises(OptionError, match="must differ from the output"):
        convert([files / "three.dat"], tmp_path / "b.tsv", gold_twins_path=tmp_path / "b.tsv")
    for name in ("b.txt", "b.parquet.gz"):
        with pytest.raises(FileFormatError, match="unknown ending"):
            convert([files / "three.dat"], tmp_path / name)


@pytest.mark.parametrize(
    "setting",
    [{"text_sections": ["functions"]}, {"text_sections": []}, {"text_per": "row"}, {"on_bad_record": "ignore"}],
)
def test_settings_check_themselves(setting):
    with pytest.raises(OptionError):
        ConvertConfig(**setting)


def test_memory_is_bounded(tmp_path, monkeypatch):
    """Rows are handed on in groups: what is held at a time does not grow with the file."""
    (tmp_path / "a.dat").write_text("".join(flat(f"Q{number}", "MKVLA" * 20) for number in range(500)))
    groups = []
    flush = conversion.TableSink.flush
    monkeypatch.setattr("protrek_hm.data.tables._LETTERS", 5_000)
    monkeypatch.setattr(conversion.TableSink, "flush", lambda sink: (groups.append(len(sink._rows)), flush(sink)))
    convert([tmp_path / "a.dat"], tmp_path / "a.parquet")
    assert sum(groups) == 500
    assert max(groups) < 60
    assert read_proteins(tmp_path / "a.parquet").height == 500


DEBRIS = [
    b"",
    b'"',
    b"\t",
    b"<",
    b">",
    b"\n",
    b"//\n",
    b"{",
    b"]",
    b"\0",
    b"\xff",
    b"7",
    b"</entry>",
    b"null",
    b"->",
    b";",
]


@settings(deadline=None, max_examples=120)
@given(
    st.sampled_from(FORMATS),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 60), st.sampled_from(DEBRIS)), min_size=1, max_size=3),
    st.sampled_from(["error", "skip"]),
)
def test_a_damaged_file_is_read_or_refused_in_one_line(files, tmp_path_factory, kind, damages, on_bad_record):
    content = (files / f"three.{kind}").read_bytes()
    for where, lost, debris in damages:
        start = round(where * len(content))
        content = content[:start] + debris + content[start + lost :]
    folder = tmp_path_factory.mktemp("damaged")
    (folder / "a").write_bytes(content)
    config = ConvertConfig(on_bad_record=on_bad_record)
    try:
        report = convert([folder / "a"], folder / "b.tsv", gold_twins_path=folder / "c.tsv", config=config)
        assert read_proteins(folder / "b.tsv").height == report.proteins
    except ProTrekHMError as error:
        assert "\n" not in str(error)  # noqa: PT017


def test_the_example_of_the_documentation(tmp_path, monkeypatch, capsys):
    page = Path(__file__).parents[3] / "docs" / "uniprot.md"
    [example] = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    monkeypatch.chdir(tmp_path)
    exec(example, {})  # noqa: S102
    printed = capsys.readouterr().out
    for promised in re.findall(r"# (.+)", example):
        assert promised in printed
