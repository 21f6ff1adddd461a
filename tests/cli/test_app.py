"""The command line as a whole: help is light, exit codes mean what they say, a closed pipe is no event."""

import json
import multiprocessing
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from protrek_hm.cli.app import app, main
from protrek_hm.cli.console import guard
from protrek_hm.errors import NothingFoundError

HEAVY = (
    "datasets",
    "matplotlib",
    "numpy",
    "polars",
    "sentence_transformers",
    "sklearn",
    "torch",
    "transformers",
)
HELP_OF_ALL = """
import contextlib, io, json, sys
from protrek_hm.cli.app import app
for words in json.loads(sys.argv[1]):
    with contextlib.redirect_stdout(io.StringIO()) as shown, contextlib.suppress(SystemExit):
        app([*words, "--help"])
    assert shown.getvalue().startswith("Usage: "), words
print(json.dumps(sorted(sys.modules)))
"""
VERSION = """
import contextlib, json, sys
import protrek_hm
from protrek_hm.cli.app import app
with contextlib.suppress(SystemExit):
    app(["--version"])
print(protrek_hm.__version__)
print(json.dumps(sorted(sys.modules)))
"""
ROOT = Path(__file__).parents[2]


def commands():
    """List the words of every command and group."""

    def walk(command, words):
        yield words
        for name, child in getattr(command, "commands", {}).items():
            yield from walk(child, [*words, name])

    return list(walk(typer.main.get_command(app), []))


def python(*arguments, **options):
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, timeout=60, **options)


def test_there_is_a_command_for_every_step():
    names = {" ".join(words) for words in commands()}
    assert {
        "data check",
        "mine",
        "train",
        "evaluate",
        "index build",
        "search",
        "model build",
        "demo",
        "tune",
    } <= names


def test_help_loads_nothing_heavy():
    result = python("-c", HELP_OF_ALL, json.dumps(commands()))
    assert result.returncode == 0, result.stderr
    assert set(HEAVY) & set(json.loads(result.stdout)) == set()


def test_each_command_has_one_whole_line_in_the_help_in_the_order_of_work():
    shown = {
        tuple(words): CliRunner().invoke(app, [*words, "--help"], terminal_width=80).output for words in commands()
    }
    listed = {words: help_.partition("Commands:\n")[2].splitlines() for words, help_ in shown.items()}
    names = {words: [line.split()[0] for line in lines] for words, lines in listed.items()}
    assert names[()] == [
        *("demo", "tune", "data", "mine", "model", "train", "merge", "evaluate"),
        *("index", "search", "describe", "explain", "score", "scan", "serve", "mcp"),
    ]
    for words, lines in listed.items():
        children = [each[-1] for each in map(tuple, commands()) if each[:-1] == words and each]
        assert sorted(names[words]) == sorted(children), words
        for line in lines:
            assert line.endswith("."), line
            assert not line.endswith("..."), line


def called(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["protrek-hm", *arguments])
    with pytest.raises(SystemExit) as caught:
        main()
    return caught.value.code or 0


def test_exit_codes(monkeypatch, capsys):
    assert called(monkeypatch, "--help") == 0
    capsys.readouterr()
    for wrong in (("nonsense",), ("merge",), ("search", "index", "words", "-k", "many")):
        assert called(monkeypatch, *wrong) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert err.splitlines()[-1].startswith("Error: ")


def test_the_version_is_the_package_s_and_loads_nothing_heavy():
    result = python("-c", VERSION)
    assert result.returncode == 0, result.stderr
    shown, asked, modules = result.stdout.splitlines()
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert (shown, asked) == (f"protrek-hm {wanted}", wanted)
    assert set(HEAVY) & set(json.loads(modules)) == set()


def test_the_help_names_the_version_and_still_says_what_the_program_is(monkeypatch, capsys):
    assert called(monkeypatch, "--help") == 0
    shown = capsys.readouterr().out
    assert "--version" in shown
    assert "Search proteins by words and tell twins apart." in shown
    assert called(monkeypatch) == 2, "a command is wanted"


@pytest.mark.parametrize(
    ("problem", "code", "said"),
    [
        (NothingFoundError("nothing\nthere"), 2, "error: nothing there\n"),
        (KeyboardInterrupt(), 130, ""),
        (BrokenPipeError(32, "Broken pipe"), 1, ""),
    ],
)
def test_what_a_command_raises(monkeypatch, capsys, problem, code, said):
    def fail(*_args, **_kwargs):
        raise problem

    monkeypatch.setattr("protrek_hm.data.check_proteins", fail)
    assert called(monkeypatch, "data", "check", "any.tsv") == code
    out, err = capsys.readouterr()
    assert (out, err) == ("", said)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")
@pytest.mark.parametrize("arguments", ["--help", "data check {} --format json"])
def test_a_closed_pipe_is_quiet(tmp_path, arguments):
    proteins = tmp_path / "proteins.tsv"
    proteins.write_text("id\tsequence\ttext\nP1\tMKV\ta kinase\n")
    code = "from protrek_hm.cli.app import main; main()"
    command = f'"{sys.executable}" -c "{code}" {arguments.format(proteins)} | exec true'
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_letters_that_stdout_cannot_show_are_escaped_as_in_json():
    command = "from protrek_hm.cli.console import guard; guard(lambda: print('\"α/é/🧬\"'))"
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run([sys.executable, "-c", command], env=environment, capture_output=True, timeout=60)
    assert (done.returncode, json.loads(done.stdout)) == (0, "α/é/🧬"), done.stderr


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ImportError("No module named 'torch'"), "error: No module named 'torch'; a package is missing or damaged"),
        (OSError(28, "No space left on device", "log.jsonl"), "error: [Errno 28] No space left on device: 'log.jsonl'"),
    ],
)
def test_what_users_can_mend_is_one_line(capsys, error, said):
    def command():
        raise error

    with pytest.raises(SystemExit, match="2"):
        guard(command)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(said)


def test_processes_of_a_command_load_no_module_from_the_folder_it_is_started_in(tmp_path, monkeypatch):
    (tmp_path / "multiprocessing.py").write_text("open('run', 'w')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONSAFEPATH", raising=False)

    def start(_):
        process = multiprocessing.get_context("spawn").Process(target=os.getpid)
        process.start()
        process.join(60)
        assert process.exitcode == 0

    monkeypatch.setattr("protrek_hm.cli.app.guard", start)
    main()
    assert not (tmp_path / "run").exists()
