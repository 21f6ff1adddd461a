import json

import numpy as np
import pytest

from protrek_hm.index.store import Index


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    from protrek_hm.model import ModelConfig, ProTrek, TowerConfig

    tower = TowerConfig(layers=1, hidden=8, heads=1, max_tokens=50)
    config = ModelConfig(sequence=tower, text=tower, dimension=8, vocabulary=100)
    folder = tmp_path_factory.mktemp("models") / "tiny"
    ProTrek.build(config, texts=["a kinase", "a lyase"], device="cpu").save_pretrained(str(folder))
    return folder


@pytest.fixture
def run(command_line):
    return command_line


@pytest.fixture
def proteins(tmp_path):
    path = tmp_path / "proteins.tsv"
    path.write_text("id\tsequence\ttext\nP1\tMKV\ta kinase\nP2\tMKVL\ta lyase\nP3\tMKV\t\n")
    return path


def test_build_info_and_search(run, tmp_path, proteins, model):
    index = tmp_path / "index"
    code, out, _ = run("index", "build", proteins, "-m", model, "-o", index, "--device", "cpu")
    assert (code, out) == (0, f"{index}: 3 records, 2 sequence, 2 text (vectors of 8, model {model})\n")

    code, out, _ = run("index", "info", index, "--format", "json")
    info = json.loads(out)
    assert code == 0
    assert info["counts"] == {"records": 3, "sequence": 2, "text": 2}
    assert info["bytes"] == sum(file.stat().st_size for file in index.iterdir())
    code, out, _ = run("index", "info", index)
    assert "records 3, sequence 2, text 2" in out

    code, out, _ = run("search", index, "mkv", "MKVL", "--by", "sequence", "-k", 2, "--format", "jsonl")
    hits = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [(hit["query"], hit["rank"], hit["id"]) for hit in hits][:2] == [
        ("mkv", 1, "P1"),
        ("mkv", 2, "P3"),
    ]
    assert [(hit["query"], hit["id"]) for hit in hits][2] == ("MKVL", "P2")
    assert hits[0]["score"] == pytest.approx(1, abs=1e-5)

    code, out, _ = run("search", index, "a lyase", "--want", "text", "-o", tmp_path / "hits.tsv", "--format", "tsv")
    assert (code, out) == (0, "")
    assert (tmp_path / "hits.tsv").read_text().splitlines()[1].split("\t")[:3] == ["a lyase", "1", "P2"]


def test_the_model_computes_in_bf16_when_asked(run, tmp_path, proteins, model):
    for precision in ("float32", "bf16"):
        build = ("index", "build", proteins, "-m", model, "-o", tmp_path / precision, "--device", "cpu")
        assert run(*build, "--precision", precision)[0] == 0
    exact, rough = (Index.open(tmp_path / precision) for precision in ("float32", "bf16"))
    assert (exact.info.precision, rough.info.precision) == ("float32", "bf16")
    vectors = [index.embeddings["sequence"].vectors for index in (exact, rough)]
    assert not np.array_equal(*vectors)
    np.testing.assert_allclose(*vectors, atol=0.05)


def test_bad_records_can_be_skipped(run, tmp_path, proteins, model):
    proteins.write_text("id\tsequence\ttext\nP1\tMKV\ta kinase\nP2\tMK1\ta lyase\n")
    code, _, err = run("index", "build", proteins, "-m", model, "-o", tmp_path / "index")
    assert code == 2
    assert "proteins.tsv:3: P2" in err
    arguments = ("index", "build", proteins, "-m", model, "-o", tmp_path / "index", "--on-bad-record", "skip")
    assert run(*arguments)[0] == 0


def test_bad_input_gives_one_line(run, tmp_path, proteins, model):
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "a").touch()
    for arguments, message in (
        (("build", proteins, "-m", model, "-o", taken), "exists already"),
        (("build", proteins, "-m", tmp_path / "nothing", "-o", tmp_path / "index"), "nothing: no such file"),
        (
            ("build", tmp_path / "nothing.tsv", "-m", model, "-o", tmp_path / "index"),
            "nothing.tsv: no such file",
        ),
        (("build", proteins, "-m", model, "-o", tmp_path / "index", "--batch-size", 0), "batch_size = 0"),
        (("info", taken), "not an index"),
        (("info", tmp_path / "nowhere"), "no such file"),
    ):
        code, out, err = run("index", *arguments)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert message in err
    assert not (tmp_path / "index").exists()
