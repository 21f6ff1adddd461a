"""The demo with everything made small: the same way, files and checks; not its figures."""

import sys
from dataclasses import replace

import polars as pl
import pytest

from protrek_hm import demo
from protrek_hm.cli.app import main
from protrek_hm.model import ModelConfig, TowerConfig

FILES = (
    "proteins.tsv",
    "base/model/modules.json",
    "base/loss_curve.png",
    "mined/hard_negatives_train.csv",
    "mined/hard_negative_examples.png",
    "tuned/model/modules.json",
    "tuned/loss_curve.png",
    "evaluation/report.json",
    "evaluation/1_accuracy_comparison.png",
    "index-base/index.json",
    "index-tuned/index.json",
    "showcase/hard_negative_examples.png",
    "index-showcase-mini/index.json",
)


@pytest.fixture
def small(monkeypatch):
    tower = TowerConfig(layers=1, hidden=16, heads=2, max_tokens=96)
    shape = ModelConfig(sequence=tower, text=tower, dimension=16, vocabulary=300)
    monkeypatch.setattr(demo, "PROTEINS", replace(demo.PROTEINS, families=40, members=5, folds=4))
    monkeypatch.setattr(demo, "MODEL", shape)
    monkeypatch.setattr(demo, "PRETRAIN", replace(demo.PRETRAIN, epochs=1))
    monkeypatch.setattr(demo, "MINE", replace(demo.MINE, easy=60))
    monkeypatch.setattr(demo, "TUNE", replace(demo.TUNE, epochs=1))


@pytest.mark.slow
def test_the_whole_way(small, tmp_path, monkeypatch, capsys):
    results = []
    run_demo = demo.run_demo
    monkeypatch.setattr(demo, "run_demo", lambda *a, **k: results.append(run_demo(*a, **k)) or results[-1])
    output = tmp_path / "demo"
    monkeypatch.setattr(sys, "argv", ["protrek-hm", "demo", "-o", str(output)])
    with pytest.raises(SystemExit) as caught:
        main()
    out, err = capsys.readouterr()
    assert not caught.value.code, err
    for name in FILES:
        assert (output / name).stat().st_size > 0, name

    [result] = results
    evaluation = result.evaluation
    assert [model.name for model in evaluation.models] == ["base", "tuned"]
    assert evaluation.models[0].estimates.keys() == evaluation.models[1].estimates.keys() >= {"hard_text_to_protein"}
    assert evaluation.differences
    assert len(result.searches) == len(result.real_searches) == 2
    assert all(0 <= each.found_after <= min(each.answers, demo.AMONG) for each in result.real_searches)
    assert [each.answers for each in result.real_searches] == [15, 6]
    assert "1/7 twins" in err
    assert "7/7 searching" in err
    assert str(output / "evaluation" / "1_accuracy_comparison.png") in out

    sides = {side: pl.read_csv(output / "mined" / f"hard_negatives_{side}.csv") for side in ("train", "valid", "test")}
    families = {side: set(table["anchor_id"].str.slice(0, 5)) for side, table in sides.items()}
    assert all(families.values())
    assert families["train"].isdisjoint(families["test"] | families["valid"])
    vague = {f"F{family:04d}" for family in range(20)}
    assert vague.isdisjoint(set().union(*families.values())), "the base has seen none of them"
    leaks = evaluation.leaks
    assert (leaks.train_known, leaks.shared_proteins, leaks.shared_texts, leaks.shared_components) == (
        True,
        0,
        0,
        0,
    )

    monkeypatch.setattr(sys, "argv", ["protrek-hm", "demo", "-o", str(output)])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 2
    assert "exists already" in capsys.readouterr().err
