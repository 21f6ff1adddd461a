"""The reference's three commands, as they stand in example/README.md, from a bare checkout without a network."""

import json
import re
import runpy
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPTS = ("data_processing.py", "model_training.py", "evaluate.py")


def run(folder, *words):
    return subprocess.run([sys.executable, *words], cwd=folder, capture_output=True, text=True, timeout=120)


@pytest.fixture
def checkout(tmp_path):
    for script in SCRIPTS:
        shutil.copy(ROOT / script, tmp_path)
    shutil.copytree(ROOT / "example", tmp_path / "example")
    return tmp_path


def documented():
    text = (ROOT / "example" / "README.md").read_text(encoding="utf-8")
    return [shlex.split(line)[1:] for line in re.findall(r"^\$ (python .*)$", text, flags=re.MULTILINE)]


def test_the_commands_are_the_reference_s_word_for_word():
    assert [" ".join(words) for words in documented()] == [
        "data_processing.py --input example/raw_data.tsv --output dataset/hard_negatives_train.csv",
        "model_training.py --train_data dataset/hard_negatives_train.csv --epochs 30 --lr 1e-5",
        "evaluate.py",
    ]


@pytest.mark.slow
def test_they_run_one_after_another_and_again(checkout):
    (checkout / "dataset").mkdir()
    (checkout / "dataset" / "notes.md").write_text("mine")
    said = {}
    for words in documented():
        shortened = [{"30": "1"}.get(word, word) for word in words]
        done = run(checkout, *shortened)
        assert done.returncode == 0, done.stderr
        said[words[0]] = done
    assert "split by components" in said["data_processing.py"].stdout
    assert "a small untrained model was made" in said["model_training.py"].stderr
    report = json.loads((checkout / "evaluation_results" / "report.json").read_text(encoding="utf-8"))
    assert list(report["models"]) == ["base", "tuned"]
    assert list(report["provenance"]["tables"]) == ["hard", "easy", "train"]
    assert said["evaluate.py"].stdout.startswith("Leak check: clean")
    for name in ("dataset/hard_negative_examples.png", "checkpoints/tuned/loss_curve.png"):
        assert (checkout / name).stat().st_size > 10_000

    assert run(checkout, "evaluate.py", "--model_path", "checkpoints/tuned/model").returncode == 0, "once more"
    assert (checkout / "dataset" / "notes.md").read_text() == "mine"


@pytest.mark.slow
def test_mining_writes_where_it_is_told(checkout):
    done = run(checkout, "data_processing.py", "--input", "example/raw_data.tsv", "--output", "pairs.csv")
    assert done.returncode == 0, done.stderr
    assert (checkout / "pairs.csv").read_text().startswith("anchor_seq,anchor_text,hard_neg_seq,hard_neg_text")
    assert (checkout / "hard_negatives_test.csv").exists()
    assert not (checkout / "hard_negatives_train.csv").exists()
    assert (checkout / "evaluate.py").exists()


@pytest.mark.parametrize("script", SCRIPTS)
def test_help_is_light(checkout, script):
    code = (
        "import runpy, sys, contextlib; sys.argv = [sys.argv[1], '--help']\n"
        "with contextlib.suppress(SystemExit): runpy.run_path(sys.argv[0], run_name='__main__')\n"
        "sys.exit('torch' in sys.modules or 'polars' in sys.modules)"
    )
    done = run(checkout, "-c", code, script)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: ")


@pytest.mark.slow
def test_bad_input_gives_one_clear_line(checkout):
    (checkout / "evaluation_results").mkdir()
    (checkout / "evaluation_results" / "thesis.txt").touch()
    for words, message in (
        (("data_processing.py", "--input", "none.tsv"), "none.tsv: no such file"),
        (("model_training.py",), "dataset/hard_negatives_train.csv: no such file"),
        (("evaluate.py",), "evaluation_results: exists already"),
        (("evaluate.py", "--output_dir", "out"), "dataset/hard_negatives_test.csv: no such file"),
    ):
        done = run(checkout, *words)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr
        assert done.stderr.startswith("error: ")
        assert message in done.stderr
    assert run(checkout, "model_training.py", "--epochs", "many").returncode == 2
    assert not (checkout / "checkpoints").exists()


@pytest.mark.parametrize(
    ("words", "models"),
    [((), ["checkpoints/tuned"]), (("--base_model", "mini-base"), ["mini-base", "checkpoints/tuned"])],
)
def test_a_base_that_is_named_is_measured_and_the_default_one_if_it_is_there(tmp_path, monkeypatch, words, models):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["evaluate.py", *words])
    given = {}
    main = runpy.run_path(str(ROOT / "evaluate.py"))["main"]
    monkeypatch.setitem(main.__globals__, "evaluate", lambda _table, **options: given.update(options))
    main()
    assert given["model"] == models
