"""The reference's file, `protrek_data.tsv`, through mine, train and evaluate, its stages and structures honoured."""

import json
import sys

import numpy as np
import polars as pl
import pytest

from protrek_hm.cli.app import main
from protrek_hm.data import read_triplets

SUBSTRATES = ("starch", "chitin", "pectin", "lignin")
FAMILIES = (
    *("Alder bark lyase", "Brine shrimp shell cutter", "Copper mine mould enzyme", "Deep sea vent opener"),
    *("Elk rumen splitter", "Fig wasp gut ferment", "Glacier algae slicer", "Hot spring fibre breaker"),
)
STAGES = ("train",) * 4 + ("valid", "test") * 2


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)

    def run(line):
        monkeypatch.setattr(sys, "argv", ["protrek-hm", *line.split()])
        with pytest.raises(SystemExit) as caught:
            main()
        output = capsys.readouterr()
        assert not caught.value.code, output.err
        return output.out

    return run


@pytest.fixture
def reference_file(tmp_path):
    """Eight families of four twins; the site that decides on the substrate shows in sequence and structure."""
    rng = np.random.default_rng(7)
    rows = []
    for family, stage in zip(FAMILIES, STAGES, strict=True):
        sequence, structure = (
            "".join(rng.choice(list(letters), 50)) for letters in ("ACDEFGHIKLMNPQRSTVWY", "DVPSLNQ")
        )
        for substrate, residue, state in zip(SUBSTRATES, "KHWE", "DVPS", strict=True):
            text = f"{family} that acts on {substrate}."
            rows.append(
                (f"{sequence[:20]}{residue}{sequence[21:]}", text, f"{structure[:20]}{state}{structure[21:]}", stage)
            )
    columns = ("protein_sequence", "description", "foldseek_seq", "stage")
    path = tmp_path / "protrek_data.tsv"
    pl.DataFrame(rows, schema=columns, orient="row").write_csv(path, separator="\t")
    return path


def test_from_the_file_to_the_report(run, reference_file, tmp_path):
    from protrek_hm.evaluate import EvaluateConfig, evaluate
    from protrek_hm.model import ProTrek

    proteins = pl.read_csv(reference_file, separator="\t")
    run(f"mine {reference_file} -o mined --gate text --max-text-similarity 0.9 --easy 60")
    structures = dict(zip(proteins["protein_sequence"], proteins["foldseek_seq"].str.to_lowercase(), strict=True))
    stages = dict(zip(proteins["protein_sequence"], proteins["stage"], strict=True))
    for side in ("train", "valid", "test"):
        for kind in ("hard_negatives", "easy_samples"):
            triplets = read_triplets(tmp_path / "mined" / f"{kind}_{side}.csv")
            assert {stages[sequence] for sequence in triplets["anchor_seq"]} == {side}
            for role in ("anchor", "hard_neg"):
                expected = [structures[sequence] for sequence in triplets[f"{role}_seq"]]
                assert triplets[f"{role}_structure"].to_list() == expected

    run(
        f"model build {reference_file} -o base --layers 1 --text-layers 1 --structure-layers 1 --hidden 16 --heads 2"
        " --vocabulary 120"
    )
    run("train mined/hard_negatives_train.csv -m base -o run --structures --epochs 2 --lr 1e-3 --device cpu")
    settings = json.loads((tmp_path / "run" / "config.json").read_text())
    assert settings["structures"] is True
    hard, easy, train = (
        read_triplets(tmp_path / "mined" / f"{name}.csv")
        for name in ("hard_negatives_test", "easy_samples_test", "hard_negatives_train")
    )
    model = ProTrek.from_pretrained(tmp_path / "run", device="cpu")
    # As the command does with --structures, without its pictures
    result = evaluate({"tuned": model}, hard, easy, EvaluateConfig(resamples=100, structures=True), train=train)
    found = result.models[0].estimates
    assert found["hard_text_to_structure"].n == found["hard_text_to_protein"].n == 24
    assert "easy_text_to_structure" in found
    assert not result.leaks.leaks
    base = ProTrek.from_pretrained(tmp_path / "base", device="cpu")
    both = zip(*(each.routes["structure"].parameters() for each in (base, model)), strict=True)
    assert any(not before.equal(after) for before, after in both), "the structure tower has moved"
