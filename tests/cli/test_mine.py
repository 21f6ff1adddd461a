import json
import shlex
import subprocess
import sys
from shutil import rmtree

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from protrek_hm.cli.app import app
from protrek_hm.data.twins import read_cases
from protrek_hm.errors import (
    CellError,
    NothingFoundError,
    NoTwinsError,
    OptionError,
    OutputExistsError,
    ProtectedOutputError,
)
from protrek_hm.mine import leaks

LETTERS = np.array(list("ACDEFGHIKLMNPQRSTVWY"))
pytestmark = pytest.mark.usefixtures("no_pictures")


@pytest.fixture
def proteins(tmp_path):
    generator = np.random.default_rng(1)
    rows = []
    for family in range(6):
        founder = generator.choice(LETTERS, 60)
        for member in range(4):
            residues = founder.copy()
            residues[generator.choice(60, 3, replace=False)] = generator.choice(LETTERS, 3)
            drug = ("penicillin", "tetracycline")[member % 2]
            text = f"{drug.capitalize()}-hydrolyzing enzyme of family {family}."
            rows.append({"id": f"F{family}M{member}", "sequence": "".join(residues), "text": text, "drug": drug})
    path = tmp_path / "proteins.tsv"
    pl.DataFrame(rows).write_csv(path, separator="\t")
    return path


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_mine_then_leaks_then_audit(proteins, tmp_path):
    out = tmp_path / "out"
    mined = run("mine", proteins, "-o", out, "--no-neighbours", "--easy", 20, "--threads", 1)
    assert mined.exit_code == 0, mined.output
    assert "differ in function" in mined.stdout
    assert pl.read_csv(out / "hard_negatives_all.csv").height == 6 * 4 * 2
    checked = run("mine", "leaks", out, "-o", tmp_path / "leaks.json")
    assert checked.exit_code == 0, checked.output
    assert [side["related"] for side in json.loads((tmp_path / "leaks.json").read_text())["sides"]] == [0, 0]
    audit = run("mine", "audit", out, "--label", "drug:equal")
    assert audit.exit_code == 0, audit.output
    assert "0 of 24 = 0.0 %" in audit.stdout
    assert (out / "audit" / "audit.html").exists()
    assert run("mine", "audit", out, "--force").exit_code == 0
    rows = (out / "hard_negatives_test.csv").read_bytes()
    lost = run("mine", "leaks", out, "-o", out / "hard_negatives_test.csv", "--force")
    assert isinstance(lost.exception, ProtectedOutputError)
    assert (out / "hard_negatives_test.csv").read_bytes() == rows
    assert run("mine", "leaks", out, "-o", tmp_path / "leaks.json", "--force").exit_code == 0


def test_a_leaky_split_exits_with_1(proteins, tmp_path, monkeypatch):
    out = tmp_path / "out"
    assert run("mine", proteins, "-o", out, "--split", "pairs", "--easy", 0).exit_code == 0
    found = leaks.check_split(out)
    monkeypatch.setattr(leaks, "check_split", lambda *_, **__: found)
    assert run("mine", "leaks", out).exit_code == 1
    assert run("mine", "leaks", out, "--max-leak", 1000, "--max-shared-texts", 0).exit_code == 1
    assert run("mine", "leaks", out, "--max-leak", 1000).exit_code == 0


def test_settings_come_from_file_and_flags(proteins, tmp_path):
    (tmp_path / "c.toml").write_text('[mine]\neasy = 4\nseed = 7\nevidence = ["drug:equal"]\n')
    out = tmp_path / "out"
    assert run("mine", proteins, "-o", out, "--config", tmp_path / "c.toml", "--seed", 8).exit_code == 0
    config = json.loads((out / "config.json").read_text())
    assert (config["easy"], config["seed"], config["evidence"]) == (4, 8, ["drug:equal"])
    assert "threads" not in config


def test_a_given_split_is_honoured(proteins, tmp_path):
    (tmp_path / "split.tsv").write_text("id\tsplit\n" + "".join(f"F5M{n}\ttest\n" for n in range(4)))
    out = tmp_path / "out"
    assert run("mine", proteins, "-o", out, "--split-file", tmp_path / "split.tsv", "--easy", 0).exit_code == 0
    test = pl.read_csv(out / "hard_negatives_test.csv")
    assert set(test.filter(pl.col("anchor_id").str.starts_with("F5"))["split"]) == {"test"}
    assert pl.read_csv(out / "hard_negatives_all.csv").filter(pl.col("anchor_id").str.starts_with("F5")).height == 8


def test_bad_input_is_told(proteins, tmp_path):
    assert isinstance(run("mine", proteins, "-o", tmp_path).exception, OutputExistsError)
    out = tmp_path / "out"
    assert isinstance(run("mine", proteins, "-o", out, "--coverage", 2).exception, OptionError)
    assert isinstance(run("mine", proteins, "-o", out, "--evidence", "dose:set").exception, OptionError)
    nothing = run("mine", proteins, "-o", out, "--evidence", "drug:numeric:1")
    assert isinstance(nothing.exception, OptionError)
    alike = run("mine", proteins, "-o", out, "--gate", "text", "--max-text-similarity", 0)
    assert isinstance(alike.exception, NothingFoundError)
    assert "look alike" in alike.stdout


