"""The demo with everything made small: the same way, files and checks; not its figures."""

import sys
from dataclasses import replace

import polars as pl
import pytest

from protrek_hm import demo
from protrek_hm.cli.app import main
from protrek_hm.data.lactamases import load_lactamases
from protrek_hm.model import ModelConfig, ProTrek, TowerConfig

SIMULATED = (
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
)
REAL = (
    "showcase/hard_negative_examples.png",
    "lactamases/mined/hard_negative_examples.png",
    "lactamases/tuned/loss_curve.png",
    "lactamases/evaluation/report.json",
    "lactamases/index/index.json",
    "index-base/index.json",
    "index-tuned/index.json",
)


@pytest.fixture
def shape():
    tower = TowerConfig(layers=1, hidden=16, heads=2, max_tokens=96)
    return ModelConfig(sequence=tower, text=tower, dimension=16, vocabulary=300)


def run(monkeypatch, name, *flags):
    """Run the command with flags; return what the function `name` of the demo gave, and what was printed."""
    results = []
    true = getattr(demo, name)
    monkeypatch.setattr(demo, name, lambda *a, **k: results.append(true(*a, **k)) or results[-1])
    monkeypatch.setattr(sys, "argv", ["protrek-hm", "demo", *flags])
    with pytest.raises(SystemExit) as caught:
        main()
    return results, caught.value.code


@pytest.mark.slow
def test_real_proteins(shape, tmp_path, monkeypatch, capsys):
    base = tmp_path / "base"
    ProTrek.build(shape, texts=load_lactamases()["text"], device="cpu").save_pretrained(str(base))
    monkeypatch.setattr(demo, "BASE", str(base))
    monkeypatch.setattr(demo, "SAW_TWINS", str(base))
    monkeypatch.setattr(demo, "LACTAMASES", replace(demo.LACTAMASES, epochs=1))
    monkeypatch.setattr(demo, "load_lactamases", lambda: load_lactamases().gather_every(2))
    monkeypatch.setattr("protrek_hm.evaluate.report.write.draw_all", lambda *_: {})  # drawn in the other test
    monkeypatch.setattr("protrek_hm.evaluate.report.write.draw_cards", lambda *_, **__: None)
    monkeypatch.setattr("protrek_hm.evaluate.report.write.render_page", lambda *_: "")
    output = tmp_path / "demo"
    [result], code = run(monkeypatch, "run_demo", "-o", str(output))
    out, err = capsys.readouterr()
    assert not code, err
    for name in REAL:
        assert (output / name).stat().st_size > 0, name
    assert str(output / "lactamases" / "tuned" / "loss_curve.png") in out
    assert "1/4 twins" in err
    assert "    3/4 evaluate" in err, "what tune says"
    evaluation = result.evaluation
    assert [model.name for model in evaluation.models] == ["base", "tuned"]
    change = evaluation.differences["hard_text_to_protein"]
    assert change.low <= change.value <= change.high
    assert (evaluation.leaks.shared_proteins, evaluation.leaks.shared_texts) == (0, 0)
    assert [each.answers for each in result.searches[2:]] == [15, 6], "the showcase's, by families and functions"
    read = pl.read_csv(output / "lactamases" / "mined" / "hard_negatives_train.csv")["anchor_id"]
    assert {hit.id for each in result.searches[:2] for hit in each.hits}.isdisjoint(read)


@pytest.mark.release
def test_simulated_families(shape, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(demo, "PROTEINS", replace(demo.PROTEINS, families=40, members=5, folds=4))
    monkeypatch.setattr(demo, "MODEL", shape)
    monkeypatch.setattr(demo, "PRETRAIN", replace(demo.PRETRAIN, epochs=1))
    monkeypatch.setattr(demo, "MINE", replace(demo.MINE, easy=60))
    monkeypatch.setattr(demo, "TUNE", replace(demo.TUNE, epochs=1))
    output = tmp_path / "demo"
    [result], code = run(monkeypatch, "run_simulated", "--simulated", "-o", str(output))
    _, err = capsys.readouterr()
    assert not code, err
    for name in SIMULATED:
        assert (output / name).stat().st_size > 0, name
    evaluation = result.evaluation
    assert [model.name for model in evaluation.models] == ["base", "tuned"]
    assert evaluation.models[0].estimates.keys() == evaluation.models[1].estimates.keys() >= {"hard_text_to_protein"}
    assert evaluation.differences
    assert len(result.searches) == 2
    assert all(0 <= each.found_after <= min(each.answers, demo.AMONG) for each in result.searches)

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

    _, code = run(monkeypatch, "run_simulated", "--simulated", "-o", str(output))
    assert code == 2
    assert "exists already" in capsys.readouterr().err
