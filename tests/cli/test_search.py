import json
import subprocess
import sys
from functools import partial
from types import SimpleNamespace

import polars as pl
import pytest

from protrek_hm.index import build_index
from protrek_hm.search.render import MATCHED, SCORES


@pytest.fixture
def index(tmp_path, letter_encoder, monkeypatch):
    """An index that names a model which is a stand-in."""
    proteins = pl.DataFrame({"id": ["P1", "P2"], "sequence": ["MKV", "DDD"], "text": ["a kinase", "a lyase"]})
    build_index(proteins, letter_encoder(), tmp_path / "index", model_name="user/model")
    stand_in(monkeypatch, letter_encoder)
    return tmp_path / "index"


@pytest.fixture
def twins(tmp_path, letter_encoder, monkeypatch):
    """An index of two twins and a stranger."""
    sequences = ["MKKKKKKKKV", "MKKKKKKKKK", "DDDDDDDDDDDD"]
    proteins = pl.DataFrame(
        {"id": ["P1", "P2", "P3"], "sequence": sequences, "organism": ["E. coli", "yeast", "E. coli"]}
    )
    build_index(proteins, letter_encoder(), tmp_path / "twins", model_name="user/model")
    stand_in(monkeypatch, letter_encoder)
    return tmp_path / "twins"


def stand_in(monkeypatch, letter_encoder):
    loader = SimpleNamespace(
        load_encoder=lambda name, *, device: letter_encoder(str(name).replace("user/model", "letters"))
    )
    monkeypatch.setitem(sys.modules, "protrek_hm.model", loader)


@pytest.fixture
def run(command_line):
    return partial(command_line, "search")


def test_the_model_that_the_index_names_is_loaded(run, index):
    code, out, _ = run(index, "DKD", "--signals", "model")
    assert code == 0
    assert [line.split() for line in out.splitlines()[1:3]] == [
        ["rank", "score", "E", "length", "id"],
        ["1", "0.8944", "1.0", "3", "P2"],
    ]


def test_bad_input_gives_one_line(run, index, tmp_path):
    for arguments, message in (
        ((tmp_path / "nowhere", "A"), "nowhere: no such file or folder"),
        ((tmp_path, "A"), "not an index"),
        ((index, " "), "query = ' ': is empty"),
        ((index, "MK1", "--by", "sequence"), "letter '1' at position 3"),
        ((index, "A", "-k", "0"), "k = 0: must be at least 1"),
        ((index, "A", "--want", "structure"), "this index holds sequence, text"),
        ((index, "A", "-m", "others"), "built with the model user/model"),
        ((index, "A", "-o", index / "index.json"), "exists already"),
    ):
        code, out, err = run(*arguments)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert message in err


def test_twins_are_one_family_unless_told_otherwise(run, twins):
    code, out, _ = run(twins, "KKKKD", "--format", "jsonl")
    rows = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [(row["family"], row["member"], row["difference"]) for row in rows] == [
        (1, 1, ""),
        (1, 2, "K10V"),
        (2, 1, ""),
    ]
    code, out, _ = run(twins, "KKKKD", "--format", "jsonl", "--no-group", "-k", "2")
    assert [json.loads(line)["rank"] for line in out.splitlines()] == [1, 2]
    code, out, _ = run(twins, "KKKKD", "--format", "tsv", "--min-identity", "0.95")
    assert [line.split("\t")[1] for line in out.splitlines()] == ["family", "1", "2", "3"]


def test_only_where_a_condition_holds(run, twins):
    condition = "length = 10 and organism = 'E. coli'"
    code, out, _ = run(twins, "D", "--no-group", "--format", "jsonl", "--where", condition)
    assert (code, [json.loads(line)["id"] for line in out.splitlines()]) == (0, ["P1"])
    for wrong in ("organsim = 'E. coli'", "length <", "1; drop table x"):
        code, out, err = run(twins, "D", "--where", wrong)
        assert (code, out, err.count("\n")) == (2, "", 1)
    code, _, err = run(twins, "D", "--where", "organsim = 'E. coli'")
    assert "organsim" in err
    assert "organism" in err


