"""`protrek-hm merge`, from model folders and tables to a model; one clear line for each bad input."""

import json
from itertools import permutations

import polars as pl
import pytest
import torch

COLUMNS = ("anchor_seq", "anchor_text", "hard_neg_seq", "hard_neg_text", "component", "type")


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A base, and two models tuned from it by chance."""
    from protrek_hm.model import ModelConfig, ProTrek, TowerConfig

    tower = TowerConfig(layers=1, hidden=8, heads=1, max_tokens=20)
    config = ModelConfig(sequence=tower, text=tower, dimension=8, vocabulary=100)
    model = ProTrek.build(config, texts=["enzyme A", "enzyme G"], device="cpu")
    folder = tmp_path_factory.mktemp("models")
    for number, name in enumerate(("base", "first", "second")):
        with torch.no_grad():
            for weight in model.parameters() if number else ():
                weight += 0.1 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(number))
        model.save_pretrained(str(folder / name))
    return folder


@pytest.fixture
def run(command_line):
    return lambda *arguments: command_line("merge", *arguments, "--device", "cpu")


def write(path, kind, prefixes):
    proteins = [[f"{prefix}{letter}LA" for prefix in prefixes] for letter in "AGW"]
    rows = [
        (mine[0], f"enzyme {mine[0][-3]}", other[-1], f"enzyme {other[0][-3]}", number, kind)
        for number, (mine, other) in enumerate(permutations(proteins, 2))
    ]
    pl.DataFrame(rows, schema=COLUMNS, orient="row").write_csv(path)
    return path


@pytest.fixture
def tables(tmp_path):
    return write(tmp_path / "hard.csv", "hard", ["MKV"]), write(tmp_path / "easy.csv", "easy", ["MKV", "MRRS"])


def test_a_sweep(run, models, tables, tmp_path):
    output = tmp_path / "merged"
    given = (models / "base", models / "first", "-o", output, "--sweep", "--points", "3", "--resamples", "100")
    code, out, err = run(*given, "--valid", tables[0], "--easy", tables[1])
    assert code == 0, err
    assert "chosen: α = " in out
    assert "minus 0.3 points" in out
    assert err.count("α = ") == 3
    record = json.loads((output / "merge.json").read_text())
    assert record["base"]["path"] == str(models / "base")
    assert (output / "frontier.pdf").stat().st_size > 5_000
    code, out, _ = run(*given, "--valid", tables[0], "--easy", tables[1], "--force", "--format", "json")
    assert code == 0
    assert json.loads(out) == record["sweep"]


def test_the_triplets_that_the_run_was_validated_on(run, models, tables, tmp_path):
    tuned = tmp_path / "run"
    tuned.mkdir()
    (models / "first").rename(tuned / "model")
    given = (models / "base", tuned, "-o", tmp_path / "merged", "--sweep", "--points", "2", "--resamples", "100")
    try:
        code, out, err = run(*given)
        assert (code, out) == (2, "")
        assert "no record of validation triplets" in err
        (tuned / "inputs.json").write_text(json.dumps({"format_version": 1, "valid": [str(each) for each in tables]}))
        code, _, err = run(*given)
        assert code == 0, err
        points = json.loads((tmp_path / "merged" / "merge.json").read_text())["sweep"]["points"]
        assert points[0]["hard"]["n"] == points[0]["easy"]["n"] == 6
    finally:
        (tuned / "model").rename(models / "first")


def test_one_alpha_and_several_models(run, models, tmp_path):
    from protrek_hm.model import ProTrek

    output = tmp_path / "merged"
    code, out, err = run(models / "base", models / "first", "-o", output, "--alpha", "1")
    assert (code, out) == (0, ""), err
    first = ProTrek.from_pretrained(models / "first", device="cpu")
    assert ProTrek.from_pretrained(output, device="cpu").fingerprint() == first.fingerprint()
    code, _, err = run(models / "base", models / "first", models / "second", "-o", output, "--alpha", "1", "--force")
    assert code == 0, err
    second = ProTrek.from_pretrained(models / "second", device="cpu").state_dict()
    for name, weight in ProTrek.from_pretrained(output, device="cpu").state_dict().items():
        torch.testing.assert_close(weight, (first.state_dict()[name] + second[name]) / 2, rtol=0, atol=1e-6)


def test_bad_input_is_one_line(run, models, tables, tmp_path):
    from protrek_hm.model import ModelConfig, ProTrek, TowerConfig

    tower = TowerConfig(layers=2, hidden=8, heads=1, max_tokens=20)
    config = ModelConfig(sequence=tower, text=tower, dimension=8, vocabulary=100)
    ProTrek.build(config, texts=["enzyme A"], device="cpu").save_pretrained(str(tmp_path / "other"))
    pair = (models / "base", models / "first")
    hard, easy = tables
    for arguments, words in (
        ((*pair,), "give either --sweep, or one --alpha"),
        ((*pair, "--sweep", "--alpha", "0.5"), "give either"),
        ((*pair, "--alpha", "1.5"), r"lie in [0, 1]"),
        ((*pair, "--sweep", "--valid", hard), "hold no easy ones"),
        ((*pair, "--sweep", "--valid", tmp_path / "none.csv"), "no such file"),
        ((*pair, "--sweep", "--points", "1", "--valid", hard, "--easy", easy), "points = 1"),
        ((models / "base", tmp_path / "other", "--alpha", "0.5"), "num_hidden_layers: 2 against 1"),
        ((models / "base", tmp_path, "--alpha", "0.5"), "holds no model"),
    ):
        code, out, err = run(*arguments, "-o", tmp_path / "merged")
        assert (code, out) == (2, ""), arguments
        assert words in err
        assert err.count("\n") == 1, err
    assert not (tmp_path / "merged").exists()
