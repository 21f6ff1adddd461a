"""`protrek-hm data check`: what is printed, and with which exit code."""

import json
import sys

import pytest

from protrek_hm.cli.app import main
from protrek_hm.cli.data import parse_columns
from protrek_hm.errors import OptionError

GOOD = "id,sequence,text\nA,MKV,Binds iron.\nB,MKL,\n"
BAD = "id,sequence,text\nA,MKV,Binds iron.\nB,MJL,\n\nC,,x\n"


@pytest.fixture
def command(monkeypatch, capsys, tmp_path):
    """Run `protrek-hm data check` in an empty folder; give exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["protrek-hm", "data", "check", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        return ended.value.code or 0, captured.out, captured.err

    def write(text, name="a.csv"):
        (tmp_path / name).write_text(text)
        return run

    return write


def test_a_clean_file(command):
    code, out, err = command(GOOD)("a.csv")
    assert (code, err) == (0, "")
    assert "2, 0 of them bad" in out
    assert "id, sequence, text" in out


def test_all_bad_records_are_listed_with_their_lines(command):
    run = command(BAD)
    code, out, _ = run("a.csv")
    assert code == 1
    assert out.splitlines()[-2:] == [
        "a.csv:3: B: letter 'J' at position 2 is not an amino acid",
        "a.csv:5: C: no sequence",
    ]
    assert run("a.csv", "--on-bad-record", "skip")[0] == 0
    out = run("a.csv", "--limit", "1")[1]
    assert out.splitlines()[-1] == "… and 1 more bad record; list more with --limit"
    assert "a.csv:5" not in out


def test_json_says_the_same(command, tmp_path):
    run = command(BAD)
    code, out, err = run("a.csv", "--format", "json", "--limit", "1", "-o", "out/report.json")
    report = json.loads(out)
    assert (code, err) == (1, "")
    assert (report["file"], report["records"], report["bad_records"]) == ("a.csv", 3, 2)
    assert report["bad"] == [{"line": 3, "record": "B", "problem": "letter 'J' at position 2 is not an amino acid"}]
    assert report["lengths"]["maximum"] == 3
    assert json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8")) == report
    code, out, err = run("a.csv", "-o", "out/report.json")
    assert (code, out) == (2, "")
    assert "--force" in err
    assert run("a.csv", "-o", "out/report.json", "--force")[0] == 1


def test_what_is_suspicious_is_a_warning(command):
    run = command(f"id,sequence,text\nA,{'ACGT' * 9},one\nB,MKL,two\n")
    code, out, err = run("a.csv")
    assert (code, err) == (0, "")
    assert out.splitlines()[-1] == "warning: the sequence looks like DNA or RNA (1 record, such as A)"
    [told] = json.loads(run("a.csv", "--format", "json")[1])["suspicions"]
    assert told == {
        "kind": "nucleotides",
        "records": 1,
        "problem": "the sequence looks like DNA or RNA",
        "examples": ["A"],
    }


def test_columns_by_flag(command):
    run = command("name,letters\nA,MKV\n")
    code, _, err = run("a.csv")
    assert code == 2
    assert err == (
        "error: a.csv: no column 'sequence' (columns: name, letters); say which one holds the sequences with "
        "--column sequence=NAME (line 1 must hold the names)\n"
    )
    code, out, _ = run("a.csv", "--column", "sequence=letters", "--column", "id=name")
    assert code == 0
    assert "id = name, sequence = letters" in out


@pytest.mark.parametrize(
    ("text", "arguments", "message"),
    [
        (GOOD, ["absent.csv"], "error: absent.csv: no such file or folder; check the path"),
        (GOOD, ["."], "error: .: is a folder; give a readable file"),
        ("", ["a.csv"], "error: a.csv: the file is empty; give a table with a header line, or FASTA"),
        (
            "id,sequence\n",
            ["a.csv"],
            "error: a.csv: a header and no records; give a file with at least one record",
        ),
        (GOOD, ["a.csv", "--column", "sequence"], "error: column = 'sequence': write NAME=COLUMN"),
        (GOOD, ["a.csv", "--column", "sequense=x"], "error: column = 'sequense=x': the part before '='"),
        (GOOD, ["a.csv", "-o", "a.csv/x.json"], "error: a.csv/x.json: cannot be written"),
    ],
)
def test_bad_input_gives_one_line_and_exit_code_2(command, text, arguments, message):
    code, out, err = command(text)(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith(message)
    assert err.count("\n") == 1


def test_parse_columns():
    assert parse_columns(["text=a=b"]) == {"text": "a=b"}
    for wrong in ("text", "=x", "text="):
        with pytest.raises(OptionError):
            parse_columns([wrong])
