from collections import defaultdict

import pytest

from protrek_hm.mine import MineConfig, mine_hard_negatives, write_mining
from protrek_hm.mine.tuples import COLUMNS


@pytest.fixture
def result(make_families):
    config = MineConfig(format="n-tuple", negatives_per_anchor=2, neighbours=False, easy=0, threads=1)
    return mine_hard_negatives(make_families(9, families=10), config)


@pytest.mark.parametrize("anchor", ["text", "protein"])
def test_tuples_hold_true_negatives_of_every_anchor_that_has_enough(make_families, result, anchor):
    config = MineConfig(neighbours=False, easy=0, threads=1)
    triplets = mine_hard_negatives(make_families(9, families=10), config).triplets.drop_nulls("split")
    negatives = defaultdict(set)
    for row in triplets.iter_rows(named=True):
        first, second, third = (row[column] for column in COLUMNS[anchor])
        negatives[row["split"], first, second].add(third)
    enough = {key for key, found in negatives.items() if len(found) >= 2}
    tuples = result.tuples[anchor]
    assert tuples.height == len(enough) > 0
    for split, first, positive, *drawn in tuples.iter_rows():
        assert len(set(drawn)) == 2
        assert set(drawn) <= negatives[split, first, positive]


def test_columns_are_those_of_sentence_transformers(result, tmp_path):
    assert result.tuples["text"].columns == ["split", "anchor", "positive", "negative_1", "negative_2"]
    write_mining(result, tmp_path / "out")
    header = (tmp_path / "out" / "protein_tuples_train.csv").read_text().splitlines()[0]
    assert header == "anchor,positive,negative_1,negative_2"
