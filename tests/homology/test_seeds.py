import numpy as np

from protrek_hm.homology.scoring import Proteins
from protrek_hm.homology.seeds import OFFSETS, SeedIndex


def shared_seeds(x, y, letters):
    """Truth: the distinct seeds of both, by sets."""
    span = OFFSETS[letters]
    own, other = ({tuple(s[p + o] for o in span) for p in range(len(s) - span[-1])} for s in (x, y))
    return len(own & other)


def test_counts_what_sets_count(families):
    proteins = Proteins.of(families(6, sizes=[10, 10], lengths=[60, 50], gap_rate=0.02))
    n = len(proteins.lengths)
    last = np.full(n, n)
    for letters in (3, 4, 5, 6):
        index = SeedIndex.of(proteins, last, range(n), letters=letters, sketch=1_000)
        truth = {
            (a, b): shared_seeds(proteins.letters[a], proteins.letters[b], letters) for b in range(n) for a in range(b)
        }
        assert index.work().sum() == sum(truth.values())
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
    assert index.work()[0] > 0.7 * kept.min()
    assert kept.max() < 100


def test_partners_beyond_the_last_are_left_out():
    proteins = Proteins.of(["MKTAYIAKQRQISFVK", "MKTAYIAKQRQISFVKS", "MKTAYIAKQRQISFVKSH"])
    index = SeedIndex.of(proteins, np.array([2, 3, 3]), range(3), letters=4, sketch=100)
    assert index.pairs(range(3), np.ones(3, dtype=int)).tolist() == [[0, 1], [1, 2]]
