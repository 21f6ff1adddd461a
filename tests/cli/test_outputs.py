"""No command overwrites what it reads, or what others wrote: it says so before any work, forced or not."""

import pytest

COMMANDS = {
    "mine": ["mine", "data/p.tsv"],
    "index build": ["index", "build", "data/p.tsv"],
    "index import": ["index", "import", "data/p.parquet"],
    "evaluate": ["evaluate", "data/p.csv", "-m", "mini"],
    "model build": ["model", "build", "data/p.tsv"],
    "model convert": ["model", "convert", "data", "data"],
    "merge": ["merge", "data", "mini", "--alpha", "0.5"],
    "demo": ["demo"],
    "tune": ["tune", "data/p.tsv"],
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
@pytest.mark.parametrize("force", [[], ["--force"]], ids=["", "forced"])
def test_an_output_that_holds_other_files_is_refused(command, force, command_line, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    files = [tmp_path / "data" / name for name in ("notes.md", "p.tsv", "p.csv", "p.parquet", "modules.json")]
    for file in files:
        file.write_text("id\tsequence\ttext\nP1\tMKV\tbinds zinc\n")
    code, _, error = command_line(*command, *([] if "convert" in command else ["-o", "data"]), *force)
    assert code == 2
    assert error.startswith("error: data: ")
    assert all(file.read_text().startswith("id") for file in files)
    assert {*files} == {*(tmp_path / "data").iterdir()}


FILES = {
    "data check": ["data", "check", "p.tsv"],
    "data convert": ["data", "convert", "p.tsv"],
    "data structure": ["data", "structure", "p.tsv"],
    "describe": ["describe", "index", "p.tsv"],
    "search": ["search", "index", "p.tsv"],
    "search --batch": ["search", "index", "--batch", "p.tsv"],
    "score": ["score", "--file", "p.tsv", "-m", "mini"],
    "evaluate ec": ["evaluate", "ec", "p.tsv", "p.tsv", "-m", "mini"],
    "evaluate retrieval": ["evaluate", "retrieval", "p.tsv", "-m", "mini"],
}


@pytest.mark.parametrize("command", FILES.values(), ids=FILES)
def test_an_input_is_not_overwritten(command, command_line, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.tsv").write_text("id\tsequence\ttext\nP1\tMKV\tbinds zinc\n")
    (tmp_path / "link.tsv").symlink_to("p.tsv")
    for output in ("p.tsv", "link.tsv"):
        code, _, error = command_line(*command, "-o", output, "--force")
        assert (code, error) == (2, f"error: {output}: the input p.tsv would be overwritten; choose another --output\n")
    assert (tmp_path / "p.tsv").read_text().startswith("id")
