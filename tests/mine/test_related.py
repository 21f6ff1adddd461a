from itertools import combinations

import numpy as np
import polars as pl
import pytest

from protrek_hm.homology import align, connected_components
from protrek_hm.mine import related as module
from protrek_hm.mine.config import MineConfig
from protrek_hm.mine.related import Related


@pytest.mark.parametrize("identity", [0.5, 0.6, 0.7, 0.9])
def test_families_are_the_components_of_all_alignments(make_families, identity):
    sequences = make_families(1)["sequence"].to_list()
    pairs = list(combinations(range(len(sequences)), 2))
    aligned = [align(sequences[a], sequences[b]) for a, b in pairs]
    linked = [
        pair for pair, each in zip(pairs, aligned, strict=True) if each.identity >= identity and each.coverage >= 0.8
    ]
    truth = connected_components(len(sequences), np.array(linked).reshape(-1, 2))
    related = Related(sequences, MineConfig(threads=1))
    assert related.families(identity).tolist() == truth.tolist()


def test_a_cap_leaves_the_families_alone(make_families):
    sequences = make_families(1)["sequence"].to_list()
    free, capped = (Related(sequences, MineConfig(threads=1, max_pairs_per_protein=most)) for most in (None, 1))
    (every, none), (kept, left_out) = free.twins(), capped.twins()
    assert none == 0
    assert kept.height + left_out == every.height
    both = pl.concat([kept["a"], kept["b"]])
    assert both.is_unique().all()
    assert capped.families(0.7).tolist() == free.families(0.7).tolist()


def test_finished_parts_are_not_done_again(make_families, tmp_path, monkeypatch):
    sequences = make_families(1)["sequence"].to_list()
    first = Related(sequences, MineConfig(threads=1), work_dir=tmp_path).families(0.5)
    with monkeypatch.context() as patch:
        patch.delattr(module, "find_families")
        assert Related(sequences, MineConfig(threads=1), work_dir=tmp_path).families(0.5).tolist() == first.tolist()
        with pytest.raises(NameError):  # other proteins are another search
            Related(sequences[1:], MineConfig(threads=1), work_dir=tmp_path).families(0.5)
