"""Whatever a release wrote is opened by every later version, and gives what it gave; see docs/formats.md.

Files of a later version are refused in one line that names both formats and the remedy.
"""

import json
import shutil
import sys
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest
from safetensors import safe_open
from safetensors.torch import save_file

from protrek_hm.data.triplets import read_triplets
from protrek_hm.data.twins.case_table import read_cases
from protrek_hm.errors import FileFormatError
from protrek_hm.evaluate.compare import compare_runs, read_run
from protrek_hm.evaluate.twins.board import read_board
from protrek_hm.index.exchange import import_parquet
from protrek_hm.index.store import Index, check_index
from protrek_hm.index.update import add_to_index, compact_index, remove_from_index
from protrek_hm.mine.audit import read_verdicts
from protrek_hm.model import ProTrek, load_encoder
from protrek_hm.model.convert import convert_model
from protrek_hm.model.locate import shipped_model
from protrek_hm.model.twin_head import FORMAT_VERSION, HEAD, TwinHead

HERE = Path(__file__).parent
RELEASES = sorted(each.name for each in HERE.iterdir() if (each / "expected.json").is_file())
TOLERANCE = 1e-4  # of numbers between -1 and 1 that other processors computed
LATER = {"format_version": 99, "a_key_of_a_later_version": 1}


@pytest.fixture(params=RELEASES)
def frozen(request, tmp_path):
    """A copy of what a release wrote."""
    return Path(shutil.copytree(HERE / request.param, tmp_path / "frozen"))


@pytest.fixture
def expected(frozen):
    return json.loads((frozen / "expected.json").read_text())


@pytest.fixture
def table(frozen):
    return pl.read_csv(frozen / "proteins.tsv", separator="\t")


def check_hits(index, encoder, expected, ids=None):
    queries = np.asarray(encoder.encode(["Cleaves starch."], task="text"))
    cosines, rows = index.nearest(queries, want="sequence", k=5)
    wanted = dict(expected["hits"])
    found = dict(zip(index.take(rows[0])["id"].to_list(), cosines[0].tolist(), strict=True))
    assert found == pytest.approx(wanted, abs=TOLERANCE)
    assert sorted(found.values(), reverse=True) == list(found.values())


def test_a_frozen_model_gives_the_same_vectors(frozen, expected, table, tmp_path):
    convert_model(frozen / "official", tmp_path / "converted")
    for load, name in ((ProTrek.from_pretrained, "model"), (load_encoder, "model"), (load_encoder, "official")):
        model = load(frozen / name, device="cpu")
        for task in ("sequence", "text"):
            vectors = model.encode(table[task][::7].to_list(), task=task)
            np.testing.assert_allclose(vectors, expected[task], atol=TOLERANCE)
    assert load_encoder(frozen / "model", device="cpu").fingerprint() == expected["fingerprint"]
    assert load_encoder(tmp_path / "converted", device="cpu").tasks == model.tasks


def test_a_frozen_index_is_searched_and_changed(frozen, expected, table, tmp_path):
    encoder = load_encoder(frozen / "model", device="cpu")
    assert check_index(frozen / "index") == []
    index = Index.open(frozen / "index")
    assert [list(row) for row in index.records.rows()] == expected["records"]
    check_hits(index, encoder, expected)
    add_to_index(frozen / "index", table.filter(id="F1.0"), encoder)
    assert sorted(Index.open(frozen / "index").records["id"]) == sorted(table["id"])
    remove_from_index(frozen / "index", ids=["F1.0"])
    compact_index(frozen / "index")
    assert [list(row) for row in Index.open(frozen / "index").records.rows()] == expected["records"]
    check_hits(Index.open(frozen / "index"), encoder, expected)
    import_parquet(frozen / "vectors.parquet", tmp_path / "imported")
    check_hits(Index.open(tmp_path / "imported"), encoder, expected)


def test_a_frozen_run_goes_on_and_ends_as_it_would_have(frozen, expected, table, tmp_path):
    sys.path.insert(0, str(HERE.parent / "train"))
    try:
        from runs import train
    finally:
        sys.path.pop(0)
    settings = json.loads((frozen / "settings.json").read_text())
    triplets = frozen / "mined" / "hard_negatives_train.csv"
    run = train(frozen / "run", frozen / "model", triplets, **settings)
    assert run.history["step"].max() == expected["steps"]
    vectors = run.model.encode(table["sequence"][::7].to_list(), task="sequence")
    np.testing.assert_allclose(vectors, expected["tuned"], atol=10 * TOLERANCE)  # errors add up over the steps
    for fresh, tuned in zip(expected["sequence"], expected["tuned"], strict=True):
        assert np.abs(np.subtract(fresh, tuned)).max() > 100 * TOLERANCE, "else a run that does nothing would pass"


