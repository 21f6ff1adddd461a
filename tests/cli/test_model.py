"""`protrek-hm model`: a fresh model from a table's texts, and what it is made of."""

import json
import sys

import pytest

from protrek_hm.cli.app import main


@pytest.fixture
def run(monkeypatch, capsys):
    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["protrek-hm", "model", *map(str, arguments)])
        with pytest.raises(SystemExit) as caught:
            main()
        output = capsys.readouterr()
        return caught.value.code or 0, output.out, output.err

    return run


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
    assert list(made_of["parameters"]) == ["text", "sequence"]
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
    ):
        code, out, err = run(*arguments)
        assert (code, out, err.count("\n")) == (2, "", 1), err
        assert message in err
    assert not (tmp_path / "m").exists()