def test_files_as_queries(run, twins, tmp_path):
    (tmp_path / "two.fasta").write_text(">A first\nMKKKKKKKKK\n>B\nDDDD\n")
    code, out, _ = run(twins, tmp_path / "two.fasta", "--by", "sequence", "-k", "1", "--format", "tsv")
    assert [line.split("\t")[:4:3] for line in out.splitlines()] == [
        ["query", "identity"],
        ["A", "1.0"],
        ["A", "0.9"],
        ["B", "1.0"],
    ]
    code, out, err = run(twins, tmp_path / "two.pdb", "--by", "structure")
    assert (code, out) == (2, "")
    assert "two.pdb: no such file" in err


def test_batch(run, twins, tmp_path):
    (tmp_path / "queries.fasta").write_text("".join(f">q{n}\n{'DK'[n % 2] * 5}\n" for n in range(9)) + ">bad\nMJ\n")
    output = tmp_path / "hits.parquet"
    command = (twins, "--batch", tmp_path / "queries.fasta", "-o", output, "-k", "2", "--column", "organism")
    code, out, err = run(*command)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "queries.fasta:19: bad: letter 'J'" in err
    code, out, err = run(*command, "--on-bad-record", "skip")
    assert (code, out) == (0, f"{output}: 9 queries answered\n")
    assert "1 bad query left out, the first on line 19" in err
    found = pl.read_parquet(output)
    assert found.columns == ["query", *SCORES, *MATCHED, "organism"]
    assert found["query"].to_list() == [f"q{n}" for n in range(9) for _ in range(2)]
    assert run(*command)[0] == 2


def test_batch_and_queries_do_not_go_together(run, twins, tmp_path):
    (tmp_path / "queries.txt").write_text("a kinase\n")
    for arguments, message in (
        (("--batch", tmp_path / "queries.txt"), "needs -o FILE.parquet"),
        (("D", "--batch", tmp_path / "queries.txt", "-o", tmp_path / "hits.tsv"), "no other queries"),
        (("--batch", tmp_path / "queries.txt", "-o", tmp_path / "hits.xls"), "unknown ending"),
        ((), "give one at least, or a file of many with --batch"),
    ):
        code, out, err = run(twins, *arguments)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert message in err


