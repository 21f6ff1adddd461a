"""`protrek-hm evaluate`, from tables and model folders to the report; one clear line for each bad input."""

import json
from functools import partial
from itertools import permutations

import polars as pl
import pytest


@pytest.fixture(scope="module")
def models(build_models):
    return build_models("base", "tuned")


@pytest.fixture
def run(command_line):
    return partial(command_line, "evaluate")


@pytest.fixture(autouse=True)
def _without_pictures(monkeypatch):
    """Leave out what takes long and is tested elsewhere: rendering, and the start of MMseqs2."""
    none = pl.DataFrame(schema={"query": pl.UInt32, "target": pl.UInt32})
    monkeypatch.setattr("protrek_hm.evaluate.report.write.draw_all", lambda *_: {})
    monkeypatch.setattr("protrek_hm.evaluate.report.write.draw_cards", lambda *_, **__: None)
    monkeypatch.setattr("protrek_hm.evaluate.baselines.search", lambda *_, **__: none)
    monkeypatch.setattr("protrek_hm.evaluate.scoreboards.ec.search", lambda *_, **__: none)


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
    tables = (table, "--easy", table, "--train", table, "--valid", table)
    code, out, err = run(*tables, "-m", base, "-m", tuned, "-o", output)
    assert code == 0, err
    assert out.startswith("Leak check: LEAK; training saw 6 of 6 proteins")
    assert "tuned − base" in out
    assert str(output) in err
    report = json.loads((output / "report.json").read_text(encoding="utf-8"))
    assert list(report["models"]) == ["base", "tuned"]
    assert report["provenance"]["command"].startswith("protrek-hm evaluate")
    assert len(report["provenance"]["models"]["tuned"]["weights_sha256"]) == 68
    assert list(report["provenance"]["tables"]) == ["hard", "easy", "train", "valid"]
    assert "f1" in report["models"]["tuned"]["discrimination"]["hard"]
    assert "tuned tell twins apart?" in (output / "report.html").read_text(encoding="utf-8")

    code, _, err = run(table, "-m", base, "-o", output)
    assert code == 2
    assert "exists already" in err


def test_a_second_evaluation_encodes_nothing(run, tmp_path, models, table, fails):
    first, second = tmp_path / "first", tmp_path / "second"
    code, _, err = run(table, "-m", models[0], "-o", first, "--resamples", "100")
    assert (code, "inputs encoded: base 12;" in err) == (0, True)
    code, _, err = run(table, "-m", models[0], "-o", first, "--force", "--seed", "7", "--resamples", "100")
    assert (code, "inputs encoded: base 0;" in err) == (0, True)
    options = ("--cache", first / "embeddings", "--resamples", "100")
    code, _, err = run("run", table, "-m", models[0], "-o", second, *options)
    assert (code, "inputs encoded: base 0;" in err) == (0, True)
    reports = [json.loads((each / "report.json").read_text(encoding="utf-8"))["models"] for each in (first, second)]
    retrieval = [each["base"]["retrieval"]["text_to_sequence"]["measures"]["mrr"]["value"] for each in reports]
    assert retrieval[0] == retrieval[1]

    code, out, err = run("compare", first, second, "--format", "json", "-o", tmp_path / "compared.json")
    assert code == 0, err
    assert json.loads(out)["measures"]["hard_text_to_protein"]["difference"]["value"] == 0.0
    assert json.loads((tmp_path / "compared.json").read_text(encoding="utf-8")) == json.loads(out)
    code, out, _ = run("compare", first, second)
    assert (code, "0 : 0" in out) == (0, True)
    path = second / "predictions.parquet"
    predictions = pl.read_parquet(path)
    predictions.reverse().head(predictions.height - 2).write_parquet(path)
    code, out, err = run("compare", first, second, "--format", "json")
    left = predictions.height - 2
    assert (code, json.loads(out)["cases"]) == (0, {"hard": {"common": left, "only_first": 2, "only_second": 0}})
    assert f"hard: {left} cases in common, 2 only in the first run, 0 only in the second" in err
    code, out, _ = run("seeds", first, second)
    assert (code, "deviation" in out) == (0, True)
    assert "report.json: no such file" in fails("compare", first, tmp_path)


def test_scoreboards(run, tmp_path, models, fails):
    train, test, texts = tmp_path / "train.csv", tmp_path / "test.csv", tmp_path / "text2EC.csv"
    train.write_text("Entry\tEC number\tSequence\nA\t1.1.1.1\tMKVLA\nB\t3.5.2.6\tMRRSD\n")
    test.write_text("Entry\tEC number\tSequence\nU\t1.1.1.1\tMKVLA\nV\t3.5.2.6\tMRRSE\n")
    texts.write_text("EC number,Text\n1.1.1.1,a kinase\n3.5.2.6,a lyase\n")
    output = tmp_path / "ec.json"
    options = ("-m", models[0], "-o", output, "--cache", tmp_path / "cache")
    code, out, err = run("ec", train, test, "--texts", texts, *options)
    assert code == 0, err
    assert "1 of 2 test proteins stand in training" in err
    assert "n = 2 proteins" in out
    content = json.loads(output.read_text(encoding="utf-8"))
    assert list(content["transfers"]) == ["class text", "nearest protein", "MMseqs2"]
    assert content["transfers"]["nearest protein"]["predicted"]["U"][0] == "1.1.1.1"
    assert "exists already" in fails("ec", train, test, "-m", models[0], "-o", output)

    proteins = tmp_path / "proteins.tsv"
    proteins.write_text("id\tsequence\ttext\tpathway\na\tMKV\ta kinase\tone\nb\tMRV\ta lyase\ttwo\n")
    code, out, err = run("retrieval", proteins, "-m", models[0], "--section", "text", "--section", "pathway")
    assert code == 0, err
    for words in ("text → sequence", "pathway", "Total", "MRR"):
        assert words in out
    assert "no column 'cofactor'" in fails("retrieval", proteins, "-m", models[0], "--section", "cofactor")


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


def test_bad_input_gives_one_clear_line(fails, tmp_path, models, table):
    output = ("-o", tmp_path / "results")
    base = ("-m", models[0])
    assert "no such file" in fails(tmp_path / "none.csv", *base, *output)
    assert "given twice" in fails(table, *base, *base, *output)
    assert "batch_size = 0" in fails(table, *base, *output, "--batch-size", "0")
    (tmp_path / "no_model").mkdir()
    assert "no_model: holds no model" in fails(table, "-m", tmp_path / "no_model", *output)
    (tmp_path / "empty.csv").write_text("anchor_seq,anchor_text,hard_neg_seq,hard_neg_text\n")
    assert "empty.csv: a header and no records" in fails(tmp_path / "empty.csv", *base, *output)
    (tmp_path / "narrow.csv").write_text("anchor_seq,anchor_text,hard_neg_seq\nMK,a kinase,MR\n")
    assert "no column 'hard_neg_text'" in fails(tmp_path / "narrow.csv", *base, *output)
    assert not (tmp_path / "results").exists()
