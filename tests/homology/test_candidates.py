from collections import Counter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from protrek_hm.homology import candidates, find_families, find_homologs
from protrek_hm.homology.candidates import OFFSETS, SeedIndex, last_partners, near_enough, shards
from protrek_hm.homology.config import HomologyConfig
from protrek_hm.homology.identity import Proteins, matches_and_columns

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


def test_an_index_of_few_residues_at_a_time_finds_the_same(families, monkeypatch):
    sequences = families(4, sizes=[15, 20, 25, 10], lengths=[900, 500, 300, 200], gap_rate=0.01)
    proteins, config = Proteins.of(sequences), HomologyConfig(min_identity=0.5)
    last = last_partners(proteins, config)
    whole = [group[0].index for group in shards(proteins, config, last) if group]
    found = find_homologs(sequences, config), find_families(sequences, config).tolist()
    monkeypatch.setattr(candidates, "RESIDUES_OF_AN_INDEX", 10_000)
    parts = [group for group in shards(proteins, config, last) if group]
    assert [rank for group in parts for shard in group for rank in shard.ranks] == list(range(len(sequences)))
    assert max(len(group[0].index.ranks) for group in parts) < 0.7 * max(len(each.ranks) for each in whole)
    assert find_homologs(sequences, config).rows() == found[0].rows()
    assert find_families(sequences, config).tolist() == found[1]
    assert len(found[0]) > 100


def test_repeats_of_few_distinct_seeds_are_found():
    unit = "MKTAYIAKQRQISFVKS"
    two = Proteins.of([unit * 60, unit * 59 + "WWW"])
    config = HomologyConfig()
    last = last_partners(two, config)
    found = [shard.pairs(last).tolist() for group in shards(two, config, last) for shard in group]
    assert [[0, 1]] in found


def shared_seeds(x, y, letters):
    """Truth: the seeds of both, each as often as both have it."""
    span = OFFSETS[letters]
    own, other = (Counter(tuple(s[p + o] for o in span) for p in range(len(s) - span[-1])) for s in (x, y))
    return (own & other).total()


def test_counts_what_counters_count(families):
    some = families(6, sizes=[10, 10], lengths=[60, 50], gap_rate=0.02)
    proteins = Proteins.of([*some, some[0] + some[0][:30], some[1][:25] * 2 + some[2]])
    n = len(proteins.lengths)
    last = np.full(n, n)
    for letters in (3, 4, 5, 6):
        index = SeedIndex.of(proteins, last, range(n), letters=letters, sketch=1_000)
        truth = {
            (a, b): shared_seeds(proteins.letters[a], proteins.letters[b], letters) for b in range(n) for a in range(b)
        }
        assert index.work(last).sum() == sum(truth.values())
        for least in (1, 5):
            for ranks in (range(n), range(3, 9)):
                wanted = sorted(p for p, count in truth.items() if count >= least and p[0] in ranks)
                assert [tuple(p) for p in index.pairs(ranks, np.full(len(ranks), least)).tolist()] == wanted


def test_a_small_sketch_keeps_the_same_seeds_of_both(families):
    """A pair of nearly one sequence shares nearly all that each of them keeps, also when lengths differ."""
    (ancestor,) = families(8, sizes=[1], lengths=[400])
    proteins = Proteins.of([ancestor, ancestor[:350]])
    index = SeedIndex.of(proteins, np.array([2, 2]), range(2), letters=5, sketch=60)
    kept = np.diff(index.first)
    assert index.work(np.array([2, 2]))[0] > 0.7 * kept.min()
    assert kept.max() < 100


def test_partners_beyond_the_last_are_left_out():
    proteins = Proteins.of(["MKTAYIAKQRQISFVK", "MKTAYIAKQRQISFVKS", "MKTAYIAKQRQISFVKSH"])
    index = SeedIndex.of(proteins, np.array([2, 3, 3]), range(3), letters=4, sketch=100)
    assert index.pairs(range(3), np.ones(3, dtype=int)).tolist() == [[0, 1], [1, 2]]


def test_repeats_are_paired_among_themselves_whatever_they_share():
    proteins = Proteins.of(["GA" * 20, "MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQAPILSRVG", "GS" * 21, "W" * 43, "P" * 60])
    last = np.array([4, 4, 4, 5, 5])
    index = SeedIndex.of(proteins, last, range(5), letters=4, sketch=100)
    assert index.repeats.tolist() == [0, 2, 3, 4]
    assert index.pairs_of_repeats(range(5), last).tolist() == [[0, 2], [0, 3], [2, 3], [3, 4]]
    assert index.pairs_of_repeats(range(1, 3), last).tolist() == [[2, 3]]
    assert index.work(last).tolist() == [2, 0, 1, 1, 0]
