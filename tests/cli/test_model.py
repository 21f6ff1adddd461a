"""`protrek-hm model`: fresh and pretrained towers, what a model is made of, the way to ProTrek's layout and back."""

import json
import re
import runpy
import shlex
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import huggingface_hub
import pytest


@pytest.fixture
def run(command_line):
    return partial(command_line, "model")


@pytest.fixture
def proteins(tmp_path):
    path = tmp_path / "proteins.tsv"
    path.write_text("id\tsequence\ttext\nP1\tMKV\ta kinase\nP2\tMKVL\ta lyase\n")
    return path


SMALL = (
    "--layers",
    1,
    "--text-layers",
    1,
    "--hidden",
    8,
    "--heads",
    2,
    "--vocabulary",
    100,
    "--max-residues",
    30,
)


def test_build_and_info(run, tmp_path, proteins):
    model = tmp_path / "model"
    code, out, err = run("build", proteins, "-o", model, *SMALL)
    assert (code, err) == (0, "")
    assert out.startswith(f"{model}: ")
    assert out.endswith("parameters, not trained yet\n")
    code, out, _ = run("info", model)
    made_of = json.loads(out)
    assert code == 0
    assert list(made_of["towers"]) == ["text", "sequence"]
    assert f"{made_of['parameters']:,} parameters" in run("build", proteins, "-o", tmp_path / "again", *SMALL)[1]
    assert made_of["dimension"] == 8

    code, _, err = run("build", proteins, "-o", model, *SMALL)
    assert code == 2
    assert "exists already" in err
    code, _, _ = run("build", proteins, "-o", model, *SMALL, "--seed", 1, "--force")
    assert code == 0
    assert json.loads(run("info", model)[1])["fingerprint"] != made_of["fingerprint"]


def test_bad_input_gives_one_clear_line(run, tmp_path, proteins):
    (tmp_path / "textless.fasta").write_text(">P1\nMKV\n")
    for arguments, message in (
        (("build", tmp_path / "none.tsv", "-o", tmp_path / "m"), "no such file"),
        (
            ("build", proteins, "-o", tmp_path / "m", "--heads", 3),
            "must be a multiple of heads = 3",
        ),
        (("build", proteins, "-o", tmp_path / "m", "--max-residues", 0), "max_tokens = 2"),
        (("build", tmp_path / "textless.fasta", "-o", tmp_path / "m"), "needs texts"),
        (("info", tmp_path / "none"), "no such file or folder"),
        (("build", "-o", tmp_path / "m"), "teach the text tower words, or --text-encoder"),
        (("build", proteins, "-o", tmp_path / "m", "--sequence-encoder", tmp_path / "no"), "folder of an encoder"),
        (("build", proteins, "-o", tmp_path / "m", "--dimension", 0), "dimension = 0"),
        (("convert", tmp_path / "none", tmp_path / "m"), "no such file or folder"),
        (("convert", tmp_path, tmp_path / "m"), "holds no model"),
        (("push", tmp_path / "none", "user/name"), "give the folder of a saved model"),
        (("push", tmp_path, "user/name"), "holds no model"),
    ):
        code, out, err = run(*arguments)
        assert (code, out, err.count("\n")) == (2, "", 1), err
        assert message in err
    assert not (tmp_path / "m").exists()


def test_there_and_back(run, tmp_path, proteins):
    ours, official, back = (tmp_path / name for name in ("ours", "ProTrek_mini", "back"))
    run("build", proteins, "-o", ours, *SMALL, "--structure-layers", 1, "--dimension", 6, "--license", "mit")
    assert run("convert", ours, official) == (0, f"{official}: in ProTrek’s own layout\n", "")
    assert (official / "ProTrek_mini.pt").is_file()
    assert run("convert", official / "ProTrek_mini.pt", back) == (0, f"{back}: a SentenceTransformer\n", "")
    code, _, err = run("convert", official, back)
    assert (code, "exists already" in err) == (2, True)
    assert run("convert", official, back, "--to", "official", "--force")[0] == 0
    first, second = (json.loads(run("info", model)[1]) for model in (official, back))
    assert first["fingerprint"] == second["fingerprint"]
    assert (first["dimension"], first["license"], list(first["towers"])) == (
        6,
        "mit",
        ["text", "sequence", "structure"],
    )

    code, out, err = run("info", official, "--format", "table")
    assert (code, err) == (0, "")
    for word in ("EsmModel", "BertModel", "0.07", "mit", first["fingerprint"][:20], "ProTrek_mini.pt"):
        assert word in out


def test_build_around_encoders(run, tmp_path, proteins):
    run("build", proteins, "-o", tmp_path / "base", *SMALL)
    encoders = {name: tmp_path / "base" / f"{name}_0_Transformer" for name in ("text", "sequence")}
    flags = ("--sequence-encoder", encoders["sequence"], "--text-encoder", encoders["text"])
    code, out, err = run("build", "-o", tmp_path / "new", *flags)
    assert (code, err) == (0, "")
    made_of = json.loads(run("info", tmp_path / "new")[1])
    assert made_of["dimension"] == 1024
    assert made_of["history"][0]["encoders"] == {name: str(path) for name, path in encoders.items()}


def test_push(run, tmp_path, proteins, monkeypatch):
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: None)
    run("build", proteins, "-o", tmp_path / "run" / "model", *SMALL)
    code, out, err = run("push", tmp_path / "run", "user/name")
    assert (code, out, err) == (2, "", "error: no token of the hub; log in with `hf auth login`, or set HF_TOKEN\n")
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: "token")
    asked = {}

    class Api:
        def create_repo(self, name, **options):
            asked.update(options)
            return f"https://hub/{name}"

        def upload_folder(self, **options):
            asked.update(options)

    monkeypatch.setattr(huggingface_hub, "HfApi", Api)
    assert run("push", tmp_path / "run", "user/name") == (0, "https://hub/user/name\n", "")
    assert asked["private"]
    assert asked["folder_path"] == tmp_path / "run" / "model"


def test_info_of_a_saved_model_builds_nothing(run, tmp_path, proteins):
    run("build", proteins, "-o", tmp_path / "model", *SMALL)
    code = "import sys; from protrek_hm.cli.app import app\n"
    code += f"try: app(['model', 'info', {str(tmp_path / 'model')!r}])\nexcept SystemExit: pass\n"
    code += "assert not {'torch', 'transformers'} & sys.modules.keys()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, "fingerprint" in done.stdout) == (0, True), done.stderr


def test_the_example_of_the_document_runs(run, tmp_path, monkeypatch, capsys):
    root = Path(__file__).parents[2]
    document = (root / "docs" / "models.md").read_text(encoding="utf-8")
    shutil.copytree(root / "example", tmp_path / "example")
    monkeypatch.chdir(tmp_path)
    for line in re.search(r"```console\n(.*?)```", document, flags=re.DOTALL)[1].splitlines():
        code, _, err = run(*shlex.split(line.removeprefix("$ protrek-hm model ")))
        assert (code, err) == (0, ""), line
    [python] = re.findall(r"```python\n(.*?)```", document, flags=re.DOTALL)
    (tmp_path / "example.py").write_text(python)
    runpy.run_path(str(tmp_path / "example.py"))
    assert capsys.readouterr().out.startswith("(2, 32) [[")
