"""`protrek-hm train`, from tables and a model folder to a run; one clear line for each bad input."""

import json
import shutil
from functools import partial
from itertools import permutations

import polars as pl
import pytest

COLUMNS = ("anchor_seq", "anchor_text", "hard_neg_seq", "hard_neg_text", "seq_similarity", "type")

RESUMABLE = "exists already; continue it with --resume, choose another --output, or overwrite it with --force"


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    from protrek_hm.model import ModelConfig, ProTrek, TowerConfig

    sequence, text = (TowerConfig(layers=1, hidden=8, heads=1, max_tokens=most) for most in (8, 40))
    config = ModelConfig(sequence=sequence, text=text, dimension=8, vocabulary=100)
    folder = tmp_path_factory.mktemp("models") / "base"
    ProTrek.build(config, texts=["a kinase", "a lyase"], device="cpu").save_pretrained(str(folder))
    return folder


@pytest.fixture
def run(command_line):
    return partial(command_line, "train")


def write(path, family):
    rows = [
        (mine, f"enzyme {mine[-1]}", other, f"enzyme {other[-1]}", 0.8, "hard")
        for mine, other in permutations((f"{family}A", f"{family}G", f"{family}W"), 2)
    ]
    pl.DataFrame(rows, schema=COLUMNS, orient="row").write_csv(path)
    return path


@pytest.fixture
def table(tmp_path):
    write(tmp_path / "hard_negatives_valid.csv", "MRRS")
    return write(tmp_path / "hard_negatives_train.csv", "MKVL")


def test_a_run_and_its_continuation(run, tmp_path, base, table):
    output = tmp_path / "run"
    settings = tmp_path / "settings.toml"
    settings.write_text("[train]\nepochs = 1\nmargin = 0.3\n")
    options = ("-m", base, "-o", output, "--config", settings, "--lr", "1e-3", "--device", "cpu")
    code, out, err = run(table, *options)
    assert code == 0, err
    assert out == f"model: {output / 'model'}\ncurve: {output / 'loss_curve.png'}\n"
    assert "no validation" not in err, "the file beside the training file is found"
    inputs = json.loads((output / "inputs.json").read_text())
    assert inputs["valid"] == [str(table.with_name("hard_negatives_valid.csv"))]
    resolved = json.loads((output / "config.json").read_text())
    assert (resolved["epochs"], resolved["margin"], resolved["learning_rate"]) == (1, 0.3, 1e-3)
    assert resolved["valid"].startswith("6 rows")
    assert (output / "loss_history.csv").read_text().count("\n") == 3, "a header, the base, one step"

    code, out, err = run(table, *options)
    assert (code, out) == (2, "")
    assert err == f"error: {output}: {RESUMABLE}\n"
    assert run(table, *options, "--resume")[0] == 0, "a finished run stays as it is"
    assert run(table, *options, "--resume", "--seed", "3")[0] == 2
    assert run(table, "-m", output, "-o", tmp_path / "next", "--epochs", "1")[0] == 0, "the run is a model"


def test_nothing_that_is_read_or_of_others_is_overwritten(run, tmp_path, base, table):
    inputs = tmp_path / "inputs"
    shutil.copytree(base, inputs / "model")
    table.rename(inputs / "train.csv")
    before = {path: path.read_bytes() for path in inputs.rglob("*") if path.is_file()}
    rows, model = inputs / "train.csv", inputs / "model"
    other = write(tmp_path / "other.csv", "MEEK")
    for flag in ("--force", "--resume"):
        for command in (
            (other, "-m", inputs, "-o", inputs),
            (other, "-m", model, "-o", model),
            (other, "-m", model, "-o", inputs),
            (other, "-m", model, "-o", model / "run"),
            (other, "-m", base, "-o", inputs, "--guide", model, "--objective", "contrastive"),
            (rows, "-m", base, "-o", inputs),
            (rows, "-m", base, "-o", rows),
            (other, "-m", base, "--valid", rows, "-o", inputs),
        ):
            code, out, err = run(*command, "--epochs", "1", flag)
            assert (code, out) == (2, ""), command
            assert len(err.splitlines()) == 1
            assert "would be overwritten" in err or "it lies in the model" in err
    for name in ("model", "checkpoints"):
        (tmp_path / "out" / name).mkdir(parents=True)
        (tmp_path / "out" / name / "notes.md").write_text("mine")
        code, _, err = run(other, "-m", base, "-o", tmp_path / "out", "--epochs", "1", "--force")
        assert code == 2
        assert "no such command wrote it" in err
        assert (tmp_path / "out" / name / "notes.md").read_text() == "mine"
        shutil.rmtree(tmp_path / "out")
    assert {path: path.read_bytes() for path in inputs.rglob("*") if path.is_file()} == before


def test_several_tables_and_no_validation(run, tmp_path, base, table):
    easy = write(tmp_path / "easy_samples_train.csv", "MEEK")
    (tmp_path / "easy_samples_valid.csv").write_text(",".join(COLUMNS) + "\n")  # mined, and empty
    (tmp_path / "hard_negatives_valid.csv").unlink()
    code, _, err = run(table, easy, "-m", base, "-o", tmp_path / "run", "--epochs", "1")
    assert code == 0
    assert "no validation table: the last epoch is kept" in err
    assert "epoch 1: training loss" in err
    assert json.loads((tmp_path / "run" / "config.json").read_text())["table"].startswith("12 rows")


