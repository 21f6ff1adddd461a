"""`protrek-hm tune`: what it says when it cannot work, and at its end; the work itself has tests in tests/tune."""

import sys
from types import SimpleNamespace

import pytest

from protrek_hm.tune import run


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "p.tsv"
    path.write_text("id\tsequence\ttext\nP1\tMKV\tbinds zinc\n")
    return path


def test_settings_columns_and_what_comes_next(command_line, monkeypatch, table, tmp_path):
    asked = {}

    def tune(proteins, base, folder, settings, **more):
        asked.update(more, proteins=proteins, base=base, settings=settings)
        more["say"]("1/4 mine")
        return SimpleNamespace(index=folder / "index", query="it's a kinase", evaluation="measured\n")

    monkeypatch.setattr(run, "tune", tune)
    monkeypatch.setattr("protrek_hm.evaluate.table.print_results", sys.stdout.write)
    output = tmp_path / "a run"
    code, out, error = command_line(
        *("tune", table, "-o", output, "--evidence", "id:equal", "--lr", "1e-3", "--epochs", "2", "--seed", "7")
    )
    assert (code, error) == (0, "1/4 mine\n")
    assert (asked["base"], asked["force"]) == ("mini-base", False)
    assert asked["proteins"]["text"].to_list() == ["binds zinc"]
    settings = asked["settings"]
    assert (settings.evidence, settings.learning_rate, settings.epochs, settings.seed) == (("id:equal",), 1e-3, 2, 7)
    assert out.splitlines() == [
        "measured",
        f"report: {output}/evaluation/report.html",
        f"search: protrek-hm search '{output}/index' 'it'\"'\"'s a kinase'",
        f"page:   protrek-hm serve '{output}/index'",
    ]


def test_a_folder_with_other_files_is_refused_unless_it_was_begun(command_line, monkeypatch, table, tmp_path):
    output = tmp_path / "out"
    output.mkdir()
    (output / "notes.md").write_text("mine")
    code, _, error = command_line("tune", table, "-o", output)
    assert (code, error.splitlines()[-1].startswith(f"error: {output}: exists already")) == (2, True)


def test_one_protein_has_no_twin(command_line, table, tmp_path):
    code, _, error = command_line("tune", table, "-o", tmp_path / "out")
    assert code == 2
    assert "distinct" in error.splitlines()[-1]
    assert not (tmp_path / "out").exists()


def test_without_twins_the_remedy_has_no_flag_that_tune_lacks_and_nothing_is_left(command_line, tmp_path):
    table = tmp_path / "p.tsv"
    table.write_text("id\tsequence\ttext\nP1\tMKVLAAGGHHK\tbinds zinc\nP2\tWWWCCCWWCCW\tcuts RNA\n")
    code, _, error = command_line("tune", table, "-o", tmp_path / "out")
    assert (code, (tmp_path / "out").exists()) == (2, False)
    assert error.splitlines()[-1].endswith("(tune has --evidence alone, protrek-hm mine has the other flags)")
