from itertools import combinations

import numpy as np
import polars as pl
import pytest

from protrek_hm.homology import HomologyConfig, align, connected_components, find_families, find_homologs
from protrek_hm.homology.identity import matches_and_columns
from protrek_hm.homology.lookup import Lookup
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


@pytest.mark.parametrize("hundredths", range(30, 100))
def test_every_way_to_look_agrees_at_the_threshold(hundredths):
    """A pair of 100 columns, `hundredths` of them identical, is a pair, a family, one component and a relative."""
    one = "".join(np.random.default_rng(hundredths).choice(list("ADKIFM"), 100))
    pair = [one, one[:hundredths] + one[hundredths:].translate(str.maketrans("ADKIFM", "SERVYL"))]
    assert matches_and_columns(*pair) == (hundredths, 100)
    for least, found in ((hundredths / 100, True), ((hundredths + 1) / 100, False)):
        config = HomologyConfig(min_identity=least, max_identity=1, threads=1)
        assert (find_homologs(pair, config).height == 1) == found
        assert (find_families(pair, config).tolist() == [0, 0]) == found
        assert (Lookup.of(pair[:1]).nearest(pair[1:], least=least, also=[[0]]) != [None]) == found
        for mined_at in (0.3, least):  # of the pairs that were mined, or by a search of its own
            related = Related(pair, MineConfig(min_identity=mined_at, max_identity=1, threads=1))
            assert (related.families(least).tolist() == [0, 0]) == found
        related = Related(pair, MineConfig(min_identity=1, max_identity=1, threads=1))
        assert (related.families(least).tolist() == [0, 0]) == found