def test_what_is_cut_is_told(run, tmp_path, base):
    table = write(tmp_path / "triplets.csv", "MKVLMKVL")
    code, _, err = run(table, "-m", base, "-o", tmp_path / "run", "--epochs", "1")
    assert code == 0
    assert "3 of 3 sequences are longer than the model's 6 residues: each epoch reads another part of them" in err


def test_proteins_some_without_a_text(run, tmp_path, base):
    proteins = tmp_path / "proteins.tsv"
    proteins.write_text("id\tsequence\ttext\nP1\tMKVL\tBinds.\nP2\tMEEK\t\nP3\tMRRS\tCuts.\nP4\tMFFD\tFolds.\n")
    output = ("-o", tmp_path / "run")
    options = (proteins, "-m", base, "--valid", proteins, "--objective", "contrastive", "--epochs", "1", *output)
    code, _, err = run(*options)
    assert code == 0, err
    assert "1 of 4 rows have no text and are left out (--mlm reads them)" in err
    assert "validation easy" in err
    code, _, err = run(*options, "--mlm", "0.5", "--force")
    assert code == 0, err
    assert "left out" not in err
    lines = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert lines[1]["loss"] == pytest.approx(lines[1]["contrastive"] + lines[1]["masked"], abs=2e-4)

    fasta = tmp_path / "proteins.fasta"
    fasta.write_text(">P1 x\nMKVL\n>P2\nMEEK\n")
    code, _, err = run(proteins, fasta, *options[1:], "--mlm", "1", "--force")
    assert code == 0, err
    code, _, err = run(proteins, "-m", base, *output, "--objective", "twin", "--force")
    assert code == 2
    assert "no column 'hard_neg_seq'" in err


def test_sequences_alone(run, tmp_path, base):
    fasta = tmp_path / "proteins.fasta"
    fasta.write_text(">P1\nMKVLWWDE\n>P2\nMEEKRR\n")
    options = ("-m", base, "-o", tmp_path / "run", "--objective", "masked", "--epochs", "2")
    code, out, err = run(fasta, "--valid", fasta, *options)
    assert code == 0, err
    assert "base: validation perplexity" in err
    assert "epoch 2: validation perplexity" in err
    assert "kept: epoch" in err
    assert "text" not in err
    assert "model:" in out
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert (config["objective"], config["table"][:6]) == ("masked", "2 rows")


def test_what_is_wrong_with_proteins_can_be_said_or_left_out(run, tmp_path, base):
    fasta, table = tmp_path / "proteins.fasta", tmp_path / "proteins.tsv"
    fasta.write_text(">P1\nMK1L\n>P2\nMEEKRR\n")
    table.write_text("id\tpeptide\nP3\tMRRS\n")
    options = ("-m", base, "-o", tmp_path / "run", "--objective", "masked", "--epochs", "1")
    code, _, err = run(fasta, table, *options)
    assert code == 2
    assert "P1: letter '1'" in err
    assert "--on-bad-record skip" in err
    code, _, err = run(fasta, table, *options, "--on-bad-record", "skip")
    assert code == 2
    assert "--column sequence=NAME" in err
    code, _, err = run(fasta, table, *options, "--on-bad-record", "skip", "--column", "sequence=peptide")
    assert code == 0, err
    assert json.loads((tmp_path / "run" / "config.json").read_text())["table"].startswith("2 rows")


def test_an_interruption_says_how_to_go_on(run, tmp_path, base, table, monkeypatch):
    def interrupt(*_args, **_kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("protrek_hm.train.fine_tune", interrupt, raising=False)
    code, out, err = run(table, "-m", base, "-o", tmp_path / "run")
    assert (code, out) == (130, "")
    assert err == "interrupted; the same command with --resume goes on\n"


def test_bad_input_gives_one_clear_line(run, tmp_path, base, table, fails):
    output = ("-o", tmp_path / "run")
    model = ("-m", base)

    assert "none.csv: no such file" in fails(tmp_path / "none.csv", *model, *output)
    assert "none.csv: no such file" in fails(table, "--valid", tmp_path / "none.csv", *model, *output)
    assert "nothing: no such file or folder" in fails(table, "-m", tmp_path / "nothing", *output)
    (tmp_path / "folder").mkdir()
    assert "folder: holds no model" in fails(table, "-m", tmp_path / "folder", *output)
    assert "epochs = 0" in fails(table, *model, *output, "--epochs", "0")
    assert "learning_rate = -1.0" in fails(table, *model, *output, "--lr", "-1")
    assert "device = 'cuda:99': not on this machine" in fails(table, *model, *output, "--device", "cuda:99")
    settings = tmp_path / "settings.toml"
    settings.write_text("[train]\nepoch = 3\n")
    assert "epoch = 3: unknown setting" in fails(table, *model, *output, "--config", settings)
    bad = tmp_path / "bad.csv"
    bad.write_text(",".join(COLUMNS) + "\nMK1,a,MKV,b,0.8,hard\nMKV,,MKA,b,0.8,hard\n")
    assert "bad.csv:2: triplet 1" in fails(bad, *model, *output)
    bad.write_text(",".join(COLUMNS) + "\n")
    assert "bad.csv: a header and no records" in fails(bad, *model, *output)
    bad.write_text("anchor_seq,anchor_text,hard_neg_seq\nMKV,a,MKA\n")
    assert "no column 'hard_neg_text'" in fails(bad, *model, *output)
    one = tmp_path / "one.csv"
    one.write_text("\n".join(table.read_text().splitlines()[:2]) + "\n")
    assert "two rows" in fails(one, "--valid", table, *model, *output, "--objective", "contrastive")
    assert not (tmp_path / "run").exists()
