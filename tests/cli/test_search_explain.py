"""`explain`, `describe` and `score`: two proteins side by side, a protein's texts, loose pairs."""

import csv
import io
import json
import sys
from types import SimpleNamespace

import polars as pl
import pytest

from protrek_hm.index import build_index

TWIN = "MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQ"
OTHER = TWIN.replace("KSH", "DSH")


@pytest.fixture
def stand_in(letter_encoder, monkeypatch):
    """Whatever model is named, a stand-in is loaded."""
    loader = SimpleNamespace(
        load_encoder=lambda name, *, device: letter_encoder(str(name).replace("user/model", "letters"))
    )
    monkeypatch.setitem(sys.modules, "protrek_hm.model", loader)


@pytest.fixture
def index(tmp_path, letter_encoder, stand_in):
    proteins = pl.DataFrame(
        {"id": ["TEM-1", "TEM-2"], "sequence": [TWIN, OTHER], "text": ["keeps K", "digests dead DD"]}
    )
    build_index(proteins, letter_encoder(), tmp_path / "index", model_name="user/model")
    return tmp_path / "index"


@pytest.fixture
def fasta(tmp_path):
    path = tmp_path / "two.fasta"
    path.write_text(f">first\n{OTHER}\n>second\n{TWIN[:20]}\n")
    return path


def test_explain_says_who_wins_and_what_each_difference_does(command_line, index):
    code, out, err = command_line("explain", index, "DDD", "TEM-1", "TEM-2")
    assert (code, err) == (0, "")
    lines = [line.split() for line in out.splitlines()]
    assert lines[0] == ["“DDD”"]
    assert lines[2:5] == [
        ["id", "score", "ProTrek", "scale", "residues"],
        ["A", "TEM-1", "0.0000", "0.00", "33"],
        ["B", "TEM-2", "0.1098", "2.20", "33"],
    ]
    assert "TEM-2 fits better by 0.1098 (2.20 on ProTrek's scale); 97.0 % identical over 100 %, 1 difference" in out
    assert ["K16D", "+0.1098", "████████████", "-0.1098"] in lines
    assert f"TEM-1                 1 {TWIN} 33" in out
    assert "alone they add up to +0.1098, all together make +0.1098: +0.0000 comes of their acting together" in out


def test_explain_as_json_into_a_file(command_line, index, tmp_path):
    output = tmp_path / "why.json"
    code, out, _ = command_line("explain", index, "DDD", "TEM-1", OTHER, "--format", "json", "-o", output)
    content = json.loads(output.read_text())
    assert (code, out) == (0, "")
    assert (content["winner"], content["b"]["id"], content["substitutions"][0]["notation"]) == ("b", None, "K16D")
    assert command_line("explain", index, "DDD", "TEM-1", OTHER, "-o", output)[0] == 2, "it is there already"


def test_explain_tells_strangers(command_line, index):
    code, out, _ = command_line("explain", index, "DDD", "TEM-1", "W" * 30)
    assert code == 0
    assert "note: no twins" in out
    assert "add up" not in out


def test_describe(command_line, index, fasta):
    code, out, err = command_line("describe", index, fasta, TWIN)
    assert (code, err) == (0, "")
    said = "nearest labelled homolog: TEM-2, 100.0 % identical over 100 %, its text's score 0.4331"
    assert out.count(f"{said}: its own text may be all you need\n") == 1
    assert "nearest labelled homolog: TEM-1, 60.6 % identical over 61 %" in out
    assert "\n        keeps K\n" in out
    assert not any(line.endswith(" ") for line in out.splitlines())
    assert "TEM-1 (homolog)" in out

    code, out, _ = command_line("describe", index, fasta, "--format", "tsv", "-k", 1)
    rows = list(csv.DictReader(io.StringIO(out), delimiter="\t"))
    assert [(row["query"], row["section"], row["rank"], row["homolog"]) for row in rows] == [
        ("first", "text", "1", "TEM-2"),
        ("second", "text", "1", "TEM-1"),
    ]
    code, out, _ = command_line("describe", index, fasta, "--format", "jsonl")
    assert [json.loads(line)["id"] for line in out.splitlines()] == ["first", "second"]


def test_describe_takes_ids_and_says_what_is_none(command_line, index):
    code, out, _ = command_line("describe", index, "TEM-1", "--format", "jsonl")
    [found] = map(json.loads, out.splitlines())
    assert (code, found["id"], found["homolog"]["id"]) == (0, "TEM-1", "TEM-1")
    code, _, err = command_line("describe", index, "TEM-9")
    assert (code, "no id of the index, and no sequence" in err, "--by" in err) == (2, True, False)


