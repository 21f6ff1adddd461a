import polars as pl
import pytest

from protrek_hm.data import read_triplets
from protrek_hm.errors import OutputExistsError
from protrek_hm.files import read_json
from protrek_hm.mine import MineConfig, mine_hard_negatives, output, write_mining
from protrek_hm.mine.output import choose_examples, twin_card
from protrek_hm.mine.triplets import OUR_COLUMNS, REFERENCE_COLUMNS


@pytest.fixture
def result(make_families):
    return mine_hard_negatives(make_families(9, families=10), MineConfig(easy=20, threads=1))


def test_the_files_can_be_read_back(result, tmp_path):
    folder = tmp_path / "out"
    write_mining(result, folder)
    back = read_triplets(folder / "hard_negatives_all.csv")
    assert back.columns == [*REFERENCE_COLUMNS, *OUR_COLUMNS]
    assert back.height == result.triplets.height
    sides = sum(pl.read_csv(folder / f"hard_negatives_{side}.csv").height for side in ("train", "valid", "test"))
    assert sides == back["split"].drop_nulls().len()
    report = read_json(folder / "mining_report.json")
    assert report["splits"]["train"]["triplets"] == back.filter(split="train").height
    assert read_json(folder / "config.json")["easy"] == 20
    with pytest.raises(OutputExistsError):
        write_mining(result, folder)


def test_examples_come_from_different_families(result):
    examples = choose_examples(result.triplets, count=3)
    assert len({row["component"] for row in examples}) == len(examples)
    card = twin_card(examples[0])
    assert card.a.replace("-", "") == examples[0]["anchor_seq"]
    assert card.identity == examples[0]["seq_similarity"]


def test_a_picture_that_fails_costs_nothing_else(result, tmp_path, monkeypatch, caplog):
    def fails(*_, **__):
        raise RuntimeError("no font")

    monkeypatch.setattr(output, "draw_twin_cards", fails)
    write_mining(result, tmp_path / "out")
    assert (tmp_path / "out" / "hard_negatives_all.csv").exists()
    assert caplog.messages == ["hard_negative_examples.png could not be drawn (no font); everything else is there"]
