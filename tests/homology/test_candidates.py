import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from protrek_hm.homology.candidates import last_partners, near_enough, shards
from protrek_hm.homology.config import HomologyConfig
from protrek_hm.homology.identity import matches_and_columns
from protrek_hm.homology.scoring import Proteins

proteins = st.text("ACDW", min_size=1, max_size=30)


@settings(max_examples=300, deadline=None)
@given(proteins, proteins, st.floats(0.3, 1), st.floats(0, 1))
def test_neither_bound_loses_a_wanted_pair(a, b, min_identity, coverage):
    matches, columns = matches_and_columns(a, b)
    covered = (len(a) + len(b) - columns) / max(len(a), len(b))
    config = HomologyConfig(min_identity=min_identity, max_identity=1, coverage=coverage)
    if matches >= min_identity * columns and covered >= coverage:
        two = Proteins.of([a, b])
        assert last_partners(two, config)[0] == 2
        pairs, distance = near_enough(two, np.array([[0, 1]]), config)
        assert len(pairs) == 1
        assert distance[0] <= columns - matches


def test_every_protein_lies_in_one_shard(families):
    sequences = families(3, sizes=[30, 30, 30], lengths=[300, 120, 40], gap_rate=0.02)
    everything, config = Proteins.of(sequences), HomologyConfig()
    cut = [s for group in shards(everything, config, last_partners(everything, config)) for s in group]
    assert [rank for shard in cut for rank in shard.ranks] == list(range(len(sequences)))


def test_repeats_of_few_distinct_seeds_are_found():
    unit = "MKTAYIAKQRQISFVKS"
    two = Proteins.of([unit * 60, unit * 59 + "WWW"])
    config = HomologyConfig()
    last = last_partners(two, config)
    found = [shard.pairs(last).tolist() for group in shards(two, config, last) for shard in group]
    assert [[0, 1]] in found