def test_frozen_tables_and_results_are_read(frozen, expected, table):
    splits = [read_triplets(frozen / "mined" / f"hard_negatives_{split}.csv") for split in ("train", "valid", "test")]
    assert sum(map(len, splits)) == len(read_triplets(frozen / "mined" / "hard_negatives_all.csv"))
    assert sum(map(len, splits)) == expected["triplets"]
    pairs, _ = read_verdicts(frozen / "mined", frozen / "proteins.tsv")
    assert set(pairs["verdict"]) == {"different"}
    assert len(read_cases(frozen / "cases.csv")) == len(table) // 3
    run = read_run(frozen / "measured")
    assert (run.model, len(run.predictions)) == (expected["models"][-1], splits[2].height)
    assert {each.difference.value for each in compare_runs(run, run)} == {0.0}
    rows = {row["name"]: row["results"] for row in read_board(frozen / "board" / "board.json")["rows"]}
    assert {name: each["test"]["frozen"]["natural"] for name, each in rows.items() if each} == expected["board"]


def change(path, **keys):
    content = json.loads(path.read_text()) | keys
    content.pop("sha256", None)
    path.write_text(json.dumps(content))


def test_files_of_a_later_version_are_refused_in_one_line(frozen, table, tmp_path):
    both = "format_version 99, and this version of protrek-hm reads [0-9]; update protrek-hm, or"
    kinds = {
        "index/index.json": (partial(Index.open, frozen / "index"), "99, .* reads format [0-9]; update protrek-hm, or"),
        "model/protrek.json": (partial(load_encoder, frozen / "model"), both),
        "measured/report.json": (partial(read_run, frozen / "measured"), both),
        "board/board.json": (partial(read_board, frozen / "board" / "board.json"), both),
        "mined/mining_report.json": (partial(read_verdicts, frozen / "mined"), both),
    }
    for name, (read, told) in kinds.items():
        change(frozen / name, **LATER)
        with pytest.raises(FileFormatError, match=told) as caught:
            read()
        assert "\n" not in str(caught.value)
    with pytest.raises(FileFormatError, match=both):
        ProTrek.from_pretrained(frozen / "model", device="cpu")
    parquet = pq.read_table(frozen / "vectors.parquet")
    about = json.loads(parquet.schema.metadata[b"protrek_hm"]) | LATER
    pq.write_table(parquet.replace_schema_metadata({b"protrek_hm": json.dumps(about)}), tmp_path / "later.parquet")
    with pytest.raises(FileFormatError, match=both):
        import_parquet(tmp_path / "later.parquet", tmp_path / "imported")


def test_keys_that_this_version_does_not_know_are_refused(frozen):
    for name, read in (("index/index.json", Index.open), ("model/protrek.json", load_encoder)):
        change(frozen / name, a_key_of_a_later_version=1)
        with pytest.raises(FileFormatError, match="a_key_of_a_later_version"):
            read((frozen / name).parent)


def test_a_twin_head_of_a_later_version_is_refused(tmp_path):
    with safe_open(shipped_model("mini-words") / HEAD, framework="pt") as held:
        facts = json.loads(held.metadata()["protrek-hm"])
        tensors = {name: held.get_tensor(name) for name in held.keys()}  # no mapping
    save_file(tensors, tmp_path / HEAD, metadata={"protrek-hm": json.dumps(facts | LATER)})
    with pytest.raises(
        FileFormatError, match=f"format_version 99, and this version of protrek-hm reads {FORMAT_VERSION};"
    ):
        TwinHead.load(tmp_path)


@pytest.mark.parametrize("kind", ["checkpoint", "setting"])
def test_a_run_of_a_later_version_is_not_gone_on_with(frozen, kind):
    from protrek_hm.train import TrainConfig, fine_tune

    last = max((frozen / "run" / "checkpoints").iterdir(), key=lambda each: int(each.name.split("-")[1]))
    path = last / "files.json" if kind == "checkpoint" else frozen / "run" / "config.json"
    change(path, **(LATER if kind == "checkpoint" else {"a_setting_of_a_later_version": 1}))
    rows = pl.read_csv(frozen / "mined" / "hard_negatives_train.csv")
    settings = TrainConfig(**json.loads((frozen / "settings.json").read_text()))
    model = ProTrek.from_pretrained(frozen / "model", device="cpu")
    told = "format_version 99, .* reads 1" if kind == "checkpoint" else "a_setting_of_a_later_version.*update protrek"
    with pytest.raises(FileFormatError, match=told):
        fine_tune(model, rows, settings, frozen / "run", valid=rows, if_exists="resume")
    assert last.is_dir(), "nothing is deleted"


def test_a_run_of_an_earlier_version_without_a_setting_has_its_default(frozen):
    from protrek_hm.errors import OptionError
    from protrek_hm.train.folder import begin

    config = json.loads((frozen / "run" / "config.json").read_text())
    content = dict(config)
    assert content.pop("warmup") == 0.1
    (frozen / "run" / "config.json").write_text(json.dumps(content))
    assert begin(frozen / "run", config, "resume").name.startswith("checkpoint-")
    with pytest.raises(OptionError, match=r"was begun with 0\.1"):
        begin(frozen / "run", config | {"warmup": 0.3}, "resume")
