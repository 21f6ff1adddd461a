"""Commands whose inputs and outputs lie in a bucket."""

import inspect
import json
from itertools import permutations
from typing import get_args

import polars as pl
import pytest

from protrek_hm import copies, locations
from protrek_hm.cli.app import app
from protrek_hm.cli.flags import changing, local, reading, writing
from protrek_hm.copies import copy_of
from protrek_hm.locations import MARKER

CPU = ("--device", "cpu")
PROTEINS = "id\tsequence\ttext\nP1\tMKV\ta kinase\nP2\tMKVL\ta lyase\nP3\tMKV\t\n"


@pytest.fixture(autouse=True)
def _fresh(monkeypatch):
    monkeypatch.setattr(copies, "_locks", {})


@pytest.fixture(scope="module")
def model(build_models):
    return build_models("tiny")[0]


@pytest.fixture
def run(command_line):
    return command_line


def triplets(*families):
    columns = ("anchor_seq", "anchor_text", "hard_neg_seq", "hard_neg_text", "seq_similarity", "type")
    rows = [
        (
            f"{family}{mine}",
            f"enzyme {mine} of {family}",
            f"{family}{other}",
            f"enzyme {other} of {family}",
            0.8,
            "hard",
        )
        for family in families
        for mine, other in permutations("AGW", 2)
    ]
    return pl.DataFrame(rows, schema=columns, orient="row").write_csv()


def paths_of(group):
    """The parsers of all arguments that name paths, of all commands."""
    for command in group.registered_commands:
        for name, parameter in inspect.signature(command.callback).parameters.items():
            kind, *remarks = get_args(parameter.annotation) or (None,)
            if "Path" in str(kind):
                yield f"{command.callback.__name__} {name}", remarks[0].parser
    for each in group.registered_groups:
        yield from paths_of(each.typer_instance)


def test_every_argument_that_is_a_path_knows_urls():
    found = list(paths_of(app))
    assert len(found) > 80
    assert not [name for name, parser in found if parser not in (reading, writing, changing, local)]
    assert {parser for name, parser in found if name.endswith(" output")} == {writing, local}


def test_an_index_in_a_bucket(run, store, model):
    table, index = store.put("in/proteins.tsv", PROTEINS), f"{store.url}/index"
    build = ("index", "build", table, "-m", model, "-o", index, *CPU)
    code, out, err = run(*build)
    assert (code, out) == (0, f"{index}: 3 records, 2 sequence, 2 text (vectors of 8, model {model})\n"), err
    code, out, _ = run("index", "info", index, "--format", "json")
    assert code == 0
    assert json.loads(out)["sources"][0]["file"] == table

    code, out, err = run(*build)
    assert (code, out) == (2, "")
    assert err == f"error: {index}: exists already; choose another --output, or overwrite it with --force\n"

    before = store.names("index")
    more = store.put("in/more.fasta", ">P4\nMKVLLL\n")
    code, out, err = run("index", "add", index, more, *CPU)
    assert (code, out) == (0, f"{index}: 1 record added, 4 in all\n"), err
    assert set(before) - {"index.json"} - set(store.names("index")) <= {"words-1.sqlite"}, "what is the same stays"
    assert run("index", "check", index)[:2] == (0, f"{index}: as it was written\n")
    code, out, err = run("search", index, "a kinase", "-k", "4", "--no-group", "--format", "jsonl", *CPU)
    assert code == 0, err
    assert {hit for hit in ("P1", "P2", "P3", "P4") if f'"{hit}"' in out} == {"P1", "P2", "P3", "P4"}

    questions, answers = store.put("in/questions.txt", "a kinase\na lyase\n"), f"{store.url}/out/answers.tsv"
    batch = ("search", index, "--batch", questions, "-o", answers, *CPU)
    code, out, err = run(*batch)
    assert (code, out) == (0, f"{answers}: 2 queries answered\n"), err
    assert store.names("out") == ["answers.tsv"]
    assert run(*batch)[0] == 2
    assert b"P1" in locations.read_bytes(store.at("out/answers.tsv"))
    assert not [each for each in (locations.root() / "out").rglob("*") if each.is_file()], "nothing is left behind"


def test_a_model_in_a_bucket(run, store, model):
    for path in sorted(model.rglob("*")):
        if path.is_file():
            store.put(f"model/{path.relative_to(model)}", path.read_bytes())
    table, index, url = store.put("p.tsv", PROTEINS), f"{store.url}/index", f"{store.url}/model"
    code, _, err = run("index", "build", table, "-m", url, "-o", index, *CPU)
    assert code == 0, err
    assert json.loads(run("index", "info", index, "--format", "json")[1])["model"] == url
    assert run("search", index, "a kinase", *CPU)[0] == 0, "the index says where its model is"
    code, out, err = run("model", "convert", url, f"{store.url}/official")
    assert code == 0, err
    assert f"official/{MARKER}" in store.names()


