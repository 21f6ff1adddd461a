"""`protrek-hm evaluate`, from tables and model folders to the report; one clear line for each bad input."""

import json
import sys
from itertools import permutations

import polars as pl
import pytest

from protrek_hm.cli.app import main


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    from protrek_hm.model import ModelConfig, ProTrek, TowerConfig

    tower = TowerConfig(layers=1, hidden=8, heads=1, max_tokens=50)
    folders = []
    for seed, name in enumerate(("base", "tuned")):
        config = ModelConfig(sequence=tower, text=tower, dimension=8, vocabulary=100, seed=seed)
        folders.append(tmp_path_factory.mktemp("models") / name)
        ProTrek.build(config, texts=["a kinase", "a lyase"], device="cpu").save_pretrained(str(folders[-1]))
    return folders


@pytest.fixture
def run(monkeypatch, capsys):
    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["protrek-hm", "evaluate", *map(str, arguments)])
        with pytest.raises(SystemExit) as caught:
            main()
        output = capsys.readouterr()
        return caught.value.code or 0, output.out, output.err

    return run


@pytest.fixture
def table(tmp_path):
    families = [("MKVLA", "MKVLG", "MKVLW"), ("MRRSD", "MRRSE", "MRRSN")]
    rows = [
        (
            first,
            f"enzyme {first[-1]} of {first[:4]}",
            second,
            f"enzyme {second[-1]} of {second[:4]}",
            0.8,
            "hard",
        )
        for family in families
        for first, second in permutations(family, 2)
    ]
    columns = ("anchor_seq", "anchor_text", "hard_neg_seq", "hard_neg_text", "seq_similarity", "type")
    path = tmp_path / "test.csv"
    pl.DataFrame(rows, schema=columns, orient="row").write_csv(path)
    return path


def test_before_and_after(run, tmp_path, models, table):
    base, tuned = models
    output = tmp_path / "results"
    code, out, err = run(table, "--easy", table, "--train", table, "-m", base, "-m", tuned, "-o", output)
    assert code == 0, err
    assert out.startswith("Leak check: LEAK; training saw 6 of 6 proteins")
    assert "tuned − base" in out
    assert str(output) in err
    report = json.loads((output / "report.json").read_text(encoding="utf-8"))
    assert list(report["models"]) == ["base", "tuned"]
    assert report["provenance"]["command"].startswith("protrek-hm evaluate")
    assert len(report["provenance"]["models"]["tuned"]["weights_sha256"]) == 64
    assert list(report["provenance"]["tables"]) == ["hard", "easy", "train"]
    assert (output / "1_accuracy_comparison.png").stat().st_size > 10_000

    code, _, err = run(table, "-m", base, "-o", output)
    assert code == 2
    assert "exists already" in err


def test_json_is_the_report(run, tmp_path, models, table):
    settings = tmp_path / "settings.toml"
    settings.write_text("[evaluate]\nresamples = 150\nseed = 3\n")
    options = ("--format", "json", "--config", settings, "--seed", "4")
    code, out, err = run(table, "-m", models[0], "-o", tmp_path / "results", *options)
    assert code == 0, err
    content = json.loads(out)
    assert content == json.loads((tmp_path / "results" / "report.json").read_text(encoding="utf-8"))
    assert {**content["settings"], "structures": None} == {
        **{"batch_size": 32, "resamples": 150, "shown_twins": 10, "structures": None},
        "seed": 4,
    }


def fails(run, *arguments):
    code, out, err = run(*arguments)
    (line,) = err.splitlines()
    assert (code, out) == (2, "")
    assert line.startswith("error: ")
    return line


def test_bad_input_gives_one_clear_line(run, tmp_path, models, table):
    output = ("-o", tmp_path / "results")
    base = ("-m", models[0])
    assert "no such file" in fails(run, tmp_path / "none.csv", *base, *output)
    assert "given twice" in fails(run, table, *base, *base, *output)
    assert "batch_size = 0" in fails(run, table, *base, *output, "--batch-size", "0")
    (tmp_path / "no_model").mkdir()
    assert "no_model: holds no model" in fails(run, table, "-m", tmp_path / "no_model", *output)
    (tmp_path / "empty.csv").write_text("anchor_seq,anchor_text,hard_neg_seq,hard_neg_text\n")
    assert "empty.csv: a header and no records" in fails(run, tmp_path / "empty.csv", *base, *output)
    (tmp_path / "narrow.csv").write_text("anchor_seq,anchor_text,hard_neg_seq\nMK,a kinase,MR\n")
    assert "no column 'hard_neg_text'" in fails(run, tmp_path / "narrow.csv", *base, *output)
    assert not (tmp_path / "results").exists()
