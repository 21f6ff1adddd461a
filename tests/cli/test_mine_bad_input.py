"""Bad input to `mine`, as a user meets it: one clear line, exit code 2, nothing half-written."""

import resource
import stat
import sys
from pathlib import Path

import numpy as np
import pytest

from protrek_hm.cli import mine as command
from protrek_hm.cli.app import main
from protrek_hm.homology import mmseqs
from protrek_hm.mine import leaks

GENERATOR = np.random.default_rng(1)
BASE = "".join(GENERATOR.choice(list("ACDEFGHIKLMNPQRSTVWY"), 60))
TWIN = BASE[:30] + ("W" if BASE[30] != "W" else "A") + BASE[31:]
OTHER = "".join(GENERATOR.choice(list("ACDEFGHIKLMNPQRSTVWY"), 60))
ZINC, IRON = "Binds zinc.", "Binds iron."
pytestmark = pytest.mark.usefixtures("no_pictures")


@pytest.fixture
def mine(tmp_path, monkeypatch, capsys):
    """Runs `mine` on rows of id, sequence, text; returns the exit code and what stood on stderr."""

    def run(rows, *flags, header="id\tsequence\ttext", output=None, disk=resource.RLIM_INFINITY):
        path = tmp_path / "proteins.tsv"
        path.write_text("".join(f"{line}\n" for line in [header, *("\t".join(row) for row in rows)] if line))
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (disk, hard))  # bytes beyond which no file can grow
        try:
            return call("mine", path, "-o", output or tmp_path / "out", "--threads", 1, "--easy", 0, *flags)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["protrek-hm", *map(str, arguments)])
        code = 0
        try:
            main()
        except SystemExit as ended:
            code = ended.code or 0
        return code, capsys.readouterr().err

    run.call = call
    return run


@pytest.mark.parametrize(
    ("header", "rows", "message"),
    [
        ("", [], "empty"),
        ("id\tsequence\ttext", [], "no records"),
        ("id\tsequence", [("a", BASE), ("b", TWIN)], "--column text=NAME"),
        ("id\ttext", [("a", ZINC), ("b", IRON)], "--column sequence=NAME"),
        ("id\tsequence\ttext", [("a", BASE, ZINC)], "two proteins"),
        ("id\tsequence\ttext", [("a", BASE, ZINC), ("b", OTHER, IRON)], "--min-identity"),
        ("id\tsequence\ttext", [("a", BASE, ZINC), ("b", BASE, IRON), ("c", BASE, ZINC)], "1 distinct sequences"),
        ("id\tsequence\ttext", [("a", BASE, ZINC), ("b", TWIN, "binds ZINC")], "1 same"),
        ("id\tsequence\ttext", [("a", BASE, ""), ("b", TWIN, "")], "none with a text"),
        ("id\tsequence\ttext", [("a", BASE, ZINC), ("b", TWIN, "")], "1 of them with a text"),
        ("id\tsequence\ttext", [("a", BASE[:9] + "*" + BASE, ZINC), ("b", TWIN, IRON)], "stop '*' at position 10"),
        ("id\tsequence\ttext", [("a", BASE[:9] + "-" + BASE, ZINC), ("b", TWIN, IRON)], "gap '-' at position 10"),
        ("id\tsequence\ttext", [("a", BASE + "J", ZINC), ("b", TWIN, IRON)], "letter 'J'"),
        ("id\tsequence\ttext", [("a", "", ZINC), ("b", TWIN, IRON)], "no sequence"),
    ],
)
def test_each_fault_is_one_line_and_leaves_nothing(mine, tmp_path, header, rows, message):
    code, told = mine(rows, header=header)
    assert code == 2
    assert message in told
    assert told.count("\n") == 1
    assert told.startswith("error: ")
    kept = ["out"] if message == "1 same" else []  # the verdicts of a run without twins
    assert sorted(path.name for path in tmp_path.iterdir()) == [*kept, "proteins.tsv"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (BASE + "*", TWIN + "*"),
        (BASE.lower(), TWIN.lower()),
        (BASE + "BZXUO", TWIN + "BZXUO"),
    ],
)
def test_letters_that_are_fine(mine, tmp_path, one, other):
    assert mine([("a", one, ZINC), ("b", other, IRON)])[0] == 0
    lines = (tmp_path / "out" / "hard_negatives_all.csv").read_text().splitlines()
    assert len(lines) == 3
    assert lines[1].startswith(one.upper().rstrip("*") + ",")


def test_very_long_proteins(mine, tmp_path):
    long = "".join(GENERATOR.choice(list("ACDEFGHIKLMNPQRSTVWY"), 35_000))
    assert mine([("a", long, ZINC), ("b", long[:20_000] + long[20_500:], IRON)])[0] == 0
    assert len((tmp_path / "out" / "hard_negatives_all.csv").read_text().splitlines()) == 3
    assert not (tmp_path / "out" / "hard_negative_examples.png").exists()


@pytest.mark.parametrize("flags", [("--format", "n-tuple"), ("--max-pairs-per-protein", 0), ("--evidence", "dose:set")])
def test_settings_are_checked_before_the_search(mine, tmp_path, flags):
    code, told = mine([("a", BASE, ZINC), ("b", TWIN, IRON)], *flags)
    assert (code, told.count("\n")) == (2, 1)
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / ".out.work").exists()


def test_an_output_that_cannot_be_written_is_told_before_reading(mine, tmp_path):
    (tmp_path / "file").touch()
    for output in (tmp_path / "file" / "out", Path("/proc/out")):
        code, told = mine([], output=output, header="")  # an empty input: the output comes first
        assert code == 2
        assert "cannot be written" in told


@pytest.mark.parametrize("noticed", ["before", "while writing"])
def test_a_full_disk(mine, tmp_path, monkeypatch, noticed):
    if noticed == "while writing":
        monkeypatch.setattr(command, "refuse_unwritable", lambda _: None)
    code, told = mine([("a", BASE, ZINC), ("b", TWIN, IRON * 3_000)], disk=50_000)
    assert code == 2, told
    assert "cannot be written" in told
    assert "free some space" in told
    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.glob(".*.partial"))


def test_mmseqs2_failing_half_way(mine, tmp_path, monkeypatch):
    monkeypatch.setattr(leaks, "EVERY_PAIR", 0)
    program = tmp_path / "mmseqs"
    for script, said in (("echo 'Prefilter died' >&2; exit 1", "Prefilter died"), ("kill -9 $$", "exit code -9")):
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setattr(mmseqs, "binary", lambda: program)
        (tmp_path / "leaks").mkdir(exist_ok=True)
        for side, sequence in (("train", BASE), ("test", OTHER)):
            rows = f"anchor_seq,anchor_text,hard_neg_seq,hard_neg_text\n{sequence},x,{sequence[:-1]},y\n"
            (tmp_path / "leaks" / f"hard_negatives_{side}.csv").write_text(rows)
        code, told = mine.call("mine", "leaks", tmp_path / "leaks", "-o", tmp_path / "leaks.json")
        assert (code, told.count("\n")) == (2, 1)
        assert said in told
        assert not (tmp_path / "leaks.json").exists()