@pytest.mark.usefixtures("no_pictures")
def test_mine_evaluate_and_train_read_and_write_buckets(run, store, model, monkeypatch, tmp_path):
    rows = ["id\tsequence\ttext\tdrug"]
    for family, letters in enumerate(
        ("ACDEFGHIKL", "MNPQRSTVWY", "AEIMQVCGKP", "WDFHLNRSTY", "GWAKYEPMRC", "LVTIHDQNSF")
    ):
        core = letters * 6
        for member in range(4):
            drug = ("penicillin", "tetracycline")[member % 2]
            changed = core[:member] + "W" + core[member + 1 :]
            rows.append(
                f"F{family}M{member}\t{changed}\t{drug.capitalize()}-hydrolyzing enzyme of family {family}.\t{drug}"
            )
    table, mined = store.put("in/proteins.tsv", "\n".join(rows) + "\n"), f"{store.url}/mined"
    code, out, err = run("mine", table, "-o", mined, "--evidence", "drug:equal")
    assert code == 0, err
    assert f"written to {mined}" in err
    report = json.loads(locations.read_bytes(store.at("mined/mining_report.json")))
    assert report["input"] == table
    code, _, err = run("mine", "audit", mined)
    assert code == 0, err
    assert f"mined/audit/{MARKER}" in store.names()

    none = pl.DataFrame(schema={"query": pl.UInt32, "target": pl.UInt32})
    monkeypatch.setattr("protrek_hm.evaluate.report.write.draw_all", lambda *_: {})
    monkeypatch.setattr("protrek_hm.evaluate.report.write.draw_cards", lambda *_, **__: None)
    monkeypatch.setattr("protrek_hm.evaluate.baselines.search", lambda *_, **__: none)
    test, train = store.put("data/test.csv", triplets("MKVL", "MRRS")), store.put("data/train.csv", triplets("MDDD"))
    results = f"{store.url}/results"
    code, out, err = run("evaluate", test, "--train", train, "-m", model, "-o", results, *CPU)
    assert code == 0, err
    assert results in err
    assert str(locations.root()) not in out + err
    content = b"".join(locations.read_bytes(store.at(each)) for each in store.names() if each.endswith(".json"))
    assert str(locations.root()).encode() not in content
    assert b"secret-of-the-test" not in content

    code, _, err = run("train", train, "-m", model, "-o", f"{store.url}/run", *CPU)
    assert (code, err) == (
        2,
        f"error: {store.url}/run: this must lie on this machine; give a path, or a mounted disk\n",
    )
    code, _, err = run("train", train, "-m", model, "-o", tmp_path / "run", "--epochs", "1", *CPU)
    assert code == 0, err
    assert json.loads((tmp_path / "run" / "inputs.json").read_text())["train"] == [train]


def test_tables_are_converted_from_and_to_buckets(run, store):
    entry = "ID   A_B  Reviewed;  3 AA.\nAC   P12345;\nDE   RecName: Full=Lyase;\n"
    entry += "SQ   SEQUENCE   3 AA;  1 MW;  0 CRC64;\n     MKV\n//\n"
    source, out = store.put("uniprot.dat", entry), f"{store.url}/out/proteins.parquet"
    code, told, err = run("data", "convert", source, "-o", out)
    assert code == 0, err
    assert told.startswith(f"{out}: 1 protein")
    assert pl.read_parquet(copy_of(out))["sequence"].to_list() == ["MKV"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            "s3://me:hunter2@bucket/a.tsv",
            "s3://bucket/a.tsv: is given with credentials or a query; put credentials into",
        ),
        ("ftp://host/a.tsv?token=hunter2", "ftp://host/a.tsv: the scheme ftp:// is not known; give s3://"),
        ("s3://no-such-bucket/a.tsv", "s3://no-such-bucket/a.tsv: no such bucket; check its name, or make it"),
    ],
)
@pytest.mark.usefixtures("store")
def test_what_is_wrong_with_a_url_is_one_line(run, given, said):
    for words in (("data", "check", given), ("score", "a kinase", "MKV", "-m", given)):
        code, out, err = run(*words)
        assert (code, out) == (2, "")
        assert err.startswith(f"error: {said}")
        assert err.count("\n") == 1
        assert "hunter2" not in err
