import csv
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


def test_a_column_can_be_named_to_every_reader(run, tmp_path, model):
    table = tmp_path / "proteins.csv"
    table.write_text("id,sequence,remark\nP1,MKV,a kinase\nP2,MKVL,a lyase\n")
    index, other, named = tmp_path / "index", tmp_path / "other.csv", ("--column", "text=remark", "--device", "cpu")
    other.write_text("id,sequence,remark\nP3,MKVA,a ligase\n")
    assert run("index", "build", table, "-m", model, "-o", index, *named)[0] == 0
    assert run("index", "add", index, other, *named)[0] == 0
    assert json.loads(run("index", "info", index, "--format", "json")[1])["counts"]["text"] == 3
    code, out, _ = run("score", "--file", table, "-m", model, "--format", "jsonl", *named)
    assert (code, [json.loads(line)["text"] for line in out.splitlines()]) == (0, ["a kinase", "a lyase"])
    assert run("score", "--file", table, "-m", model)[0] == 2


def test_build_info_and_search(run, tmp_path, proteins, model):
    index = tmp_path / "index"
    code, out, _ = run("index", "build", proteins, "-m", model, "-o", index, "--device", "cpu")
    assert (code, out) == (0, f"{index}: 3 records, 2 sequence, 2 text (vectors of 8, model {model})\n")

    code, out, _ = run("index", "info", index, "--format", "json")
    info = json.loads(out)
    assert code == 0
    assert info["counts"] == {"records": 3, "sequence": 2, "text": 2}
    assert info["bytes"] == sum(file.stat().st_size for file in index.rglob("*") if file.is_file())
    assert info["sources"][0]["file"] == str(proteins)
    code, out, _ = run("index", "info", index)
    assert "records 3, sequence 2, text 2" in out

    assert run("index", "check", index)[:2] == (0, f"{index}: as it was written\n")
    path = index / "segment-1" / "text.vectors.npy"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert run("index", "check", index)[:2] == (1, "segment-1/text.vectors.npy: damaged (not as it was written)\n")
    path.write_bytes(whole)

    code, out, _ = run("search", index, "mkv", "MKVL", "--by", "sequence", "-k", 2, "--format", "jsonl")
    hits = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [(hit["query"], hit["rank"], hit["id"]) for hit in hits][:2] == [
        ("mkv", 1, "P1"),
        ("mkv", 2, "P3"),
    ]
    assert next(hit["id"] for hit in hits if hit["query"] == "MKVL") == "P2"
    assert hits[0]["score"] == pytest.approx(1, abs=1e-5)

    code, out, _ = run("search", index, "a lyase", "--want", "text", "-o", tmp_path / "hits.tsv", "--format", "tsv")
    assert (code, out) == (0, "")
    [hit, *_] = csv.DictReader((tmp_path / "hits.tsv").read_text().splitlines(), delimiter="\t")
    assert (hit["query"], hit["rank"], hit["id"]) == ("a lyase", "1", "P2")


def test_the_model_computes_in_bf16_when_asked(run, tmp_path, proteins, model):
    for precision in ("float32", "bf16"):
        build = ("index", "build", proteins, "-m", model, "-o", tmp_path / precision, "--device", "cpu")
        assert run(*build, "--precision", precision)[0] == 0
    exact, rough = (Index.open(tmp_path / precision) for precision in ("float32", "bf16"))
    assert (exact.info.precision, rough.info.precision) == ("float32", "bf16")
    vectors = [index.embeddings["sequence"].vectors[:9] for index in (exact, rough)]
    assert not np.array_equal(*vectors)
    np.testing.assert_allclose(*vectors, atol=0.05)


def test_bad_records_can_be_skipped(run, tmp_path, proteins, model):
    proteins.write_text("id\tsequence\ttext\nP1\tMKV\ta kinase\nP2\tMK1\ta lyase\n")
    code, _, err = run("index", "build", proteins, "-m", model, "-o", tmp_path / "index")
    assert code == 2
    assert "proteins.tsv:3: P2" in err
    arguments = ("index", "build", proteins, "-m", model, "-o", tmp_path / "index", "--on-bad-record", "skip")
    assert run(*arguments)[0] == 0


def test_an_index_grows_shrinks_and_travels(run, tmp_path, proteins, model):
    index, more, ids = tmp_path / "index", tmp_path / "more.fasta", tmp_path / "ids"
    second = tmp_path / "second.csv"
    second.write_text("id,sequence,text\nP7,MAAA,a kinase\n")
    build = ("index", "build", proteins, second, "-m", model, "-o", index, "--device", "cpu")
    assert run(*build)[1].startswith(f"{index}: 4 records, 3 sequence, 2 text")
    more.write_text(">P8\nMKKK\n>P9\nMKV\n")
    assert run("index", "add", index, more, "--device", "cpu")[:2] == (0, f"{index}: 2 records added, 6 in all\n")
    code, _, err = run("index", "add", index, more, "--device", "cpu")
    assert (code, err.count("\n")) == (2, 1)
    assert "replace them with --replace" in err
    assert run("index", "add", index, more, "--replace", "--device", "cpu")[1].endswith("6 in all\n")
    ids.write_text("P7\n\nP8\n")
    removed = run("index", "remove", index, "--ids", f"@{ids}", "--where", "length > 3 and id = 'P2'")
    assert removed[1] == f"{index}: 3 records removed, 3 left\n"
    assert run("index", "remove", index)[2] == "error: ids: say what to remove, with --ids or --where\n"
    assert run("index", "compact", index)[1] == f"{index}: 3 records, 1 sequence, 1 text\n"

    assert run("index", "export", index, "-o", tmp_path / "e.parquet")[1].endswith("e.parquet: 3 records\n")
    assert run("index", "import", tmp_path / "e.parquet", "-o", tmp_path / "again")[0] == 0
    assert run("index", "export", index, "-o", tmp_path / "faiss", "--format", "faiss")[0] == 0
    code, _, err = run("index", "import", tmp_path / "faiss", "-o", tmp_path / "third")
    assert code == 2
    assert "name it with -m" in err
    assert run("index", "import", tmp_path / "faiss", "-o", tmp_path / "third", "-m", model)[0] == 0
    found = [
        run("search", each, "MKV", "--by", "sequence", "--format", "jsonl")[1] for each in (index, tmp_path / "again")
    ]
    assert found[0] == found[1]
    assert Index.open(tmp_path / "third").records["id"].to_list() == ["P1", "P3", "P9"]


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