def test_a_small_difference_has_a_short_bar(command_line, index):
    _, out, _ = command_line("explain", index, "DDD", "TEM-1", "TEM-2")
    assert "full bar: 0." in out
    assert not any(line.endswith(" ") for line in out.splitlines())


def test_score_of_a_text_with_sequences_and_files(command_line, stand_in, fasta):
    code, out, _ = command_line("score", "DDD", "DDK", fasta, "-m", "any", "--format", "tsv")
    rows = list(csv.DictReader(io.StringIO(out), delimiter="\t"))
    assert code == 0
    assert [row["id"] for row in rows] == ["DDK", "first", "second"]
    assert float(rows[0]["score"]) == pytest.approx(2 / 5**0.5, abs=1e-6)
    assert float(rows[0]["protrek_score"]) == pytest.approx(2 / 5**0.5 / 0.05, abs=1e-4)
    assert rows[1]["sequence"] == OTHER
    code, out, _ = command_line("score", "DDD", "DDK", "-m", "any")
    assert [line.split() for line in out.splitlines()] == [
        ["score", "ProTrek", "scale", "length", "id", "text"],
        ["0.8944", "17.89", "3", "DDK", "DDD"],
    ]


def test_score_of_a_table_of_pairs(command_line, stand_in, tmp_path):
    (tmp_path / "pairs.tsv").write_text("id\ttext\tsequence\nx\tKK\tkkk\ny\tDD\tKD*\n")
    output = tmp_path / "scored.jsonl"
    arguments = ("score", "-m", "any", "--file", tmp_path / "pairs.tsv", "--format", "jsonl", "-o", output)
    assert command_line(*arguments)[:2] == (0, "")
    rows = [json.loads(line) for line in output.read_text().splitlines()]
    assert [(row["id"], row["text"], row["sequence"], round(row["score"], 4)) for row in rows] == [
        ("x", "KK", "KKK", 1.0),
        ("y", "DD", "KD", 0.7071),
    ]


def test_bad_input_gives_one_line(command_line, index, tmp_path):
    empty, odd, short = tmp_path / "empty.fasta", tmp_path / "odd.fasta", tmp_path / "short.tsv"
    empty.write_text("")
    odd.write_text(">ok\nMKV\n>P7\nMKJV\n")
    short.write_text("text\tsequence\na kinase\tMKV\na lyase\t\n")
    for arguments, message in (
        (("explain", index, "K", "TEM-9", "TEM-2"), "TEM-9"),
        (("explain", index, "K", "TEM-1", "MK1" + TWIN), "letter '1' at position 3"),
        (("explain", index, " ", "TEM-1", "TEM-2"), "is empty"),
        (("explain", index, "K", "TEM-1", "TEM-2", "--most-differences", -1), "most_differences = -1"),
        (("describe", index, empty), "empty.fasta: the file is empty"),
        (("describe", index, odd), "odd.fasta: line 3: P7: letter 'J' at position 3"),
        (("describe", index, tmp_path / "no.fasta"), "no such file"),
        (("describe", index, TWIN, "-k", 0), "k = 0"),
        (("score", "K", "-m", "any"), 'give "text" SEQUENCE…, or a table of pairs with --file'),
        (("score", "K", "MKV", "-m", "any", "--file", short), "give"),
        (("score", "-m", "any", "--file", short), "short.tsv: line 3: is empty"),
        (("score", "-m", "any", "--file", odd), "no column 'text'"),
        (("score", "K", "MKB1", "-m", "any"), "letter '1' at position 4"),
    ):
        code, out, err = command_line(*arguments)
        assert (code, out, err.count("\n")) == (2, "", 1), (arguments, err)
        assert message in err


def test_explain_draws_a_picture(command_line, index, tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(
        "protrek_hm.figures.alignment.draw_contributions", lambda *given, **named: drawn.append((given, named))
    )
    assert command_line("explain", index, "DDD", "TEM-1", "TEM-2", "--figure", tmp_path / "why.png")[0] == 0
    [((card, bars, path), named)] = drawn
    assert (card.a, card.b, card.names) == (TWIN, OTHER, ("TEM-1", "TEM-2"))
    assert [(each.name, round(each.change, 4), round(each.mirrored, 4)) for each in bars] == [("K16D", 0.1098, 0.1098)]
    assert path == tmp_path / "why.png"
    assert named["title"] == "“DDD”"
    assert named["caption"].startswith("alone they add up to +0.1098")