def test_a_run_without_twins_keeps_its_verdicts_and_names_columns(proteins, tmp_path):
    table = pl.read_csv(proteins, separator="\t").with_columns(
        text=pl.format("Enzyme number {}.", pl.int_range(pl.len())), em_max=pl.Series([508, 448] * 12)
    )
    table.write_csv(proteins, separator="\t")
    out = tmp_path / "out"
    nothing = run("mine", proteins, "-o", out, "--no-neighbours", "--easy", 20)
    assert isinstance(nothing.exception, NoTwinsError)
    assert "unsure: words:other-words     36" in nothing.stdout
    command = f"protrek-hm mine {proteins} -o {out} --no-neighbours --easy 20 --evidence em_max:numeric:10 --force"
    assert f"if em_max tells functions apart (24 pairs would differ):\n  {command}\n" in nothing.stdout
    assert "--evidence drug:set" in nothing.stdout
    assert sorted(path.name for path in out.glob("[!.]*")) == [
        "config.json", "judged_pairs.parquet", "mining_report.json",
    ]  # fmt: skip
    assert run("mine", "audit", out).exit_code == 0
    rmtree(out / "audit")
    assert run(*shlex.split(command)[1:]).exit_code == 0
    triplets = (out / "hard_negatives_all.csv").read_bytes()
    again = run("mine", proteins, "-o", out, "--force")
    assert isinstance(again.exception, NoTwinsError)
    assert "keeps the triplets of an earlier run" in again.stdout
    assert (out / "hard_negatives_all.csv").read_bytes() == triplets


def test_a_cell_that_is_no_number_is_told_with_its_line(proteins, tmp_path):
    cells = pl.Series(["508", None, "516 (587)", "x", *["448"] * 20])
    table = pl.read_csv(proteins, separator="\t").with_columns(em_max=cells)
    table.write_csv(proteins, separator="\t")
    found = run("mine", proteins, "-o", tmp_path / "out", "--evidence", "em_max:numeric:20")
    assert isinstance(found.exception, CellError)
    assert "line 4 holds '516 (587)', which is not a number (2 of 23 cells are not)" in str(found.exception)


def test_help_is_light():
    code = (
        "import sys; from typer.testing import CliRunner; from protrek_hm.cli.app import app;"
        "r = CliRunner().invoke(app, ['mine', 'run', '--help']); assert r.exit_code == 0, r.output;"
        "print([m for m in ('torch', 'sklearn', 'polars', 'parasail', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_what_is_asked_for_is_written(proteins, tmp_path):
    out = tmp_path / "out"
    flags = ["--format", "n-tuple", "--negatives-per-anchor", 1, "--medium", 20, "--max-pairs-per-protein", 2]
    mined = run("mine", proteins, "-o", out, "--min-identity", 0.9, "--easy", 0, *flags)
    assert mined.exit_code == 0, mined.output
    assert "at most 2 a protein, sampled evenly" in mined.stdout
    assert pl.read_csv(out / "text_tuples_train.csv").columns == ["anchor", "positive", "negative_1"]
    assert (out / "protein_tuples_test.csv").exists()
    assert set(pl.read_csv(out / "medium_negatives_train.csv")["type"]) == {"medium"}


@pytest.fixture
def twins(proteins, tmp_path):
    table = pl.read_csv(proteins, separator="\t").with_columns(pl.lit("labels").alias("set"), label=pl.col("drug"))
    path = tmp_path / "twins.parquet"
    table.drop("drug").write_parquet(path)
    return path


def test_cases_of_twins_and_their_leaks(twins, tmp_path):
    cases, proteins = tmp_path / "cases.tsv", tmp_path / "proteins.parquet"
    made = run("mine", "twins", twins, "-o", cases, "--proteins", proteins, "--threads", 1, "--known-fraction", 0)
    assert made.exit_code == 0, made.output
    table = read_cases(cases)
    assert table.height == 6 * 2 * 2
    assert "test" in made.stdout
    for path in (cases, proteins):
        checked = run("mine", "leaks", path)
        assert checked.exit_code == 0, checked.output
    again = run("mine", "twins", twins, "-o", tmp_path / "again.tsv", "--split-file", proteins, "--known-fraction", 0)
    assert again.exit_code == 0, again.output
    assert (tmp_path / "again.tsv").read_bytes() == cases.read_bytes()
    leaky = pl.read_parquet(proteins).with_columns(
        split=pl.when(pl.col("id") == "F0M0").then(pl.lit("train")).otherwise(pl.lit("test"))
    )
    leaky.write_parquet(proteins)
    assert run("mine", "leaks", proteins).exit_code == 1


def test_cases_of_twins_refuse_what_they_cannot_use(twins, tmp_path):
    out = tmp_path / "cases.parquet"
    assert isinstance(run("mine", "twins", twins, "-o", twins).exception, OutputExistsError)
    assert "unknown ending" in str(run("mine", "twins", twins, "-o", tmp_path / "cases.txt").exception)
    assert isinstance(run("mine", "twins", twins, "-o", out, "--split-identity", 0.8).exception, OptionError)
    assert "two rows of the set labels have the id" in str(run("mine", "twins", twins, twins, "-o", out).exception)
    pl.read_parquet(twins).with_columns(label=pl.lit("one")).write_parquet(twins)
    assert isinstance(run("mine", "twins", twins, "-o", out).exception, NothingFoundError)
    assert not out.exists()
