"""`scan`: arguments, formats, the folder, and what is told of bad input."""

import io
import json
import shutil

import polars as pl
import pytest
import torch

from protrek_hm.model import ProTrek
from protrek_hm.model.reader import packaged_reader
from protrek_hm.model.twin_head import HEAD, HeadConfig, TwinHead

PROTEIN = "MKTAYIAKQRQISFVKSHFSRQ"
REGION = ("--region", "3-4")


@pytest.fixture(scope="module")
def with_head(tmp_path_factory):
    """A copy of the packaged model that holds an untrained head."""
    folder = tmp_path_factory.mktemp("model") / "model"
    model = ProTrek.from_pretrained("mini", device="cpu")
    model.save(str(folder))
    torch.manual_seed(0)
    reader = packaged_reader()
    TwinHead(HeadConfig(hidden=4), dimension=reader.dimension, reader=reader.fingerprint()).save(folder)
    return folder


def test_a_text_and_a_sequence_give_the_highest_and_the_lowest(command_line):
    code, out, err = command_line("scan", "cuts DNA", PROTEIN, *REGION, "--top", 2, "--signals", "model")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "protein of 22 residues: “cuts DNA”"
    assert lines[1] == "residues 3 to 4, 38 substitutions, ordered by the model"
    shown = [line.split() for line in lines if line.startswith(("T3", "A4"))]
    assert len(shown) == 4
    assert float(shown[0][1]) >= float(shown[1][1]) > float(shown[3][1]) >= float(shown[2][1])


def test_a_model_with_a_head_scores_by_both(command_line, with_head, tmp_path):
    code, out, _ = command_line("scan", "cuts DNA", PROTEIN, *REGION, "-m", with_head, "-o", tmp_path / "out")
    assert code == 0
    assert "ordered by the head" in out
    table = pl.read_csv(tmp_path / "out" / "scan.tsv", separator="\t")
    assert table["model"].null_count() == table["head"].null_count() == 0
    content = json.loads((tmp_path / "out" / "scan.json").read_text())
    assert content["settings"]["region"] == [3, 4]
    assert command_line("scan", "x", PROTEIN, *REGION, "-m", with_head, "-o", tmp_path / "out")[0] == 2
    assert command_line("scan", "x", PROTEIN, *REGION, "-m", with_head, "-o", tmp_path / "out", "--force")[0] == 0


def test_a_damaged_head_is_told(command_line, with_head, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(with_head, folder)
    (folder / HEAD).write_bytes((folder / HEAD).read_bytes()[:-9])
    code, out, err = command_line("scan", "x", PROTEIN, *REGION, "-m", folder)
    assert (code, out) == (2, "")
    assert "damaged" in err
    assert err.count("\n") == 1


def test_a_change_of_function(command_line):
    given = ("--format", "tsv", *REGION)
    tables = {}
    for name, arguments in {
        "to": ("binds copper", PROTEIN),
        "from": ("binds zinc", PROTEIN),
        "both": ("binds copper", PROTEIN, "--from", "binds zinc"),
        "named": (PROTEIN, "--towards", "binds copper", "--from", "binds zinc"),
    }.items():
        code, out, _ = command_line("scan", *arguments, *given)
        assert code == 0
        tables[name] = pl.read_csv(io.StringIO(out), separator="\t")
    gap = tables["to"]["model"] - tables["from"]["model"]
    assert (tables["both"]["model"] - gap).abs().max() < 1e-5
    assert tables["both"].equals(tables["named"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((PROTEIN,), 'give "text" and a protein'),
        (("a", PROTEIN, "--towards", "b"), "give the protein alone"),
        ((" ", PROTEIN), "is empty; give a text"),
        (("a", "MKTAYIAKQJ"), "letter 'J' at position 10"),
        (("a", "TEM-1"), "name its index with -i"),
        (("a", PROTEIN, "--region", "20-30"), "the protein has 22 residues"),
        (("a", PROTEIN, "--region", "x"), "such as 50-120"),
        (("a", PROTEIN, "--signals", "words"), "known signals are model, head"),
        (("a", "M" * 35_000), "35000: more than 2,000 at once; name a region, such as 1-2000, or raise most-residues"),
        (("a", "nothing.fasta"), "no such file"),
        (("a", PROTEIN, "--top", "-1"), "must be 0 or more"),
        (("a", PROTEIN, "-i", "nowhere"), "nowhere"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(command_line, arguments, said):
    code, out, err = command_line("scan", *arguments)
    assert (code, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1


def test_nothing_is_left_of_a_scan_that_is_interrupted(command_line, tmp_path, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("protrek_hm.search.scan.encode_unit", interrupted)
    code, _, _ = command_line("scan", "a", PROTEIN, "-o", tmp_path / "out")
    assert code == 130
    assert list(tmp_path.iterdir()) == []