def test_an_interrupted_batch_says_how_to_go_on(run, twins, tmp_path, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    (tmp_path / "queries.txt").write_text("a kinase\n")
    monkeypatch.setattr("protrek_hm.search.batch.run_batch", interrupted)
    code, out, err = run(twins, "--batch", tmp_path / "queries.txt", "-o", tmp_path / "hits.tsv")
    assert (code, out) == (130, "")
    assert "hits.tsv.work: the same command goes on" in err


def test_help_loads_nothing_heavy():
    code = (
        "import sys; sys.argv = ['protrek-hm', 'search', '--help']; from protrek_hm.cli.app import main\n"
        "try: main()\n"
        "finally: assert not {'torch', 'numpy', 'polars', 'transformers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=60)


@pytest.fixture
def reader(tmp_path, monkeypatch):
    """An index of a real model that reads 18 residues or tokens."""
    model_room = pytest.importorskip("protrek_hm.model")
    tower = model_room.TowerConfig(layers=1, hidden=16, heads=2, max_tokens=20)
    config = model_room.ModelConfig(sequence=tower, text=tower, structure=None, dimension=8, vocabulary=120)
    model = model_room.ProTrek.build(config, texts=["cleaves citrate"], device="cpu")
    proteins = pl.DataFrame({"id": ["P1", "P2"], "sequence": ["MKVMKVMKVM", "W" * 10], "text": ["cleaves", "citrate"]})
    build_index(proteins, model, tmp_path / "read", model_name="user/model")
    monkeypatch.setattr(model_room, "load_encoder", lambda name, *, device: model)
    return tmp_path / "read"


@pytest.mark.parametrize("form", ["table", "jsonl", "tsv"])
def test_what_is_not_read_of_a_query_is_told(command_line, reader, tmp_path, form):
    long, short, text = "MK" * 10, "MK" * 9, "cleaves " * 19
    told = "the model reads {} 1 to 18 of {}; what lies behind them plays no part in its score"
    for arguments, unit, length in (
        (("search", reader, long, "--by", "sequence"), "residues", 20),
        (("search", reader, long, "--by", "sequence", "--no-group"), "residues", 20),
        (("search", reader, text), "tokens", 19),
        (("describe", reader, long), "residues", 20),
    ):
        code, out, err = command_line(*arguments, "--format", form)
        assert code == 0
        said = err if arguments[0] == "search" or form == "tsv" else out.replace("\n", " ")
        assert told.format(unit, length) in said
        assert err.count("\n") <= 1
    code, _, err = command_line("search", reader, short, "--by", "sequence", "--format", form)
    assert (code, err) == (0, "")
    code, _, err = command_line("score", text, long, short, "-m", "user/model", "--format", form)
    assert code == 0
    assert err.splitlines() == [
        "1 of 1 texts is longer than the model's 18 tokens: the rest is not read",
        "1 of 2 sequences is longer than the model's 18 residues: the rest is not read",
    ]


def test_a_batch_names_the_queries_that_are_not_read_to_their_ends(command_line, reader, tmp_path):
    (tmp_path / "many.fasta").write_text("".join(f">q{n}\n{'MK' * n}\n" for n in (3, 10, 9, 11)))
    code, _, err = command_line("search", reader, "--batch", tmp_path / "many.fasta", "-o", tmp_path / "hits.tsv")
    assert code == 0
    first = (
        "2 of 4 queries are longer than the model reads (18 residues), the rest plays no part in its scores: q10, q11"
    )
    assert err.splitlines()[0] == first


def test_more_hits_than_there_are_and_none(run, index):
    for k in (0, -1):
        code, out, err = run(index, "DKD", "-k", k)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert "must be at least 1" in err
    assert run(index, "DKD", "--exact") == run(index, "DKD")
    code, out, _ = run(index, "DKD", "-k", 10**9, "--format", "tsv")
    assert (code, out.count("\n")) == (0, 3)


@pytest.mark.parametrize("command", ["search", "describe", "score"])
@pytest.mark.parametrize("length", [255, 256, 4_095, 4_096])
def test_ordinary_proteins_of_any_length_are_no_file_names(command_line, index, command, length):
    letters = "D" * length
    arguments = {
        "search": ("search", index, letters, "--by", "sequence", "--format", "jsonl"),
        "describe": ("describe", index, letters, "--format", "jsonl"),
        "score": ("score", "d" * length, letters, "-m", "user/model", "--format", "jsonl"),
    }[command]
    code, out, err = command_line(*arguments)
    assert (code, err) == (0, "")
    assert json.loads(out.splitlines()[0])


def test_questions_load_no_trainer(tmp_path):
    proteins = tmp_path / "proteins.tsv"
    proteins.write_text("id\tsequence\ttext\nP1\tMKVLAAGG\ta kinase\nP2\tMKWWDDCC\ta lyase\n")
    index = str(tmp_path / "index")
    for words in (
        ["index", "build", str(proteins), "-o", index, "-m", "mini"],
        ["search", index, "a kinase"],
        ["describe", index, "MKVLAAGG"],
        ["score", "a kinase", "MKVLAAGG", "-m", "mini"],
    ):
        code = (
            f"import sys; sys.argv = ['protrek-hm', *{words!r}]; from protrek_hm.cli.app import main\n"
            "try: main()\n"
            "finally: assert not {'transformers', 'sentence_transformers', 'sklearn', 'datasets', 'scipy',"
            " 'faiss', 'torch._dynamo'} & set(sys.modules)"
        )
        done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, f"{words}: {done.stderr}"


def test_a_share_of_wrong_hits_that_cannot_be_promised_is_one_line(run, twins):
    for arguments, said in (
        (("D", "--fdr", "0.05"), "this level needs 20"),
        (("D", "--fdr", "0.1", "--where", "length > 3"), "holds for the whole index"),
        (("MKK", "--by", "sequence", "--fdr", "0.1"), "of another kind"),
        (("D", "--fdr", "10"), "must lie between 0 and 1"),
    ):
        code, out, err = run(twins, *arguments)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert said in err
