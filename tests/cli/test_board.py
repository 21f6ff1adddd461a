"""`protrek-hm evaluate twins`: the board from files, added to; one clear line for each bad input."""

import json
import shutil
from functools import partial

import polars as pl
import pytest

COLUMNS = ("id_a", "id_b", "a", "b", "text_a", "text_b", "set", "kind", "control", "family", "split")


@pytest.fixture(scope="module")
def models(build_models):
    return build_models("one", "other")


@pytest.fixture
def run(command_line):
    return partial(command_line, "evaluate", "twins")


@pytest.fixture
def table(tmp_path):
    rows = []
    for number, split in enumerate(("train", "train", "valid", "test", "test", "known")):
        wild = f"MK{'ACDEFG'[number]}LLWHHRST"
        for at, to in ((4, "P"), (5, "G"), (8, "W")):
            mutant = wild[:at] + to + wild[at + 1 :]
            ids, texts = (f"P{number}", f"P{number}:{wild[at]}{at + 1}{to}"), ("works as a kinase", "loss of activity")
            rows.append((*ids, wild, mutant, *texts, "curated", "wild-type-mutant", "no", f"F{number}", split))
    path = tmp_path / "cases.tsv"
    pl.DataFrame(rows, schema=COLUMNS, orient="row").write_csv(path, separator="\t")
    return path


QUICK = ("--resamples", "100", "--device", "cpu")


def test_a_board_and_rows_added_to_it(run, tmp_path, models, table):
    first, second, third = (tmp_path / name for name in ("first", "second", "third"))
    code, out, err = run(table, "-m", models[0], "--train", table, "-o", first, *QUICK)
    assert code == 0, err
    assert "9 cases measured, 9 of other splits or not drawn; baselines learned from 6;" in err
    assert "BLOSUM62" in out
    content = json.loads((first / "board.json").read_text(encoding="utf-8"))
    assert len(content["rows"][0]["source"]["weights"]) == 68
    assert str(tmp_path) not in json.dumps(content), "no path: the same bytes anywhere"

    _without_training(table, tmp_path / "tables" / "cases.csv")
    options = ("--add-to", first / "board.json", "-o", second, *QUICK, "--format", "json")
    code, out, err = run(tmp_path / "tables", "-m", models[1], *options)
    assert code == 0, err
    assert "none to learn from: no baselines" in err
    names = [row["name"] for row in json.loads(out)["rows"]]
    assert {"one", "other", "other + head", "twin head", "number of substitutions"} <= {*names}
    assert len({*names}) == len(names)

    scores = first / "scores.parquet"
    code, out, err = run(table, "--scores", f"one={scores}", "--scores", f"anew={scores}", "-o", third, *QUICK)
    assert (code, "a case stands twice" in err) == (2, True)
    pl.read_parquet(scores).filter(row="one").write_parquet(tmp_path / "one.parquet")
    code, out, err = run(table, "--scores", f"anew={tmp_path / 'one.parquet'}", "-o", third, *QUICK, "--format", "json")
    assert code == 0, err
    assert json.loads(out)["rows"][0]["results"] == content["rows"][0]["results"]


def test_a_second_run_encodes_nothing_and_gives_the_same_bytes(run, tmp_path, models, table, monkeypatch):
    from protrek_hm.model import ProTrek

    output = tmp_path / "board"
    assert run(table, "-m", models[0], "-o", output, *QUICK)[0] == 0
    before = {name: (output / name).read_bytes() for name in ("board.json", "board.md")}
    monkeypatch.setattr(ProTrek, "encode", lambda *_, **__: pytest.fail("encoded again"))
    code, _, err = run(table, "-m", models[0], "-o", output, *QUICK, "--force")
    assert code == 0, err
    assert {name: (output / name).read_bytes() for name in before} == before


def test_easy_pairs_and_retrieval_beside_it(run, tmp_path, models, table):
    triplets = tmp_path / "easy.csv"
    header = "anchor_seq,anchor_text,hard_neg_seq,hard_neg_text"
    triplets.write_text(f"{header}\nMKVL,a kinase,MRRS,a lyase\nMRRS,a lyase,MKVL,a kinase\n")
    options = ("--easy", triplets, "--retrieval", triplets, "--split", "known", "--format", "json")
    code, out, err = run(table, "-m", models[0], "-o", tmp_path / "board", *QUICK, *options)
    assert code == 0, err
    content = json.loads(out)
    assert set(content["rows"][0]["beside"]) == {"easy", "R@1"}
    assert content["settings"]["splits"] == ["known"]
    page = (tmp_path / "board" / "board.md").read_text(encoding="utf-8")
    assert page.count("easy cases, text → protein | R@1, text → protein |") == 1, "in the table of all sets alone"


def test_a_twin_head_in_the_folder_is_measured_and_one_of_another_reader_refused(run, tmp_path, models, table, fails):
    from protrek_hm.model.reader import packaged_reader
    from protrek_hm.model.twin_head import HeadConfig, TwinHead

    folder = shutil.copytree(models[0], tmp_path / "with_head")
    reader = packaged_reader()
    TwinHead(HeadConfig(members=1), dimension=reader.dimension, reader=reader.fingerprint()).save(folder)
    proteins = tmp_path / "proteins.tsv"
    proteins.write_text("id\tsequence\ttext\nP\tMKALLWHHRSTMKALLWHHRST\ta kinase\n")
    code, out, err = run(
        table, "-m", folder, "-o", tmp_path / "board", "--relatives", proteins, *QUICK, "--format", "json"
    )
    assert code == 0, err
    assert [row["name"] for row in json.loads(out)["rows"][:3]] == ["with_head", "with_head + head", "twin head"]

    TwinHead(HeadConfig(members=1), dimension=reader.dimension, reader="another").save(folder)
    assert "trained with another sentence encoder" in fails(table, "-m", folder, "-o", tmp_path / "other", *QUICK)


def test_bad_input_gives_one_clear_line(fails, tmp_path, models, table):
    end = ("-m", models[0], "-o", tmp_path / "board", *QUICK)
    assert "no such file" in fails(tmp_path / "none.csv", *end)
    (tmp_path / "empty").mkdir()
    assert "holds no case tables" in fails(tmp_path / "empty", *end)
    assert "holds no model" in fails(table, "-m", tmp_path, "-o", tmp_path / "board")
    assert "at least one model" in fails(table, *end[2:])
    assert "give NAME=FILE" in fails(table, *end, "--scores", table)
    assert "splits = 'tests'" in fails(table, *end, "--split", "tests")
    assert "masked-language head" in fails(table, *end, "--train", table, "--masked", tmp_path / "none")
    assert "not a JSON object" in fails(table, *end, "--add-to", _written(tmp_path / "list.json", "[]"))
    assert "this version of protrek-hm reads 1" in fails(table, *end, "--add-to", _written(tmp_path / "b.json", "{}"))
    frame = pl.read_csv(table, separator="\t")
    frame.drop("family").write_csv(tmp_path / "narrow.csv")
    assert "no column 'family'" in fails(tmp_path / "narrow.csv", *end)
    frame.filter(split="train").write_csv(tmp_path / "training.csv")
    assert "no case of the splits" in fails(tmp_path / "training.csv", *end)
    assert not (tmp_path / "board" / "board.json").exists()


def _without_training(table, path):
    path.parent.mkdir()
    pl.read_csv(table, separator="\t").filter(pl.col("split") != "train").write_csv(path)


def _written(path, content):
    path.write_text(content)
    return path
